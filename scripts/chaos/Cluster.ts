/** The processes of a profile under a fault run, each of which can be killed and brought back. */
import { randomBytes } from "node:crypto"
import type { ServerName } from "../../infra/addresses.ts"
import { findServers } from "../../infra/findServers.ts"
import { up } from "../../infra/Servers.ts"
import { makeScratch } from "../../infra/scratch.ts"
import { RestartableServer } from "../harness/RestartableServer.ts"
import { say } from "../harness/Transcript.ts"

/** One process. */
export interface Target {
  readonly name: string
  /** `kill -9`; returns when it is gone. */
  readonly kill: () => Promise<void>
  /** Starts it again; returns when it answers. */
  readonly revive: () => Promise<void>
}

export interface Cluster {
  /** Where clients connect: some here, some there. */
  readonly urls: ReadonlyArray<string>
  readonly targets: ReadonlyArray<Target>
  /** Between two kills: enough to recover from one now and then, and not always. */
  readonly pauseMillis: readonly [number, number]
  /** The ends of what our processes have logged. */
  readonly logs: () => string
  readonly stop: () => Promise<void>
}

export const profiles = ["embedded", "infra"] as const
export type Profile = (typeof profiles)[number]

const targetOf = (name: string, server: RestartableServer): Target => ({
  name,
  kill: () => {
    server.kill()
    return server.killed()
  },
  revive: () => server.start()
})

const logsOf = (servers: ReadonlyArray<RestartableServer>) => () => servers.map(({ log }) => log).join("\n")

/** One process with everything in it. */
const startEmbedded = async (): Promise<Cluster> => {
  const server = await RestartableServer.prepare()
  await server.start()
  return {
    urls: [server.url],
    targets: [targetOf("server", server)],
    pauseMillis: [1_000, 5_000],
    logs: logsOf([server]),
    stop: async () => void (await server.stop())
  }
}

/** Two gateways and two workers on MySQL and Kafka, in a database and a topic of their own. */
const startInfra = async (): Promise<Cluster> => {
  const servers = findServers(say)
  await up(servers)
  const scratch = await makeScratch("chaos")
  const prepare = (settings: Readonly<Record<string, string>>) =>
    RestartableServer.prepare({ ...scratch.settings, ...settings })
  const CHAT_JWT_SECRET = randomBytes(32).toString("hex")
  const gateways = [
    await prepare({ CHAT_JWT_SECRET, CHAT_ROLE: "gateway" }),
    await prepare({ CHAT_JWT_SECRET, CHAT_ROLE: "gateway" })
  ]
  const CHAT_GATEWAYS = gateways.map(({ internalUrl }) => internalUrl).join(",")
  const workers = [
    await prepare({ CHAT_JWT_SECRET, CHAT_ROLE: "worker", CHAT_GATEWAYS }),
    await prepare({ CHAT_JWT_SECRET, CHAT_ROLE: "worker", CHAT_GATEWAYS })
  ]
  const processes = [...gateways, ...workers]
  const stop = async () => {
    for (const process of processes) await process.stop()
    await up(servers)
    await scratch.remove()
  }
  try {
    for (const process of processes) await process.start()
  } catch (error) {
    await stop()
    throw error
  }
  const infraTarget = (name: ServerName): Target => ({
    name,
    kill: () => servers.kill(name),
    revive: () => up(servers, [name])
  })
  return {
    urls: gateways.map(({ url }) => url),
    targets: [
      ...gateways.map((gateway, index) => targetOf(`gateway-${index + 1}`, gateway)),
      ...workers.map((worker, index) => targetOf(`worker-${index + 1}`, worker)),
      infraTarget("mysql"),
      infraTarget("kafka")
    ],
    pauseMillis: [3_000, 15_000],
    logs: logsOf(processes),
    stop
  }
}

export const startCluster = (profile: Profile): Promise<Cluster> =>
  profile === "embedded" ? startEmbedded() : startInfra()
