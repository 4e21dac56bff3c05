/** A `ws` socket as the connection actor's {@link Transport}, and its events as the actor's. */
import type { Duplex } from "node:stream"
import type { Effect } from "effect"
import { type RawData, WebSocket } from "ws"
import type { ConnectionHandle } from "../../actors/connections/ConnectionRegistry.ts"
import type { Transport } from "../../actors/connections/Transport.ts"
import { drained } from "../shared/drained.ts"

/**
 * Bytes that may wait before the connection stops handling events. One event adds at most half a mebibyte (a page of
 * history), so that never more than 1 MiB waits (protocol.md section 1.5).
 */
const outboundHighWater = 512 * 1024

/** Bytes that are read, and thrown away, until the peer's close frame comes. */
const closingBytesMax = 256 * 1024

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
    // A paused socket would never see the peer's close frame. One that sends on and on is not waited for.
    let left = closingBytesMax
    this.stream.on("data", ({ length }: Buffer) => {
      left -= length
      if (left < 0) this.stream.destroy()
    })
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

const binary = (size: number) =>
  ({ _tag: "BadFrameReceived", bad: { id: "", problem: "binary frames are not supported", size } }) as const

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
    // ws has sent the close code that fits it (1009 for a frame above the limit).
    this.on("error", this.violated)
    this.resume()
  }

  private received(data: RawData, isBinary: boolean): void {
    if (this.readyState !== this.OPEN) return
    this.connection?.tell(isBinary ? binary((data as Buffer).length) : { _tag: "TextReceived", text: String(data) })
  }

  private seen(): void {
    this.connection?.tell({ _tag: "PeerSeen" })
  }

  private violated(): void {
    this.connection?.tell({ _tag: "ProtocolViolated" })
  }

  private gone(): void {
    this.connection?.tell({ _tag: "SocketClosed" })
    this.connection = undefined
  }
}
