/** A chat client for tests: a plain `ws` socket that remembers what it was sent. */
import { Effect, Schema } from "effect"
import { type ClientOptions, WebSocket } from "ws"
import { ServerFrame } from "../../src/domain/protocol/Frame.ts"
import { hangMillis } from "./HangLimit.ts"

export interface Closed {
  readonly code: number
  readonly reason: string
}

const decodeFrame = Schema.decodeUnknownSync(ServerFrame)

export class Peer {
  readonly socket: WebSocket
  /** Every frame so far, in order; each fits the schema of the server's frames. */
  readonly frames: Array<ServerFrame> = []
  private readonly watchers = new Set<() => void>()
  private ended: Closed | undefined

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on("message", (data) => {
      this.frames.push(decodeFrame(JSON.parse(String(data))))
      this.notify()
    })
    socket.on("close", (code, reason) => {
      this.ended = { code, reason: String(reason) }
      this.notify()
    })
    socket.on("error", () => {})
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame))
  }

  /** The first frame, past or coming, that meets the condition. */
  find(condition: (frame: ServerFrame) => boolean): Effect.Effect<ServerFrame> {
    return this.when(() => this.frames.find(condition))
  }

  /** Waits for at least so many frames that meet the condition. */
  count(condition: (frame: ServerFrame) => boolean, least: number): Effect.Effect<ReadonlyArray<ServerFrame>> {
    return this.when(() => {
      const found = this.frames.filter(condition)
      return found.length >= least ? found : undefined
    })
  }

  /** The answer to the frame of this id: ack, err or data. */
  answer(id: string): Effect.Effect<ServerFrame> {
    return this.find((frame) => frame.id === id)
  }

  closed(): Effect.Effect<Closed> {
    return this.when(() => this.ended)
  }

  private when<A>(read: () => A | undefined): Effect.Effect<A> {
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
            new Error(`nothing came within ${hangMillis} ms; so far: ${JSON.stringify(this.frames).slice(0, 2_000)}`)
          )
      })
    )
  }

  private notify(): void {
    for (const watch of this.watchers) watch()
  }
}

/** Opens a socket; it is cut when the test's scope ends. */
export const connect = (url: string, token: string, options: ClientOptions = {}) =>
  Effect.acquireRelease(
    Effect.callback<Peer, Error>((resume) => {
      const socket = new WebSocket(url, { ...options, headers: { authorization: token, ...options.headers } })
      const peer = new Peer(socket)
      socket.once("open", () => resume(Effect.succeed(peer)))
      socket.once("error", (error) => resume(Effect.fail(error)))
    }),
    (peer) => Effect.sync(() => peer.socket.terminate())
  )

/** An upgrade that is refused: its status, headers and parsed body. */
export const refused = (url: string, options: ClientOptions = {}, protocols: ReadonlyArray<string> = []) =>
  Effect.callback<{ status: number; headers: Record<string, unknown>; body: unknown }, Error>((resume) => {
    const socket = new WebSocket(url, [...protocols], options)
    socket.on("error", () => {})
    socket.once("open", () => {
      socket.terminate()
      resume(Effect.fail(new Error("the upgrade was not refused")))
    })
    socket.once("unexpected-response", (_request, response) => {
      let text = ""
      response.on("data", (chunk) => {
        text += chunk
      })
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) }))
      )
    })
  })
