/** {@link Transfer} inside one process: nothing but the queue in front of the store. */
import { Effect, Layer } from "effect"
import { Transfer } from "../domain/Transfer.ts"
import { makeDraftQueue } from "./DraftQueue.ts"

export const layer = Layer.effect(
  Transfer,
  Effect.map(makeDraftQueue, (queue) =>
    Transfer.of({
      publish: queue.offer,
      consume: queue.consume,
      // There is no other process.
      settle: () => {},
      isConnected: () => true
    })
  )
)
