/** {@link Transfer} inside one process: nothing but the queue in front of the store. */
import { Effect, Layer } from "effect"
import { Transfer } from "../../domain/messages/Transfer.ts"
import { makeDraftQueue } from "./DraftQueue.ts"

export const layer = Layer.effect(
  Transfer,
  Effect.map(makeDraftQueue, (queue) =>
    Transfer.of({
      publish: queue.offer,
      // The queue itself answers the sender of a draft that it gives up.
      consume: ({ process }) => queue.consume(process),
      // There is no other process.
      settle: () => {},
      isConnected: () => true
    })
  )
)
