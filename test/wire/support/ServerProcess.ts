/** A process of the server of this checkout, with short clocks. */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"

const root = join(import.meta.dirname, "..", "..", "..")
const readyMillis = 120_000
/** How long the server may take to end by itself before it is killed. */
const graceMillis = 5_000

const settings = {
  CHAT_HOST: "127.0.0.1",
  CHAT_PORT: "0",
  CHAT_INTERNAL_PORT: "0",
  CHAT_ACK_TIMEOUT: "2 seconds",
  CHAT_ACK_RETRY: "100 millis",
  CHAT_PUSH_RETRY: "250 millis",
  CHAT_PUSH_RETRY_COUNT: "3",
  CHAT_HEARTBEAT_INTERVAL: "2 seconds",
  CHAT_IDLE_TIMEOUT: "0",
  CHAT_RATE_LIMIT: "off",
  CHAT_AUTH_RATE_LIMIT: "off",
  // The address is told at this level.
  CHAT_LOG_LEVEL: "info",
  CHAT_LOG_FORMAT: "json"
}

export interface ServerProcess {
  readonly url: string
  /** Where other nodes reach it. */
  readonly internalUrl: string
  readonly stop: () => Promise<void>
}

const endOf = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    child.once("exit", () => resolve())
    child.once("error", () => resolve())
  })

/** The addresses that the process tells, or its output as an error. */
const addressesOf = (child: ChildProcess) =>
  new Promise<Pick<ServerProcess, "url" | "internalUrl">>((resolve, reject) => {
    let output = ""
    const fail = (problem: string) => () => reject(new Error(`the server ${problem}:\n${output.slice(-8_000)}`))
    const timer = setTimeout(fail("does not say where it listens"), readyMillis)
    const read = (chunk: unknown) => {
      output = (output + String(chunk)).slice(-16_000)
      const url = /http:\/\/127\.0\.0\.1:[1-9]\d*/.exec(output)?.[0]
      const internal = /Internal listener on (127\.0\.0\.1:[1-9]\d*)/.exec(output)?.[1]
      if (url === undefined || internal === undefined) return
      clearTimeout(timer)
      resolve({ url, internalUrl: `http://${internal}` })
    }
    child.stdout?.on("data", read)
    child.stderr?.on("data", read)
    child.once("error", fail("does not start"))
    child.once("exit", fail("has ended"))
  })

/** Starts a process on a free port, and waits until it listens. */
export const startProcess = async (more: Readonly<Record<string, string>>): Promise<ServerProcess> => {
  // Settings of the shell from which the suite is run must not leak into it.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(CHAT_|NODE_|VITE)/.test(name) && name !== "FORCE_COLOR"
  )
  const child = spawn(process.execPath, [join(root, "src", "main.ts")], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...Object.fromEntries(inherited), ...settings, ...more }
  })
  const ended = endOf(child)
  // The last resort, when the run itself fails.
  const kill = () => child.kill("SIGKILL")
  process.once("exit", kill)
  const stop = async () => {
    child.kill("SIGTERM")
    const killer = setTimeout(kill, graceMillis)
    await ended
    clearTimeout(killer)
    process.off("exit", kill)
  }
  try {
    return { ...(await addressesOf(child)), stop }
  } catch (problem) {
    await stop()
    throw problem
  }
}
