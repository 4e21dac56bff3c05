/** The consumer of {@link Transfer}: stores a batch, then hands over what came of it. */
import { Effect, Layer } from "effect"
import { Handover, type Outgoing } from "../domain/Handover.ts"
import { MessageStore } from "../domain/MessageStore.ts"
import { Transfer } from "../domain/Transfer.ts"

/** Runs for as long as the layer lives. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const transfer = yield* Transfer
    const store = yield* MessageStore
    const { handOver } = yield* Handover
    const consume = transfer.consume((drafts) =>
      Effect.tap(store.appendBatch(drafts), (results) =>
        handOver(
          results.flatMap((result, index): ReadonlyArray<Outgoing> => {
            const draft = drafts[index]
            return draft === undefined ? [] : [{ draftId: draft.messageId, origin: draft.origin, result }]
          })
        )
      )
    )
    yield* Effect.forkScoped(consume)
  })
)
