/** Backpressure for Effect's WebSockets, which write on for a peer that does not read (protocol.md section 3). */
import type { Duplex } from "node:stream"
import { Deferred, Effect, Semaphore } from "effect"
import { type CloseEvent, isCloseEvent, make, type Socket } from "effect/socket/Socket"
import { fixedLimits } from "../../domain/connection/ConnectionLimits.ts"
import { drained } from "../shared/drained.ts"

/** Bytes that may wait for the peer before nothing more is written to it or read from it. */
const pendingBytesMax = 1024 * 1024

export interface Backpressured {
  /** Reads and writes one after the other, and only while few enough bytes wait. Close frames never wait. */
  readonly socket: Socket
  /** Ends when the peer has left waiting data unread for too long. */
  readonly overdue: Effect.Effect<void>
}

/** For a socket over this stream. */
export const withBackpressure = (socket: Socket, stream: Duplex): Backpressured => {
  const overdue = Deferred.makeUnsafe<void>()
  // One write at a time: the others wait for their turn here, and not as listeners of the stream.
  const turns = Semaphore.makeUnsafe(1)
  // Effect would keep data that is written after the end for a next connection, without a limit.
  let isOpen = true

  const isFull = () => stream.writableLength > pendingBytesMax && !stream.destroyed
  const whenDrained = drained(stream, isFull)
  const inTime = Effect.timeoutOrElse(whenDrained, {
    duration: fixedLimits.drainMillisMax,
    // The waiting fiber may not be interruptible; the socket is cut off soon after it is overdue.
    orElse: () => Effect.andThen(Deferred.succeed(overdue, undefined), whenDrained)
  })
  const room = Effect.suspend(() => (isFull() ? inTime : Effect.void))
  const inTurn = <E>(write: Effect.Effect<void, E>) =>
    turns.withPermit(
      Effect.andThen(
        room,
        Effect.suspend(() => (isOpen ? write : Effect.void))
      )
    )

  const reader: Socket["reader"] = Effect.gen(function* () {
    const { pull, upgrade } = yield* socket.reader
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        isOpen = false
      })
    )
    return { pull: Effect.andThen(inTurn(Effect.void), pull), upgrade }
  })
  const writer: Socket["writer"] = Effect.map(socket.writer, ({ write, writeAll }) => ({
    write: (chunk: Uint8Array | string | CloseEvent) => (isCloseEvent(chunk) ? write(chunk) : inTurn(write(chunk))),
    writeAll: (chunks) => inTurn(writeAll(chunks))
  }))
  return { socket: make({ reader, writer }), overdue: Deferred.await(overdue) }
}
