/**
 * A bounded queue of drafts in front of the store. Whatever has piled up while one batch was being committed is the
 * next batch, so that a commit is shared by all who wait for it.
 */
import { Cause, Effect, Queue } from "effect"
import type { Consumer, Reply } from "../../domain/cluster/Transfer.ts"
import type { Draft } from "../../domain/messages/Message.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"
import { batchesOf } from "../shared/Batches.ts"

/** Drafts that wait for the consumer, and their content together, in UTF-16 units. */
export const waitingMax = 20_000
export const waitingContentMax = 64 * 1024 * 1024
/** Drafts in one batch, and their content: enough to share a commit, not so much that the event loop stands still. */
export const batchMax = 512
const batchContentMax = 1024 * 1024

interface Waiting {
  readonly draft: Draft
  readonly reply: Reply
}

export interface DraftQueue {
  /** Puts a draft at the end; `false`, and nothing done, when the queue is full. */
  readonly offer: (draft: Draft, reply: Reply) => boolean
  /**
   * Brings batches to `process`, one after the other, and its results to whom they belong. A draft that cannot be
   * stored must not take its batch with it: it is told apart by halving. Runs until interrupted.
   */
  readonly consume: (process: Consumer["process"]) => Effect.Effect<never>
}

export const makeDraftQueue: Effect.Effect<DraftQueue> = Effect.gen(function* () {
  const queue = yield* Queue.dropping<Waiting>(waitingMax)
  let waitingContent = 0

  const take = Effect.map(Queue.takeBetween(queue, 1, batchMax), (taken) => {
    for (const { draft } of taken) waitingContent -= draft.content.length
    return batchesOf(taken, ({ draft }) => draft.content.length, batchContentMax)
  })

  return {
    offer: (draft, reply) => {
      const { length } = draft.content
      if (waitingContent + length > waitingContentMax || !Queue.offerUnsafe(queue, { draft, reply })) return false
      waitingContent += length
      return true
    },

    consume: (process) => {
      const settle = (batch: ReadonlyArray<Waiting>): Effect.Effect<void> =>
        Effect.matchCauseEffect(process(batch.map((waiting) => waiting.draft)), {
          onSuccess: (results) =>
            Effect.sync(() => {
              for (const [index, { reply }] of batch.entries()) {
                reply(results[index] ?? { _tag: "Rejected", error: failure("ServerError") })
              }
            }),
          onFailure: (cause) => {
            if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
            if (batch.length > 1 && !isUnavailable(cause)) {
              const middle = batch.length >> 1
              return Effect.andThen(settle(batch.slice(0, middle)), settle(batch.slice(middle)))
            }
            return Effect.as(Effect.logError("a batch was not stored", cause), refuse(batch, cause))
          }
        })
      return Effect.forever(Effect.flatMap(take, (taken) => Effect.forEach(taken, settle, { discard: true })))
    }
  }
})

/** Whether the next draft would meet this failure, too: it lies in the store, and passes. */
export const isPassing = (error: Failure): boolean => error._tag === "DatabaseError" || error._tag === "Overloaded"

const isUnavailable = (cause: Cause.Cause<Failure>): boolean =>
  cause.reasons.some((reason) => reason._tag === "Fail" && isPassing(reason.error))

const refuse = (batch: ReadonlyArray<Waiting>, cause: Cause.Cause<Failure>): void => {
  const expected = cause.reasons.find((reason) => reason._tag === "Fail")
  const error = expected?.error ?? failure("ServerError")
  for (const { reply } of batch) reply({ _tag: "Rejected", error })
}
