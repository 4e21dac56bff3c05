/** The servers that are compared: how each is started, and how a client of each gets in. */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { wait } from "./measure.ts"

export type ServerName = "fiberchat" | "fiberchat, store in memory" | "bare ws" | "Socket.IO"

/** What a connecting client needs. */
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
const settings = {
  CHAT_PORT: "0",
  CHAT_RATE_LIMIT: "off",
  CHAT_AUTH_RATE_LIMIT: "off",
  CHAT_LOGIN_POLICY: "multi",
  CHAT_MAX_USER_CONNECTIONS: "100000",
  CHAT_LOG_FORMAT: "json"
}

const startMillisMax = 15_000
const memoryMillisMax = 10_000
const memoryFile = "memory-in-use"

/** Starts a server whose users are registered already: hashing their passwords must not be in its memory figures. */
export const start = async (name: ServerName, userCount: number): Promise<ServerUnderTest> => {
  const directory = mkdtempSync(join(tmpdir(), "fiberchat-bench-"))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  try {
    const logins = name.startsWith("fiberchat") ? await registered(name, directory, userCount) : invented(userCount)
    const { child, url } = await launch(name, directory)
    if (child.pid === undefined) throw new Error(`${name} has no process`)
    const stop = async () => {
      await ended(child)
      remove()
    }
    const { pid } = child
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

const launch = async (name: ServerName, directory: string) => {
  const preload = ["--expose-gc", "--import", join(import.meta.dirname, "memoryOnSignal.ts")]
  const child = spawn(process.execPath, [...preload, join(import.meta.dirname, scripts[name])], {
    env: { ...process.env, ...settings, CHAT_DATA_DIR: directory, BENCH_MEMORY_FILE: join(directory, memoryFile) },
    stdio: ["ignore", "pipe", "inherit"]
  })
  try {
    return { child, url: await listening(child) }
  } catch (error) {
    await ended(child)
    throw error
  }
}

/** Users of a data directory, registered by a server that is gone afterwards. */
const registered = async (name: ServerName, directory: string, count: number): Promise<ReadonlyArray<Login>> => {
  const { child, url } = await launch(name, directory)
  try {
    return await register(url, count)
  } finally {
    await ended(child)
  }
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once("exit", () => resolve())
    child.kill("SIGKILL")
  })

/** Waits for the line that says where the server listens. */
const listening = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let output = ""
    const timer = setTimeout(
      () => reject(new Error(`no server within ${startMillisMax} ms: ${output}`)),
      startMillisMax
    )
    child.once("exit", () => reject(new Error(`the server ended: ${output}`)))
    child.stdout?.on("data", (chunk) => {
      output += chunk
      const url = /Listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1]
      if (url === undefined) return
      clearTimeout(timer)
      resolve(url)
    })
  })

const register = async (url: string, count: number): Promise<ReadonlyArray<Login>> => {
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
  }
  return logins
}

/** The relays believe every token: it is the user's id. */
const invented = (count: number): ReadonlyArray<Login> =>
  Array.from({ length: count }, (_, index) => ({ userId: String(1_000 + index), token: String(1_000 + index) }))
