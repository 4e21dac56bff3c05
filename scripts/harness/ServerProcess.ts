/** A process of the server: started, killed, started again, and always ended. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pause, until, within } from "./Patience.ts"

const root = join(import.meta.dirname, "..", "..")
/** How long it may take until it is ready; longer where it may have to wait for a database. */
const readyMillisUsual = 20_000
/** How long the server may take to end by itself before it is killed. */
const graceMillis = 5_000
/** The end of the server's own output, kept for the case that it fails. */
const outputMax = 8_000
/** Another process may take the port between finding it and listening on it. */
const startsMax = 5

/** A port on which nobody listens at the moment. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port"))
      )
    })
  })

const isReady = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(1_000) })
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

export interface ServerProcessOptions {
  /** Settings on top of those that every script wants. */
  readonly settings?: Readonly<Record<string, string>>
  readonly readyMillis?: number
}

/** A server of the script's own: port, data directory and process. */
export class ServerProcess {
  readonly port: number
  readonly internalPort: number
  readonly url: string
  /** Where other nodes reach it. */
  readonly internalUrl: string
  readonly dataDir: string
  private child: ChildProcess | undefined
  private output = ""
  /** Whether the child has ended and all of its output has been read. */
  private isDrained = false
  private stopped = false
  private readonly settings: Readonly<Record<string, string>>
  private readonly readyMillis: number

  private constructor(
    port: number,
    internalPort: number,
    { settings = {}, readyMillis = readyMillisUsual }: ServerProcessOptions
  ) {
    this.port = port
    this.settings = settings
    this.readyMillis = readyMillis
    this.internalPort = internalPort
    this.url = `http://127.0.0.1:${port}`
    this.internalUrl = `http://127.0.0.1:${internalPort}`
    this.dataDir = mkdtempSync(join(tmpdir(), "fiberchat-"))
    // The last resort, when the script itself fails: runs whichever way this process ends, short of being killed.
    process.once("exit", () => this.abandon())
  }

  /** A server that is not running yet, with an empty data directory. */
  static async prepare(options: ServerProcessOptions = {}): Promise<ServerProcess> {
    return new ServerProcess(await freePort(), await freePort(), options)
  }

  get pid(): number {
    return this.child?.pid ?? 0
  }

  /** The end of the server's own output. */
  get log(): string {
    return this.output.trim()
  }

  /** Starts the process on the same port and data directory as before, and waits until it is ready. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const child = this.spawn()
      const end = performance.now() + this.readyMillis
      while (performance.now() < end && !hasEnded(child)) {
        if ((await isReady(this.internalUrl)) && !hasEnded(child)) return
        await pause(25)
      }
      if (hasEnded(child)) await within(1_000, () => this.isDrained)
      const isPortTaken = hasEnded(child) && this.output.includes("EADDRINUSE")
      if (!isPortTaken || attempt === startsMax) throw new Error(`the server does not start:\n${this.log}`)
      await pause(200)
    }
  }

  /** `kill -9`, while whatever it is doing is half done. Returns at once. */
  kill(): void {
    if (!this.stopped) this.child?.kill("SIGKILL")
  }

  /** Waits until the killed process is gone. Throws when it ended in another way. */
  async killed(): Promise<void> {
    const { child } = this
    if (child === undefined) return
    await until("the end of the killed server", graceMillis, () => hasEnded(child))
    if (child.signalCode !== "SIGKILL") throw new Error(`the server ended before it was killed:\n${this.log}`)
  }

  /** Ends the process, politely first, and removes its data; tells how it ended. It cannot be started again. */
  async stop(): Promise<string> {
    this.stopped = true
    const { child } = this
    if (child !== undefined && !hasEnded(child)) {
      child.kill("SIGTERM")
      if (!(await within(graceMillis, () => hasEnded(child)))) {
        child.kill("SIGKILL")
        await within(graceMillis, () => hasEnded(child))
      }
    }
    this.abandon()
    if (child?.signalCode === "SIGKILL") return `the server did not end within ${graceMillis} ms and was killed`
    return `the server has ended (${child?.signalCode ?? `status ${child?.exitCode}`})`
  }

  private abandon(): void {
    this.stopped = true
    if (this.child !== undefined && !hasEnded(this.child)) this.child.kill("SIGKILL")
    rmSync(this.dataDir, { recursive: true, force: true })
  }

  private spawn(): ChildProcess {
    if (this.stopped) throw new Error("the script has ended")
    // Settings of the shell from which the script is run must not leak into it.
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("CHAT_") && name !== "NODE_ENV")
    const child = spawn(process.execPath, [join(root, "src", "main.ts")], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...Object.fromEntries(inherited),
        CHAT_HOST: "127.0.0.1",
        CHAT_PORT: String(this.port),
        CHAT_INTERNAL_PORT: String(this.internalPort),
        CHAT_DATA_DIR: this.dataDir,
        CHAT_RATE_LIMIT: "off",
        CHAT_AUTH_RATE_LIMIT: "off",
        // Longer than any run.
        CHAT_TOKEN_TTL: "30 days",
        CHAT_LOG_LEVEL: process.env["HARNESS_LOG_LEVEL"] ?? "error",
        ...this.settings
      }
    })
    this.output = ""
    this.isDrained = false
    const keep = (chunk: unknown) => {
      this.output = (this.output + String(chunk)).slice(-outputMax)
    }
    child.stdout?.on("data", keep)
    child.stderr?.on("data", keep)
    child.once("error", keep)
    child.once("close", () => {
      this.isDrained = true
    })
    this.child = child
    return child
  }
}
