/** The servers that are compared: how each is started, and how a client of each gets in. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

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
  CHAT_LOG_FORMAT: "json"
}

const startMillisMax = 15_000

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
    return { name, pid: child.pid, url, logins, stop }
  } catch (error) {
    remove()
    throw error
  }
}

const launch = async (name: ServerName, directory: string) => {
  const preload = ["--expose-gc", "--import", join(import.meta.dirname, "collectOnSignal.ts")]
  const child = spawn(process.execPath, [...preload, join(import.meta.dirname, scripts[name])], {
    env: { ...process.env, ...settings, CHAT_DATA_DIR: directory },
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
