/**
 * A bounded queue of drafts in front of the store. While one batch is being committed the next one gathers, so that all
 * drafts that wait share a commit.
 */
import { Cause, Effect, Latch, Queue } from "effect"
import type { Draft } from "../../domain/messages/Draft.ts"
import type { AppendResult } from "../../domain/messages/MessageStore.ts"
import type { Consumer, Reply } from "../../domain/messages/Transfer.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"
import { batchesOf } from "../shared/Batches.ts"

/** Drafts that wait for the consumer, and their content together, in UTF-16 units. */
export const waitingMax = 20_000
export const waitingContentMax = 64 * 1024 * 1024
/** Drafts in one batch, and characters of their content: enough to share a commit without blocking the event loop. */
export const batchMax = 512
const batchContentMax = 1024 * 1024

type StoreFailure = Failure<"DatabaseError" | "ServerError">

interface Waiting {
  readonly draft: Draft
  readonly reply: Reply
}

export interface DraftQueue {
  /** Puts a draft at the end; `false`, and nothing done, when the queue is full. */
  readonly offer: (draft: Draft, reply: Reply) => boolean
  /** Waits, after an offer that found the queue full, until some drafts have left it. */
  readonly room: Effect.Effect<void>
  /**
   * Brings batches to `process`, one after the other, and each result to the reply of its draft. A draft that cannot be
   * stored must not take its batch with it: halving the batch finds it. Runs until interrupted.
   */
  readonly consume: (process: Consumer["process"]) => Effect.Effect<never>
}

export const makeDraftQueue: Effect.Effect<DraftQueue> = Effect.gen(function* () {
  const queue = yield* Queue.dropping<Waiting>(waitingMax)
  const room = Latch.makeUnsafe()
  let waitingContent = 0

  const take = Effect.map(Queue.takeBetween(queue, 1, batchMax), (taken) => {
    for (const { draft } of taken) waitingContent -= draft.content.length
    room.openUnsafe()
    return batchesOf(taken, ({ draft }) => draft.content.length, batchContentMax)
  })

  return {
    offer: (draft, reply) => {
      const { length } = draft.content
      if (waitingContent + length > waitingContentMax || !Queue.offerUnsafe(queue, { draft, reply })) {
        room.closeUnsafe()
        return false
      }
      waitingContent += length
      return true
    },

    room: room.await,

    consume: (process) => {
      const settle = (batch: ReadonlyArray<Waiting>): Effect.Effect<void> =>
        Effect.matchCauseEffect(stored(process, batch), {
          onSuccess: (results) =>
            Effect.sync(() => {
              for (const [index, result] of results.entries()) batch[index]?.reply(result)
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

/** The results of a batch. A draft without a result is a defect: its sender would never get an answer. */
const stored = (
  process: Consumer["process"],
  batch: ReadonlyArray<Waiting>
): Effect.Effect<ReadonlyArray<AppendResult>, StoreFailure> =>
  Effect.flatMap(process(batch.map(({ draft }) => draft)), (results) =>
    results.length === batch.length
      ? Effect.succeed(results)
      : Effect.die(new Error(`${batch.length} drafts have ${results.length} results`))
  )

/** Whether the next draft would meet this failure, too: the store is away, and comes back. */
export const isPassing = (error: StoreFailure): boolean => error._tag === "DatabaseError"

const isUnavailable = (cause: Cause.Cause<StoreFailure>): boolean =>
  cause.reasons.some((reason) => reason._tag === "Fail" && isPassing(reason.error))

const refuse = (batch: ReadonlyArray<Waiting>, cause: Cause.Cause<StoreFailure>): void => {
  const expected = cause.reasons.find((reason) => reason._tag === "Fail")
  const error = expected?.error ?? failure("ServerError")
  for (const { reply } of batch) reply({ _tag: "Rejected", error })
}
