/** A connection actor's mailbox: bounded, and it slows the socket down before it is full. */
import { type Array as Arr, Effect, Queue } from "effect"
import { closeCodes } from "../domain/CloseCode.ts"
import type { ConnectionEvent } from "../domain/Connection.ts"
import type { Transport } from "./Transport.ts"

/** Events that may wait before the socket is paused. */
export const highWater = 256
/** A paused socket still delivers what was read from it already: at most 64 KiB of frames of 8 bytes or more. */
const capacity = highWater + 8192

export class Mailbox {
  private readonly queue: Queue.Queue<ConnectionEvent>
  private readonly transport: Transport
  private backlogged = false
  private overflowed = false
  /** Waits for an event and takes all there are. */
  readonly take: Effect.Effect<Arr.NonEmptyArray<ConnectionEvent>>

  static make(transport: Transport): Effect.Effect<Mailbox> {
    return Effect.map(Queue.dropping<ConnectionEvent>(capacity), (queue) => new Mailbox(queue, transport))
  }

  private constructor(queue: Queue.Queue<ConnectionEvent>, transport: Transport) {
    this.queue = queue
    this.transport = transport
    this.take = Effect.map(Queue.takeAll(queue), (events) =>
      this.overflowed ? [...events, { _tag: "SocketClosed" }] : events
    )
  }

  /** Puts an event in without waiting. When there is no room left the socket is closed: nothing is dropped silently. */
  readonly tell = (event: ConnectionEvent): void => {
    if (!Queue.offerUnsafe(this.queue, event)) {
      this.overflowed = true
      const { code, reason } = closeCodes.SlowConsumer
      return this.transport.close(code, reason)
    }
    if (!this.backlogged && Queue.sizeUnsafe(this.queue) >= highWater) {
      this.backlogged = true
      this.transport.pause()
    }
  }

  /** Lets the socket go on if it was this mailbox that paused it. */
  release(): void {
    if (!this.backlogged) return
    this.backlogged = false
    this.transport.resume()
  }
}
