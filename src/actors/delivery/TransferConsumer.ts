/** The consumer of {@link Transfer}: stores a batch, then fans out its outcomes. */
import { Cause, Effect, Layer, Schedule } from "effect"
import { appendOutcome, ResultFanOut } from "../../domain/cluster/AppendOutcome.ts"
import { MessageStore } from "../../domain/messages/MessageStore.ts"
import { type Consumer, Transfer } from "../../domain/messages/Transfer.ts"

/** The pause after an unexpected failure. */
const afterDefect = Schedule.spaced("1 second")

/** Runs for as long as the layer lives. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const transfer = yield* Transfer
    const store = yield* MessageStore
    const { fanOut } = yield* ResultFanOut
    const consumer: Consumer = {
      process: Effect.fnUntraced(function* (drafts) {
        const results = yield* store.appendBatch(drafts)
        const outcomes = drafts.flatMap((draft, index) => {
          const result = results[index]
          return result === undefined ? [] : appendOutcome(draft, result)
        })
        if (outcomes.length !== drafts.length) {
          return yield* Effect.die(new Error(`${drafts.length} drafts have ${results.length} results`))
        }
        yield* fanOut(outcomes)
        return results
      }),
      refuse: (draft, error) => fanOut([appendOutcome(draft, { _tag: "Rejected", error })])
    }
    const consume = transfer.consume(consumer).pipe(
      Effect.sandbox,
      Effect.tapError((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError("the consumer failed and starts again", cause)
      ),
      Effect.retry({ while: (cause) => !Cause.hasInterruptsOnly(cause), schedule: afterDefect })
    )
    yield* Effect.forkScoped(consume)
  })
)
