/** A plain `ws` socket for tests: what it was sent is read by its subclass, one for each protocol. */
import { Effect } from "effect"
import { type ClientOptions, WebSocket } from "ws"
import { hangMillis } from "./HangLimit.ts"

export interface Closed {
  readonly code: number
  readonly reason: string
}

export abstract class TestSocket {
  readonly socket: WebSocket
  private readonly watchers = new Set<() => void>()
  private ended: Closed | undefined

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on("message", (data) => {
      this.receive(String(data))
      this.notify()
    })
    socket.on("close", (code, reason) => {
      this.ended = { code, reason: String(reason) }
      this.notify()
    })
    socket.on("error", () => {})
  }

  /** Keeps a message of the server. */
  protected abstract receive(text: string): void

  /** Everything that came so far, for the error of a test that waits in vain. */
  protected abstract received(): unknown

  /** Waits for the end of the connection. */
  closed(): Effect.Effect<Closed> {
    return this.when(() => this.ended)
  }

  /** Waits until the value is there: it is read again after each message. */
  protected when<A>(read: () => A | undefined): Effect.Effect<A> {
    return Effect.callback<A>((resume) => {
      const watch = () => {
        const value = read()
        if (value === undefined) return
        this.watchers.delete(watch)
        resume(Effect.succeed(value))
      }
      this.watchers.add(watch)
      watch()
      return Effect.sync(() => this.watchers.delete(watch))
    }).pipe(
      Effect.timeoutOrElse({
        duration: hangMillis,
        orElse: () =>
          Effect.die(
            new Error(
              `nothing came within ${hangMillis} ms; so far: ${JSON.stringify(this.received()).slice(0, 2_000)}`
            )
          )
      })
    )
  }

  private notify(): void {
    for (const watch of this.watchers) watch()
  }
}

/** Opens a socket; it is cut when the test's scope ends. */
export const openSocket = <A extends TestSocket>(
  make: new (socket: WebSocket) => A,
  url: string,
  authorization: string,
  options: ClientOptions = {}
) =>
  Effect.acquireRelease(
    Effect.callback<A, Error>((resume) => {
      const socket = new WebSocket(url, { ...options, headers: { authorization, ...options.headers } })
      const opened = new make(socket)
      socket.once("open", () => resume(Effect.succeed(opened)))
      socket.once("error", (error) => resume(Effect.fail(error)))
    }),
    (opened) => Effect.sync(() => opened.socket.terminate())
  )
