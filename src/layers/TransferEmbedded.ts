/**
 * {@link Transfer} inside one process: a bounded queue in front of the consumer. Whatever has piled up while one batch
 * was being committed is the next batch, so that a commit is shared by all who wait for it.
 */
import { Cause, Effect, Layer, Queue } from "effect"
import { ApiError } from "../domain/ErrorTable.ts"
import type { Draft } from "../domain/Message.ts"
import { type Reply, Transfer } from "../domain/Transfer.ts"

/** Drafts that wait for the consumer; past it `publish` says no. */
const waitingMax = 20_000
/** Drafts in one batch: large enough to share a commit, small enough to keep the event loop responsive. */
const batchMax = 512

interface Waiting {
  readonly draft: Draft
  readonly reply: Reply
}

export const layer = Layer.effect(
  Transfer,
  Effect.gen(function* () {
    const queue = yield* Queue.bounded<Waiting>(waitingMax)
    return Transfer.of({
      publish: (draft, reply) => !Queue.isFullUnsafe(queue) && Queue.offerUnsafe(queue, { draft, reply }),

      consume: (process) => {
        const settle = (batch: ReadonlyArray<Waiting>): Effect.Effect<void> =>
          process(batch.map((waiting) => waiting.draft)).pipe(
            Effect.map((results) => {
              for (const [index, { reply }] of batch.entries()) {
                reply(results[index] ?? { _tag: "Rejected", error: ApiError.of("ServerError") })
              }
            }),
            Effect.catchCause((cause) => {
              if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
              // One draft that cannot be stored must not take its batch with it: the halves go on alone.
              if (batch.length > 1 && !isUnavailable(cause)) {
                const middle = batch.length >> 1
                return Effect.andThen(settle(batch.slice(0, middle)), settle(batch.slice(middle)))
              }
              return Effect.as(Effect.logError("a batch was not stored", cause), refuse(batch, cause))
            })
          )
        return Effect.forever(Effect.flatMap(Queue.takeBetween(queue, 1, batchMax), settle))
      }
    })
  })
)

/** A failure that the next draft would meet, too. */
const isUnavailable = (cause: Cause.Cause<ApiError>): boolean =>
  cause.reasons.some(
    (reason) => reason._tag === "Fail" && (reason.error.is("DatabaseError") || reason.error.is("Overloaded"))
  )

const refuse = (batch: ReadonlyArray<Waiting>, cause: Cause.Cause<ApiError>): void => {
  const failure = cause.reasons.find((reason) => reason._tag === "Fail")
  const error = failure?.error ?? ApiError.of("ServerError")
  for (const { reply } of batch) reply({ _tag: "Rejected", error })
}
