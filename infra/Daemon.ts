/** A server as a process of its own that outlives this one: started, found again by its process id, ended. */
import { spawn } from "node:child_process"
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { infraDir } from "./addresses.ts"
import { InfraProblem } from "./InfraProblem.ts"

/** How long a server may take to end by itself before it is killed. */
const stopMillis = 30_000
const lookMillis = 50

export interface DaemonOptions {
  readonly name: string
  /** The ports on which it listens. */
  readonly ports: ReadonlyArray<number>
  readonly command: string
  /** One of them has to name the server's own folder: the process is known by it. */
  readonly args: ReadonlyArray<string>
}

/** The folder in which a server keeps its data, its log and its process id. */
export const directoryOf = (name: string): string => join(infraDir, name)

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    const end = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.once("connect", () => end(true))
    socket.once("error", () => end(false))
  })

/** Whether a process is there and has not ended: one that nobody has waited for yet holds no port any more. */
const isAlive = (pid: number): boolean => {
  try {
    const [, state] = /\) ([A-Z]) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? []
    return state !== "Z" && state !== "X"
  } catch {
    return false
  }
}

/** The command line of a process that runs; a process id may have gone to somebody else since it was written down. */
const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
  } catch {
    return ""
  }
}

const tail = (path: string, lines: number): string => {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").slice(-lines).join("\n")
  } catch {
    return ""
  }
}

export class Daemon {
  readonly name: string
  readonly directory: string
  readonly logFile: string
  private readonly options: DaemonOptions
  private readonly pidFile: string

  constructor(options: DaemonOptions) {
    this.options = options
    this.name = options.name
    this.directory = directoryOf(options.name)
    this.logFile = join(this.directory, "server.log")
    this.pidFile = join(this.directory, "server.pid")
  }

  /** The process id of the server, where it runs. Its command line names the project's own folder. */
  get pid(): number | undefined {
    let pid: number
    try {
      pid = Number(readFileSync(this.pidFile, "utf8"))
    } catch {
      return undefined
    }
    return commandOf(pid).includes(this.directory) ? pid : undefined
  }

  /** Starts the process, unless it runs; does not wait until it answers. */
  async start(): Promise<void> {
    if (this.pid !== undefined) return
    const { name, ports, command, args } = this.options
    for (const port of ports) {
      if (!(await isOpen(port))) continue
      throw new InfraProblem(`${name}: port ${port} is taken by another program; end it, or change infra/dev.env`)
    }
    mkdirSync(this.directory, { recursive: true })
    const log = openSync(this.logFile, "a")
    const child = spawn(command, args, { cwd: this.directory, detached: true, stdio: ["ignore", log, log] })
    closeSync(log)
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve)
      child.once("error", (error) => reject(new InfraProblem(`${name}: ${error.message}`)))
    })
    child.unref()
    writeFileSync(this.pidFile, String(child.pid))
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.end("SIGKILL")
  }

  /** Asks the process to end, and kills it when it does not. */
  async stop(): Promise<void> {
    await this.end("SIGTERM")
    rmSync(this.pidFile, { force: true })
  }

  /** The last lines that the server has written. */
  log(lines: number): string {
    return tail(this.logFile, lines)
  }

  private async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const { pid } = this
    if (pid === undefined) return
    process.kill(pid, signal)
    for (let waited = 0; isAlive(pid); waited += lookMillis) {
      if (waited === stopMillis) process.kill(pid, "SIGKILL")
      await pause(lookMillis)
    }
  }
}
