/** The servers that are compared: how each is started, and how a client of each gets in. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ServerProcess } from "../scripts/harness/ServerProcess.ts"
import { wait } from "./measure.ts"

export type ServerName = "fiberchat" | "fiberchat, store in memory" | "bare ws" | "Socket.IO"

/** The address and credentials for a connecting client. */
export interface Login {
  readonly userId: string
  readonly token: string
}

export interface ServerUnderTest {
  readonly name: ServerName
  readonly pid: number
  readonly url: string
  readonly logins: ReadonlyArray<Login>
  /** Resident memory less the free part of the heap, after a collection; in bytes. */
  readonly memoryInUse: () => Promise<number>
  readonly stop: () => Promise<void>
}

const scripts: Record<ServerName, string> = {
  fiberchat: "../src/main.ts",
  "fiberchat, store in memory": "servers/fiberchatInMemory.ts",
  "bare ws": "servers/bareWs.ts",
  "Socket.IO": "servers/socketIo.ts"
}

/** As shipped, but for limits that would refuse the load, and for one user having many connections. */
export const settings: Readonly<Record<string, string>> = {
  CHAT_PORT: "0",
  CHAT_INTERNAL_PORT: "0",
  CHAT_RATE_LIMIT: "off",
  CHAT_AUTH_RATE_LIMIT: "off",
  CHAT_LOGIN_POLICY: "multi",
  CHAT_MAX_USER_CONNECTIONS: "100000",
  CHAT_MAX_NETWORK_CONNECTIONS: "100000",
  CHAT_LOG_FORMAT: "json"
}

const memoryMillisMax = 10_000
const memoryFile = "memory-in-use"

/** Starts a server whose users are registered already: hashing their passwords must not be in its memory figures. `changes` of its settings. */
export const start = async (
  name: ServerName,
  userCount: number,
  changes: Readonly<Record<string, string>> = {}
): Promise<ServerUnderTest> => {
  const directory = mkdtempSync(join(tmpdir(), "fiberchat-bench-"))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  try {
    const logins = name.startsWith("fiberchat") ? await registered(name, directory, userCount) : invented(userCount)
    const { server, said: url } = await launch(name, directory, changes)
    const stop = async () => {
      await server.killed()
      remove()
    }
    const { pid } = server
    return { name, pid, url, logins, memoryInUse: () => memoryInUse(pid, join(directory, memoryFile)), stop }
  } catch (error) {
    remove()
    throw error
  }
}

const memoryInUse = async (pid: number, file: string): Promise<number> => {
  rmSync(file, { force: true })
  process.kill(pid, "SIGUSR2")
  for (let waited = 0; waited < memoryMillisMax; waited += 100) {
    await wait(100)
    const text = existsSync(file) ? readFileSync(file, "utf8") : ""
    if (text !== "") return Number(text)
  }
  throw new Error("the server did not tell its memory")
}

const launch = (name: ServerName, directory: string, changes: Readonly<Record<string, string>> = {}) =>
  launchScript(scripts[name], {
    preload: ["--expose-gc", "--import", join(import.meta.dirname, "memoryOnSignal.ts")],
    env: { ...settings, ...changes, CHAT_DATA_DIR: directory, BENCH_MEMORY_FILE: join(directory, memoryFile) },
    says: listening
  })

/** The line in which every server says where it can be reached. */
export const listening = /Listening on (http:\/\/127\.0\.0\.1:\d+)/

/** Starts a script of this folder and waits until it has said a line; `said` is the part of it that is in brackets. */
export const launchScript = async (
  script: string,
  {
    preload,
    env,
    says
  }: {
    readonly preload: ReadonlyArray<string>
    readonly env: Readonly<Record<string, string>>
    readonly says: RegExp
  }
) => {
  const server = new ServerProcess(env, { script: join(import.meta.dirname, script), nodeArguments: preload })
  try {
    const [, said = ""] = await server.said(says)
    return { server, said }
  } catch (error) {
    await server.killed()
    throw error
  }
}

/** Users of a data directory, registered by a server that is gone afterwards. */
const registered = async (name: ServerName, directory: string, count: number): Promise<ReadonlyArray<Login>> => {
  const { server, said: url } = await launch(name, directory)
  try {
    return await register(url, count)
  } finally {
    await server.killed()
  }
}

export const register = async (url: string, count: number): Promise<ReadonlyArray<Login>> => {
  const logins: Array<Login> = []
  for (let index = 0; index < count; index++) {
    const response = await fetch(`${url}/v1/user/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ phone: `+336${10_000_000 + index}`, password: "correct horse", nickname: `user ${index}` })
    })
    const { data } = (await response.json()) as { data: { token: string } }
    const claims = JSON.parse(Buffer.from(data.token.split(".")[1] ?? "", "base64url").toString()) as { sub: string }
    logins.push({ userId: claims.sub, token: data.token })
    // Groups are founded with strangers. Older versions have no such route, and let everybody in.
    await fetch(`${url}/v1/user/privacy`, {
      method: "PATCH",
      headers: { "content-type": "application/json", authorization: `Bearer ${data.token}` },
      body: JSON.stringify({ addToGroups: "everyone" })
    })
  }
  return logins
}

/** The relays believe every token: it is the user's id. */
export const invented = (count: number): ReadonlyArray<Login> =>
  Array.from({ length: count }, (_, index) => ({ userId: String(1_000 + index), token: String(1_000 + index) }))
