/** Brings the outcomes of drafts to the connections of this node, whichever process has stored them. */
import { Effect, Layer } from "effect"
import { type AppendOutcome, deliverable, ResultFanOut } from "../../domain/cluster/AppendOutcome.ts"
import { Transfer } from "../../domain/messages/Transfer.ts"
import { Delivery } from "./Delivery.ts"

/** Pushes each stored message to its members here, and answers the connection that waits for its draft here. */
export const makeLocalFanOut = Effect.gen(function* () {
  const delivery = yield* Delivery
  const transfer = yield* Transfer
  return (outcomes: ReadonlyArray<AppendOutcome>): void => {
    for (const outcome of outcomes) {
      const message = deliverable(outcome)
      if (message !== undefined) delivery.deliver(message, outcome.origin)
      transfer.settle(outcome.draftId, outcome.result)
    }
  }
})

/** {@link ResultFanOut} of a process that holds all connections itself. */
export const layer = Layer.effect(
  ResultFanOut,
  Effect.map(makeLocalFanOut, (fanOut) =>
    ResultFanOut.of({ fanOut: (outcomes) => Effect.sync(() => fanOut(outcomes)) })
  )
)
