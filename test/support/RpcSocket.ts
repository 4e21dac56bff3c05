/** A plain WebSocket that speaks RPC as JSON separated by newlines, and remembers what it was sent. */
import { Effect } from "effect"
import { WebSocket } from "ws"
import type { Closed } from "./Peer.ts"

/** Messages of the server, as far as tests look into them. */
export interface Sent {
  readonly _tag: string
  readonly requestId?: string
  readonly values?: ReadonlyArray<{ readonly content: string }>
}

/** The line of a call; `more` are further fields of the envelope. */
export const callLine = (id: string, tag: string, payload: unknown, more: object = {}): string =>
  `${JSON.stringify({ _tag: "Request", id, tag, payload, headers: [], ...more })}\n`

export class RpcSocket {
  readonly sent: Array<Sent> = []
  closed: Closed | undefined
  private readonly socket: WebSocket

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on("message", (data) => {
      for (const line of String(data).split("\n")) if (line !== "") this.sent.push(JSON.parse(line))
    })
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: String(reason) }
    })
    socket.on("error", () => {})
  }

  call(...call: Parameters<typeof callLine>): void {
    this.raw(callLine(...call))
  }

  /** Sends one frame as it is. */
  raw(text: string): void {
    this.socket.send(text)
  }

  /** Reads nothing any more, so that what comes waits in the server. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  terminate(): void {
    this.socket.terminate()
  }
}

/** Opens a socket; it is cut when the test's scope ends. */
export const openRpcSocket = (url: string, token = "") =>
  Effect.acquireRelease(
    Effect.callback<RpcSocket, Error>((resume) => {
      const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } })
      const opened = new RpcSocket(socket)
      socket.once("open", () => resume(Effect.succeed(opened)))
      socket.once("error", (error) => resume(Effect.fail(error)))
    }),
    (socket) => Effect.sync(() => socket.terminate())
  )
