/** The queue of drafts in front of the store: its bounds, its batches, and drafts that cannot be stored. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import type { AppendResult } from "../../src/domain/messages/MessageStore.ts"
import type { Consumer } from "../../src/domain/messages/Transfer.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import { batchMax, makeDraftQueue, waitingContentMax, waitingMax } from "../../src/layers/transfer/DraftQueue.ts"
import { message, settle } from "../support/ActorHarness.ts"
import { draft } from "../support/Drafts.ts"

const stored: AppendResult = { _tag: "Stored", message: message(1) }
const unanswered = () => {}

/** What became of each draft of a queue, and the batches in which they were tried. */
const processed = (contents: ReadonlyArray<string>, process: Consumer["process"]) =>
  Effect.gen(function* () {
    const queue = yield* makeDraftQueue
    const results = new Map<number, Array<string>>()
    const batches: Array<number> = []
    for (const [index, content] of contents.entries()) {
      const reply = (result: AppendResult) => {
        const told = result._tag === "Rejected" ? result.error._tag : result._tag
        results.set(index, [...(results.get(index) ?? []), told])
      }
      assert.isTrue(queue.offer(draft("1", "2", `m${index}`, { content }), reply))
    }
    const counting: Consumer["process"] = (drafts) => {
      batches.push(drafts.length)
      return process(drafts)
    }
    const consuming = yield* Effect.forkChild(queue.consume(counting))
    while (results.size < contents.length) yield* settle
    yield* Fiber.interrupt(consuming)
    return { results: contents.map((_, index) => results.get(index)?.join()), batches }
  })

const allStored: Consumer["process"] = (drafts) => Effect.succeed(drafts.map(() => stored))
const contentOf = (one: Draft) => one.content

describe("the queue of drafts", () => {
  it.effect("is full by number", () =>
    Effect.gen(function* () {
      const queue = yield* makeDraftQueue
      const one = draft("1", "2", "m", { content: "" })
      for (let index = 0; index < waitingMax; index += 1) assert.isTrue(queue.offer(one, unanswered))
      assert.isFalse(queue.offer(one, unanswered))
    })
  )

  it.effect("is full by content, to the last character", () =>
    Effect.gen(function* () {
      const queue = yield* makeDraftQueue
      const quarter = draft("1", "2", "m", { content: "x".repeat(waitingContentMax / 4) })
      for (let index = 0; index < 4; index += 1) assert.isTrue(queue.offer(quarter, unanswered), `${index}`)
      assert.isFalse(queue.offer(draft("1", "2", "m", { content: "x" }), unanswered))
      assert.isTrue(queue.offer(draft("1", "2", "m", { content: "" }), unanswered))
    })
  )

  it.effect("says when it has room again, by content as by number", () =>
    Effect.gen(function* () {
      const queue = yield* makeDraftQueue
      const half = draft("1", "2", "m", { content: "x".repeat(waitingContentMax / 2) })
      for (let round = 0; round < 3; round += 1) {
        assert.isTrue(queue.offer(half, unanswered))
        assert.isTrue(queue.offer(half, unanswered))
        assert.isFalse(queue.offer(half, unanswered))
        const waiting = yield* Effect.forkChild(queue.room)
        yield* settle
        assert.isUndefined(waiting.pollUnsafe())
        const consuming = yield* Effect.forkChild(queue.consume(allStored))
        yield* Fiber.join(waiting)
        yield* settle
        yield* Fiber.interrupt(consuming)
      }
    })
  )

  it.effect("brings at most so many drafts, and so much content, at once", () =>
    Effect.gen(function* () {
      const many = yield* processed(Array(batchMax + 1).fill("x"), allStored)
      assert.deepStrictEqual(many.batches, [batchMax, 1])
      const long = yield* processed(Array(3).fill("x".repeat(600_000)), allStored)
      assert.deepStrictEqual(long.batches, [1, 1, 1])
    })
  )

  it.effect("refuses the draft alone that cannot be stored, and stores the others", () =>
    Effect.gen(function* () {
      const { results } = yield* processed(["a", "b", "bad", "c", "d"], (drafts) =>
        drafts.map(contentOf).includes("bad") ? Effect.die(new Error("bad")) : allStored(drafts)
      )
      assert.deepStrictEqual(results, ["Stored", "Stored", "ServerError", "Stored", "Stored"])
    })
  )

  it.effect("looks for the draft at fault after any failure of the server", () =>
    Effect.gen(function* () {
      const { results } = yield* processed(["a", "bad"], (drafts) =>
        drafts.map(contentOf).includes("bad") ? Effect.fail(failure("ServerError")) : allStored(drafts)
      )
      assert.deepStrictEqual(results, ["Stored", "ServerError"])
    })
  )

  it.effect("refuses a whole batch at once while the store is away: the next draft would meet the same", () =>
    Effect.gen(function* () {
      const { results, batches } = yield* processed(["a", "b", "c"], () => Effect.fail(failure("DatabaseError")))
      assert.deepStrictEqual(results, ["DatabaseError", "DatabaseError", "DatabaseError"])
      assert.deepStrictEqual(batches, [3])
    })
  )

  it.effect("refuses a draft that has got no result", () =>
    Effect.gen(function* () {
      const { results } = yield* processed(["a"], () => Effect.succeed([]))
      assert.deepStrictEqual(results, ["ServerError"])
    })
  )

  it.effect("answers nothing for a batch that was interrupted", () =>
    Effect.gen(function* () {
      const queue = yield* makeDraftQueue
      let answers = 0
      queue.offer(draft("1", "2", "m"), () => {
        answers += 1
      })
      const consuming = yield* Effect.forkChild(queue.consume(() => Effect.never))
      yield* settle
      yield* Fiber.interrupt(consuming)
      assert.strictEqual(answers, 0)
    })
  )
})
