/** The server as a process of its own, for tests of what it has to survive: its address, its words, its end. */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { Effect } from "effect"
import { eventually } from "./Eventually.ts"
import { hangMillis } from "./HangLimit.ts"

const main = join(import.meta.dirname, "../../src/main.ts")

/** With which a test can sign tokens of its own. */
export const jwtSecret = "the secret of a server that tests break"

const defaults = {
  PATH: process.env["PATH"] ?? "",
  CHAT_PORT: "0",
  CHAT_INTERNAL_PORT: "0",
  CHAT_AUTH_RATE_LIMIT: "off",
  CHAT_RATE_LIMIT: "off",
  CHAT_LOG_FORMAT: "json",
  CHAT_JWT_SECRET: jwtSecret
}

export class ServerProcess {
  readonly child: ChildProcess
  /** The exit status; `null` after a signal. */
  readonly exited: Promise<number | null>
  isRunning = true
  private text = ""

  constructor(settings: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [main], { env: { ...defaults, ...settings } })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (chunk) => {
        this.text += chunk
      })
    }
    this.exited = new Promise((resolve) =>
      this.child.on("close", (code) => {
        this.isRunning = false
        resolve(code)
      })
    )
  }

  /** Everything that it has written. */
  output(): string {
    return this.text
  }

  /** Waits until it has said something, `after` so many characters of its output. */
  says(words: string | RegExp, { after = 0, millis = hangMillis } = {}): Effect.Effect<string> {
    return eventually(
      () => `${words} said by the server, which says: ${this.text.slice(-2_000)}`,
      () => {
        const said = this.text.slice(after)
        const found = typeof words === "string" ? (said.includes(words) ? words : undefined) : words.exec(said)?.[0]
        if (found === undefined && !this.isRunning) throw new Error(`the server has ended: ${this.text.slice(-2_000)}`)
        return found
      },
      millis
    )
  }

  /** Asks it to end, and waits until it has. */
  stop(signal: "SIGTERM" | "SIGKILL" = "SIGKILL"): Effect.Effect<number | null> {
    return Effect.promise(() => {
      this.child.kill(signal)
      return this.exited
    })
  }
}

/** Starts a server; it is killed when the scope ends. */
export const launch = (settings: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.sync(() => new ServerProcess(settings)),
    (server) => server.stop()
  )

export interface Address {
  readonly url: string
  readonly chatUrl: string
  readonly internalUrl: string
}

/** Waits until a server says where it listens. */
export const addressOf = (server: ServerProcess): Effect.Effect<Address> =>
  Effect.gen(function* () {
    const internal = yield* server.says(/Internal listener on 127\.0\.0\.1:[1-9]\d*/)
    const url = yield* server.says(/http:\/\/127\.0\.0\.1:[1-9]\d*/)
    return {
      url,
      chatUrl: `${url.replace("http", "ws")}/ws`,
      internalUrl: internal.replace("Internal listener on ", "http://")
    }
  })

/** A server that listens, killed when the scope ends. */
export const start = (settings: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const server = yield* launch(settings)
    return { server, ...(yield* addressOf(server)) }
  })
