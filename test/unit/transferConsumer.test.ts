/** The consumer of the pipeline: what it does with a batch, and with a pipeline that fails. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import * as TransferConsumer from "../../src/actors/delivery/TransferConsumer.ts"
import { type AppendOutcome, ResultFanOut } from "../../src/domain/cluster/AppendOutcome.ts"
import { type AppendResult, MessageStore } from "../../src/domain/messages/MessageStore.ts"
import { type Consumer, Transfer } from "../../src/domain/messages/Transfer.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import { message, settle } from "../support/ActorHarness.ts"
import { draft } from "../support/Drafts.ts"

/** A pipeline that gives its consumer to `consume`, and what the consumer fanned out and logged. */
const stage = (consume: (consumer: Consumer) => Effect.Effect<never>, results: ReadonlyArray<AppendResult> = []) => {
  const fannedOut: Array<AppendOutcome> = []
  const logged: Array<string> = []
  const layer = TransferConsumer.layer.pipe(
    Layer.provide(Layer.mock(Transfer)({ consume, publish: () => false, settle: () => {}, isConnected: () => true })),
    Layer.provide(Layer.mock(MessageStore)({ appendBatch: () => Effect.succeed(results) })),
    Layer.provide(
      Layer.mock(ResultFanOut)({ fanOut: (outcomes) => Effect.sync(() => void fannedOut.push(...outcomes)) })
    ),
    Layer.provideMerge(Logger.layer([Logger.make(({ message: said }) => void logged.push(String(said)))]))
  )
  return { fannedOut, logged, layer }
}

/** The consumer, given to a pipeline that never calls it by itself. */
const consumerOf = (results: ReadonlyArray<AppendResult>) =>
  Effect.gen(function* () {
    let taken: Consumer | undefined
    const staged = stage((consumer) => {
      taken = consumer
      return Effect.never
    }, results)
    yield* Layer.build(staged.layer)
    yield* settle
    if (taken === undefined) return yield* Effect.die("nothing consumes")
    return { ...staged, consumer: taken }
  })

describe("the consumer of the pipeline", () => {
  it.effect("stores a batch, fans its outcomes out in order, and returns the results", () =>
    Effect.gen(function* () {
      const results: ReadonlyArray<AppendResult> = [
        { _tag: "Stored", message: message(1) },
        { _tag: "Rejected", error: failure("Blocked") }
      ]
      const { consumer, fannedOut } = yield* consumerOf(results)
      assert.strictEqual(yield* consumer.process([draft("1", "2", "a"), draft("1", "2", "b")]), results)
      assert.deepStrictEqual(
        fannedOut.map(({ result }) => result._tag),
        ["Stored", "Rejected"]
      )
      yield* consumer.refuse(draft("1", "2", "c"), failure("DatabaseError"))
      assert.lengthOf(fannedOut, 3)
    }).pipe(Effect.scoped)
  )

  it.effect("takes a draft without a result for a defect, and fans nothing out", () =>
    Effect.gen(function* () {
      const { consumer, fannedOut } = yield* consumerOf([{ _tag: "Stored", message: message(1) }])
      const exit = yield* Effect.exit(consumer.process([draft("1", "2", "a"), draft("1", "2", "b")]))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.deepStrictEqual(fannedOut, [])
    }).pipe(Effect.scoped)
  )

  it.effect("starts a second after a failure, says so each time, and ends in silence", () =>
    Effect.gen(function* () {
      let starts = 0
      const { layer, logged } = stage(() =>
        Effect.suspend(() => {
          starts += 1
          return starts < 3 ? Effect.die(new Error("broken")) : Effect.never
        })
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Layer.build(layer)
          for (const [millis, expected] of [
            [0, 1],
            [999, 1],
            [1, 2],
            [999, 2],
            [1, 3],
            [10_000, 3]
          ] as const) {
            yield* TestClock.adjust(millis)
            yield* settle
            assert.strictEqual(starts, expected)
            assert.lengthOf(logged, Math.min(starts, 2))
          }
        })
      )
      assert.lengthOf(logged, 2)
      assert.isTrue(logged.every((line) => line.includes("the consumer failed")))
    })
  )
})
