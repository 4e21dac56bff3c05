/** Followers of a conversation are told of what is new, and read it together. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { ConversationWatchers, type Watch } from "../../src/actors/delivery/ConversationWatchers.ts"
import type { HistoryPage } from "../../src/domain/messages/MessageStore.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import { failure } from "../../src/domain/shared/Failure.ts"

const conversationId = "1_2" as ConversationId
const empty: HistoryPage = { messages: [], hasMore: false }

/** Counts reads of a page that takes until it is let go. */
const slowRead = Effect.map(Deferred.make<void>(), (letGo) => {
  const counted = { reads: 0 }
  const read = (page: HistoryPage = empty) =>
    Effect.andThen(
      Effect.sync(() => {
        counted.reads += 1
      }),
      Effect.as(Deferred.await(letGo), page)
    )
  return { counted, read, letGo: Deferred.succeed(letGo, undefined) }
})

const watch = Effect.flatMap(ConversationWatchers, (watchers) => watchers.watch(conversationId))
const nudge = Effect.map(ConversationWatchers, (watchers) => watchers.wake(conversationId))

const asked = (followers: ReadonlyArray<Watch>, read: ReturnType<Watch["pageAfter"]>, afterSeq = 7) =>
  Effect.forEach(followers, ({ pageAfter }) => Effect.forkChild(pageAfter(afterSeq, read), { startImmediately: true }))

describe("the followers of a conversation", () => {
  it.effect("who stand at the same seq share one read", () =>
    Effect.gen(function* () {
      const followers = yield* Effect.replicateEffect(watch, 1_000)
      const { counted, read, letGo } = yield* slowRead
      const reading = yield* asked(followers, read())
      const elsewhere = yield* asked(followers.slice(0, 10), read(), 8)
      yield* letGo
      yield* Fiber.joinAll([...reading, ...elsewhere])
      assert.strictEqual(counted.reads, 2)
    }).pipe(Effect.scoped, Effect.provide(ConversationWatchers.layer))
  )

  it.effect("never get a page that was begun before they were told of something new", () =>
    Effect.gen(function* () {
      const [early, late] = yield* Effect.all([watch, watch])
      const { counted, read, letGo } = yield* slowRead
      const first = yield* asked([early], read())
      yield* nudge
      yield* late.news
      const second = yield* asked([late], read())
      yield* letGo
      yield* Fiber.joinAll([...first, ...second])
      assert.strictEqual(counted.reads, 2)
      // What the early one was told of while it read is still to come.
      yield* early.news
    }).pipe(Effect.scoped, Effect.provide(ConversationWatchers.layer))
  )

  it.effect("get the same end of the conversation for a second, but no page in its middle, and no failure", () =>
    Effect.gen(function* () {
      const { pageAfter } = yield* watch
      const { counted, read, letGo } = yield* slowRead
      yield* letGo
      const times = (page: ReturnType<Watch["pageAfter"]>) =>
        Effect.gen(function* () {
          counted.reads = 0
          yield* Effect.exit(pageAfter(7, page))
          yield* Effect.exit(pageAfter(7, page))
          return counted.reads
        })
      assert.strictEqual(yield* times(read()), 1)
      yield* TestClock.adjust(1_000)
      assert.strictEqual(yield* times(read({ messages: [], hasMore: true })), 2)
      assert.strictEqual(yield* times(Effect.andThen(read(), Effect.fail(failure("DatabaseError")))), 2)
    }).pipe(Effect.scoped, Effect.provide(ConversationWatchers.layer))
  )

  it.effect("do not lose a read to the one who began it and left", () =>
    Effect.gen(function* () {
      const followers = yield* Effect.all([watch, watch])
      const { counted, read, letGo } = yield* slowRead
      const [first, second] = yield* asked(followers, read())
      assert.isDefined(first)
      assert.isDefined(second)
      yield* Fiber.interrupt(first!)
      yield* letGo
      assert.deepStrictEqual(yield* Fiber.join(second!), empty)
      assert.strictEqual(counted.reads, 1)
    }).pipe(Effect.scoped, Effect.provide(ConversationWatchers.layer))
  )
})
