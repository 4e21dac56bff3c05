/** The consumer of {@link Transfer}: stores a batch, then hands over what came of it. */
import { Cause, Effect, Layer, Schedule } from "effect"
import { Handover, outgoingOf } from "../../domain/cluster/Handover.ts"
import { type Consumer, Transfer } from "../../domain/cluster/Transfer.ts"
import { MessageStore } from "../../domain/messages/MessageStore.ts"

/** Between a failure that nobody expected and a new beginning. */
const afterDefect = Schedule.spaced("1 second")

/** Runs for as long as the layer lives. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const transfer = yield* Transfer
    const store = yield* MessageStore
    const { handOver } = yield* Handover
    const consumer: Consumer = {
      process: (drafts) =>
        Effect.tap(store.appendBatch(drafts), (results) =>
          handOver(
            drafts.flatMap((draft, index) => {
              const result = results[index]
              return result === undefined ? [] : outgoingOf(draft, result)
            })
          )
        ),
      refuse: (draft, error) => handOver([outgoingOf(draft, { _tag: "Rejected", error })])
    }
    const consume = transfer.consume(consumer).pipe(
      Effect.sandbox,
      Effect.tapError((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError("the consumer failed, and begins anew", cause)
      ),
      Effect.retry({ while: (cause) => !Cause.hasInterruptsOnly(cause), schedule: afterDefect })
    )
    yield* Effect.forkScoped(consume)
  })
)
