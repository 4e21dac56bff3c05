/** The consumer of {@link Transfer}: stores a batch, then delivers what is new in it. */
import { Effect, Layer } from "effect"
import { MessageStore } from "../domain/MessageStore.ts"
import { Transfer } from "../domain/Transfer.ts"
import { Delivery } from "./Delivery.ts"

/** Runs for as long as the layer lives. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const transfer = yield* Transfer
    const store = yield* MessageStore
    const delivery = yield* Delivery
    const consume = transfer.consume((drafts) =>
      Effect.tap(store.appendBatch(drafts), (results) =>
        Effect.sync(() => {
          for (const [index, result] of results.entries()) {
            if (result._tag === "Stored") delivery.deliver(result.message, drafts[index]?.origin)
          }
        })
      )
    )
    yield* Effect.forkScoped(consume)
  })
)
