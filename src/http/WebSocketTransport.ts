/** A `ws` socket as the connection actor's {@link Transport}, and its events as the actor's. */
import type { Duplex } from "node:stream"
import type { RawData, WebSocket } from "ws"
import type { Connection } from "../actors/ConnectionRegistry.ts"
import type { Transport } from "../actors/Transport.ts"
import { parseFrame } from "../domain/Frame.ts"

/** Bytes that may wait for a peer that does not read (protocol.md section 1.5). */
const outboundBytesMax = 1024 * 1024

export class WebSocketTransport implements Transport {
  private readonly socket: WebSocket
  private readonly stream: Duplex

  constructor(socket: WebSocket, stream: Duplex) {
    this.socket = socket
    this.stream = stream
  }

  send(text: string | Uint8Array): boolean {
    if (this.socket.readyState !== this.socket.OPEN) return true
    const bytes = typeof text === "string" ? Buffer.from(text) : text
    if (this.socket.bufferedAmount + bytes.length > outboundBytesMax) return false
    this.socket.send(bytes, textFrame)
    return true
  }

  ping(): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping()
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason)
    // A peer that does not read must not hold the memory of what it did not read.
    if (this.socket.bufferedAmount > outboundBytesMax / 2) this.socket.terminate()
    // A paused socket would never see the peer's close frame.
    else this.socket.resume()
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

/** Tells the connection what happens on its socket from now on, and lets the socket, which was paused, go on. */
export const wire = (socket: WebSocket, connection: Connection): void => {
  const closed = () => connection.tell({ _tag: "SocketClosed" })
  const seen = () => connection.tell({ _tag: "PeerSeen" })
  socket.on("message", (data: RawData, isBinary: boolean) => {
    if (isBinary) {
      return connection.tell({ _tag: "BadFrameReceived", bad: { id: "", problem: "binary frames are not supported" } })
    }
    const frame = parseFrame(String(data))
    connection.tell(
      frame._tag === "Success"
        ? { _tag: "FrameReceived", frame: frame.success }
        : { _tag: "BadFrameReceived", bad: frame.failure }
    )
  })
  socket.on("ping", seen)
  socket.on("pong", seen)
  socket.on("close", closed)
  // A protocol violation; ws has sent the close code that fits it (1009 for a frame above the limit).
  socket.on("error", closed)
  socket.resume()
}
