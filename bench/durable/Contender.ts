/** The contenders of `pnpm bench durable`: each way to carry and store a message, and how its processes are started. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { dockerServers, hasDocker } from "../../infra/DockerServers.ts"
import * as Kafka from "../../infra/kafka.ts"
import * as Mariadb from "../../infra/mariadb.ts"
import { nativeServers } from "../../infra/NativeServers.ts"
import { up } from "../../infra/Servers.ts"
import { makeScratch } from "../../infra/scratch.ts"
import type { ServerProcess } from "../../scripts/harness/ServerProcess.ts"
import { invented, type Login, launchScript, listening, register, settings } from "../ServerUnderTest.ts"

interface Kind {
  readonly title: string
  readonly script: string
  /** Bare relay: believes every token, and has one number for all conversations. */
  readonly isRelay: boolean
  readonly isDurable: boolean
  readonly needsInfra: boolean
  /** Whether connections and store are in processes of their own. */
  readonly isSplit: boolean
}

const fiberchat = { script: "../src/main.ts", isRelay: false, isDurable: true, needsInfra: false, isSplit: false }

export const kinds = {
  relay: { ...fiberchat, title: "bare ws", script: "servers/bareWs.ts", isRelay: true, isDurable: false },
  memory: {
    ...fiberchat,
    title: "fiberchat, store in memory",
    script: "servers/fiberchatInMemory.ts",
    isDurable: false
  },
  embedded: { ...fiberchat, title: "embedded: SQLite, in one process" },
  infra: { ...fiberchat, title: "infra: MySQL and Kafka, one process", needsInfra: true },
  "infra-split": { ...fiberchat, title: "infra: MySQL and Kafka, gateway and worker", needsInfra: true, isSplit: true }
} as const satisfies Record<string, Kind>

export type ContenderName = keyof typeof kinds

/** Their names, as `--profile` takes them. */
export const contenderNames = Object.keys(kinds)

export const isContender = (name: string): name is ContenderName => name in kinds

/** A process whose CPU is counted. */
export interface Part {
  readonly name: "server" | "gateway" | "worker" | "MariaDB" | "Kafka" | "generator"
  readonly pid: number
}

/** A running contender. */
export interface Contender extends Kind {
  readonly name: ContenderName
  readonly url: string
  /** Two for each pair. */
  readonly logins: ReadonlyArray<Login>
  /** Its own processes first, then the servers that it stores in, where they are processes of this machine. */
  readonly parts: ReadonlyArray<Part>
  /** Data of its own processes; removed with it. */
  readonly directory: string
  readonly stop: () => Promise<void>
}

export interface StartOptions {
  readonly pairs: number
  /** Arguments of Node before each script. */
  readonly preload: ReadonlyArray<string>
  /** Told what takes long. */
  readonly say: (line: string) => void
}

/** Connections stay open while the others have their turns, and end at once when all have had them. */
export const forAllRounds = { CHAT_IDLE_TIMEOUT: "0", CHAT_DRAIN_WINDOW: "0" }

/** How long a process may take to leave its consumer group and to end, before it is killed. */
export const stopMillisMax = 15_000

/** Brings MySQL and Kafka up, where one of these needs them. */
export const infraUp = async (names: ReadonlyArray<ContenderName>, say: (line: string) => void): Promise<void> => {
  if (names.some((name) => kinds[name].needsInfra)) await up(hasDocker() ? dockerServers : nativeServers(say))
}

/** The split contender's gateway tells its worker nothing: the address is agreed. */
const gatewayInternalPort = 15_556

/** Starts a contender with users that are registered, and a store that is empty and goes with it. */
export const start = async (name: ContenderName, options: StartOptions): Promise<Contender> => {
  const kind: Kind = kinds[name]
  const directory = mkdtempSync(join(tmpdir(), "fiberchat-bench-"))
  const scratch = kind.needsInfra ? await makeScratch("bench") : undefined
  const servers: Array<ServerProcess> = []
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop(stopMillisMax)))
    rmSync(directory, { recursive: true, force: true })
    await scratch?.remove()
  }
  const launch = async (part: Part["name"], says: RegExp, own: Readonly<Record<string, string>>) => {
    const env = { ...settings, ...forAllRounds, ...scratch?.settings, CHAT_DATA_DIR: directory, ...own }
    const { server, said } = await launchScript(kind.script, { preload: options.preload, env, says })
    servers.push(server)
    return { said, part: { name: part, pid: server.pid } }
  }
  try {
    const parts: Array<Part> = []
    const first = await launch(kind.isSplit ? "gateway" : "server", listening, {
      CHAT_ROLE: kind.isSplit ? "gateway" : "all",
      ...(kind.isSplit ? { CHAT_INTERNAL_PORT: String(gatewayInternalPort) } : {})
    })
    parts.push(first.part)
    if (kind.isSplit) {
      const CHAT_GATEWAYS = `http://127.0.0.1:${gatewayInternalPort}`
      const worker = await launch("worker", /connected to the gateway (\S+)/, { CHAT_ROLE: "worker", CHAT_GATEWAYS })
      parts.push(worker.part)
    }
    if (kind.needsInfra) parts.push(...infraParts())
    const users = 2 * options.pairs
    const logins = kind.isRelay ? invented(users) : await register(first.said, users)
    return { ...kind, name, url: first.said, logins, parts, directory, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The native servers; those in Docker have processes that are not ours to see. */
export const infraParts = (): ReadonlyArray<Part> =>
  [
    { name: "MariaDB" as const, pid: Mariadb.daemonOf().pid },
    { name: "Kafka" as const, pid: Kafka.daemonOf().pid }
  ].flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]))
