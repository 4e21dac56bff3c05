/**
 * A process of the server, or of a script in its place: its settings, its output, its addresses, its end. Tests, benchmarks
 * and fault runs all start their servers with it; none outlives the process that has started it, unless that is killed.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"

const main = join(import.meta.dirname, "..", "..", "src", "main.ts")
/** The end of its output is kept, up to twice so many characters. */
const outputMax = 4_000_000
/** The part of its output that an error quotes. */
const quotedMax = 8_000
const listeningMillisMax = 120_000

/** The last resort, when the caller itself fails: runs whichever way it ends, short of being killed. */
const running = new Set<ServerProcess>()
process.once("exit", () => running.forEach((server) => server.kill("SIGKILL")))

export interface LaunchOptions {
  /** The script; the server's main by default. */
  readonly script?: string
  /** Arguments of Node before the script. */
  readonly nodeArguments?: ReadonlyArray<string>
  /** Whether the processes that it starts, such as those of `node --watch`, end with it. Ctrl-C does not reach them then. */
  readonly isGroup?: boolean
}

export interface Addresses {
  readonly url: string
  /** Where other nodes reach it. */
  readonly internalUrl: string
}

export class ServerProcess {
  readonly child: ChildProcess
  /** The exit status, after all of its output has been read; `null` after a signal. */
  readonly exited: Promise<number | null>
  isRunning = true
  private text = ""
  private readonly isGroup: boolean
  private readonly listeners = new Set<() => void>()

  /** Starts it. Settings of the caller's own environment do not reach it, but the rest of that environment does. */
  constructor(
    settings: Readonly<Record<string, string>>,
    { script = main, nodeArguments = [], isGroup = false }: LaunchOptions = {}
  ) {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(CHAT_|NODE_|VITE)/.test(name) && name !== "FORCE_COLOR"
    )
    this.isGroup = isGroup
    this.child = spawn(process.execPath, [...nodeArguments, script], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...Object.fromEntries(inherited), ...settings },
      detached: isGroup
    })
    const keep = (chunk: unknown) => {
      this.text += chunk
      if (this.text.length > 2 * outputMax) this.text = this.text.slice(-outputMax)
      this.wake()
    }
    this.child.stdout?.setEncoding("utf8").on("data", keep)
    this.child.stderr?.setEncoding("utf8").on("data", keep)
    this.child.once("error", keep)
    running.add(this)
    this.exited = new Promise((resolve) =>
      this.child.once("close", (status) => {
        running.delete(this)
        this.isRunning = false
        resolve(status)
        this.wake()
      })
    )
  }

  get pid(): number {
    return this.child.pid ?? Number.NaN
  }

  /** Its output so far. */
  output(): string {
    return this.text
  }

  /**
   * Waits for a pattern in its output, `after` so many characters of it. Rejects, with the end of the output, when the process
   * ends before, or after the time.
   */
  async said(pattern: RegExp, { after = 0, millis = listeningMillisMax } = {}): Promise<RegExpExecArray> {
    let timer: NodeJS.Timeout | undefined
    let look = () => {}
    try {
      return await new Promise((resolve, reject) => {
        const fail = (problem: string) =>
          reject(new Error(`the server ${problem} ${pattern}:\n${this.text.trim().slice(-quotedMax)}`))
        look = () => {
          const found = pattern.exec(this.text.slice(after))
          if (found !== null) resolve(found)
          else if (!this.isRunning) fail("has ended without saying")
        }
        timer = setTimeout(() => fail(`has not said within ${millis} ms`), millis)
        this.listeners.add(look)
        look()
      })
    } finally {
      clearTimeout(timer)
      this.listeners.delete(look)
    }
  }

  /** Waits until it says where it listens. Its log level must be `info` or lower. */
  async addresses(millis = listeningMillisMax): Promise<Addresses> {
    const [, internal] = await this.said(/Internal listener on (127\.0\.0\.1:[1-9]\d*)/, { millis })
    const [, url = ""] = await this.said(/Listening on (http:\/\/127\.0\.0\.1:[1-9]\d*)/, { millis })
    return { url, internalUrl: `http://${internal}` }
  }

  kill(signal: NodeJS.Signals): void {
    const { pid } = this.child
    if (!this.isRunning || pid === undefined) return
    if (!this.isGroup) this.child.kill(signal)
    else
      try {
        process.kill(-pid, signal)
      } catch {
        // Its last process has just ended.
      }
  }

  /** Asks it to end, kills it when it has not after this time, and waits until it is gone. */
  async stop(graceMillis: number): Promise<number | null> {
    this.kill("SIGTERM")
    const killer = setTimeout(() => this.kill("SIGKILL"), graceMillis)
    const status = await this.exited
    clearTimeout(killer)
    return status
  }

  /** `kill -9`, and waits until it is gone. */
  killed(): Promise<number | null> {
    this.kill("SIGKILL")
    return this.exited
  }

  private wake(): void {
    for (const listener of this.listeners) listener()
  }
}
