/** A server that is killed and started again, on the same ports and the same data. */
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ServerProcess } from "./ServerProcess.ts"
import { pause, until } from "./Waiting.ts"

/** How long it may take until it is ready: it may have to wait for a database. */
const readyMillis = 120_000
/** How long the server may take to end by itself before it is killed. */
const graceMillis = 5_000
/** The end of the server's own output, told when it fails. */
const logMax = 8_000
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

/** A server of the script's own: ports, data directory and, while it runs, a process. */
export class RestartableServer {
  readonly port: number
  readonly internalPort: number
  readonly url: string
  /** Where other nodes reach it. */
  readonly internalUrl: string
  readonly dataDir: string
  private current: ServerProcess | undefined
  private stopped = false
  private readonly settings: Readonly<Record<string, string>>

  private constructor(port: number, internalPort: number, settings: Readonly<Record<string, string>>) {
    this.port = port
    this.settings = settings
    this.internalPort = internalPort
    this.url = `http://127.0.0.1:${port}`
    this.internalUrl = `http://127.0.0.1:${internalPort}`
    this.dataDir = mkdtempSync(join(tmpdir(), "fiberchat-"))
    process.once("exit", () => this.abandon())
  }

  /** A server that is not running yet, with an empty data directory. Its settings come on top of what every script wants. */
  static async prepare(settings: Readonly<Record<string, string>> = {}): Promise<RestartableServer> {
    return new RestartableServer(await freePort(), await freePort(), settings)
  }

  get pid(): number {
    return this.current?.pid ?? 0
  }

  /** The end of the output of the last process. */
  get log(): string {
    return this.current?.output().slice(-logMax).trim() ?? ""
  }

  /** Starts a process on the same ports and data directory as before, and waits until it is ready. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const server = this.launch()
      const end = performance.now() + readyMillis
      while (performance.now() < end && server.isRunning) {
        if ((await isReady(this.internalUrl)) && server.isRunning) return
        await pause(25)
      }
      const isPortTaken = !server.isRunning && server.output().includes("EADDRINUSE")
      if (!isPortTaken || attempt === startsMax) throw new Error(`the server does not start:\n${this.log}`)
      await pause(200)
    }
  }

  /** `kill -9`, while whatever it is doing is half done. Returns at once. */
  kill(): void {
    this.current?.kill("SIGKILL")
  }

  /** Waits until the killed process is gone. Throws when it ended in another way. */
  async killed(): Promise<void> {
    const server = this.current
    if (server === undefined) return
    await until("the end of the killed server", graceMillis, () => !server.isRunning)
    if (server.child.signalCode !== "SIGKILL") throw new Error(`the server ended before it was killed:\n${this.log}`)
  }

  /** Ends the process, politely first, and removes its data; tells how it ended. It cannot be started again. */
  async stop(): Promise<string> {
    const server = this.current
    await server?.stop(graceMillis)
    this.abandon()
    if (server?.child.signalCode === "SIGKILL") return `the server did not end within ${graceMillis} ms and was killed`
    return `the server has ended (${server?.child.signalCode ?? `status ${server?.child.exitCode}`})`
  }

  private abandon(): void {
    this.stopped = true
    this.kill()
    rmSync(this.dataDir, { recursive: true, force: true })
  }

  private launch(): ServerProcess {
    if (this.stopped) throw new Error("the script has ended")
    this.current = new ServerProcess({
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
    })
    return this.current
  }
}
