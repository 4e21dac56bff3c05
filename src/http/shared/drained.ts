/** Waits until a slow peer has read. */
import type { Duplex } from "node:stream"
import { Effect } from "effect"

/** Ends when the stream has drained or is closed; at once unless it is full. */
export const drained = (stream: Duplex, isFull: () => boolean): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const done = () => {
      stream.off("drain", done)
      stream.off("close", done)
      resume(Effect.void)
    }
    stream.on("drain", done)
    stream.on("close", done)
    if (stream.destroyed || !isFull()) done()
    return Effect.sync(done)
  })
