/** A `ws` socket as the connection actor's {@link Transport}, and its events as the actor's. */
import type { Duplex } from "node:stream"
import { type Effect, Result } from "effect"
import { type RawData, WebSocket } from "ws"
import type { ConnectionHandle } from "../../actors/connections/ConnectionRegistry.ts"
import type { Transport } from "../../actors/connections/Transport.ts"
import { parseFrame } from "../../domain/protocol/Frame.ts"
import { drained } from "../shared/drained.ts"

/**
 * Bytes that may wait before the connection stops handling events. One event adds at most half a mebibyte (a page of
 * history), so that never more than 1 MiB waits (protocol.md section 1.5).
 */
const outboundHighWater = 512 * 1024

export class WebSocketTransport implements Transport {
  private readonly socket: WebSocket
  private readonly stream: Duplex

  constructor(socket: WebSocket, stream: Duplex) {
    this.socket = socket
    this.stream = stream
  }

  send(text: string | Uint8Array): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(text, textFrame)
  }

  isFull(): boolean {
    return this.socket.readyState === this.socket.OPEN && this.socket.bufferedAmount > outboundHighWater
  }

  drained(): Effect.Effect<void> {
    return drained(this.stream, () => this.isFull())
  }

  ping(): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping()
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason)
    // A paused socket would never see the peer's close frame.
    this.socket.resume()
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  cork(): void {
    this.stream.cork()
  }

  uncork(): void {
    this.stream.uncork()
  }
}

/** Sends a `Uint8Array` as a text frame, too. */
const textFrame = { binary: false }

const binaryFrame = Result.fail({ id: "", problem: "binary frames are not supported" })

/** A socket that knows its connection. The emitter calls the listeners as methods, so that all sockets share them. */
export class ChatSocket extends WebSocket {
  private connection: ConnectionHandle | undefined

  /** Sends the events of this socket to the connection from now on, and resumes the socket. */
  wire(connection: ConnectionHandle): void {
    this.connection = connection
    this.on("message", this.received)
    this.on("ping", this.seen)
    this.on("pong", this.seen)
    this.on("close", this.gone)
    // A protocol violation; ws has sent the close code that fits it (1009 for a frame above the limit).
    this.on("error", this.gone)
    this.resume()
  }

  private received(data: RawData, isBinary: boolean): void {
    if (this.readyState !== this.OPEN) return
    const frame = isBinary ? binaryFrame : parseFrame(String(data))
    this.connection?.tell(
      frame._tag === "Success"
        ? { _tag: "FrameReceived", frame: frame.success }
        : { _tag: "BadFrameReceived", bad: frame.failure }
    )
  }

  private seen(): void {
    this.connection?.tell({ _tag: "PeerSeen" })
  }

  private gone(): void {
    this.connection?.tell({ _tag: "SocketClosed" })
    this.connection = undefined
  }
}
