/** Followers of a conversation are woken by new messages, and share what they read. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Layer, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { ConversationWatchers, type Watch } from "../../src/actors/delivery/ConversationWatchers.ts"
import { type HistoryPage, MessageStore } from "../../src/domain/messages/MessageStore.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import { message, settle } from "../support/ActorHarness.ts"

const conversationId = "1_2" as ConversationId
const empty: HistoryPage = { messages: [], hasMore: false, joinedSeq: 0 }

/** A store that counts reads, each of which takes until it is let go. */
class SlowStore {
  reads = 0
  readonly isOpen = Latch.makeUnsafe()
  page: ReturnType<MessageStore["Service"]["history"]> = Effect.succeed(empty)

  readonly layer = Layer.provide(
    ConversationWatchers.layer,
    Layer.mock(MessageStore)({
      history: () =>
        Effect.suspend(() => {
          this.reads += 1
          return Effect.andThen(this.isOpen.await, this.page)
        })
    })
  )
}

const watch = Effect.flatMap(ConversationWatchers, (watchers) => watchers.watch(conversationId))
const wake = Effect.map(ConversationWatchers, (watchers) => watchers.wake(conversationId))

const asked = (followers: ReadonlyArray<Watch>, afterSeq = 7) =>
  Effect.forEach(followers, ({ pageAfter }) => Effect.forkChild(pageAfter(afterSeq, 200), { startImmediately: true }))

/** Runs a test with the followers of a slow store. */
const withStore = <A, E>(
  test: (store: SlowStore) => Effect.Effect<A, E, ConversationWatchers | Scope.Scope>
): Effect.Effect<A, E> => {
  const store = new SlowStore()
  return test(store).pipe(Effect.scoped, Effect.provide(store.layer))
}

describe("the followers of a conversation", () => {
  it.effect("at the same seq share one read", () =>
    withStore(
      Effect.fnUntraced(function* (store) {
        const followers = yield* Effect.replicateEffect(watch, 1_000)
        const reading = yield* asked(followers)
        const elsewhere = yield* asked(followers.slice(0, 10), 8)
        store.isOpen.openUnsafe()
        yield* Fiber.joinAll([...reading, ...elsewhere])
        assert.strictEqual(store.reads, 2)
      })
    )
  )

  it.effect("never get a page whose read began before they were woken", () =>
    withStore(
      Effect.fnUntraced(function* (store) {
        const [early, late] = yield* Effect.all([watch, watch])
        const first = yield* asked([early])
        yield* wake
        yield* late.news
        const second = yield* asked([late])
        store.isOpen.openUnsafe()
        yield* Fiber.joinAll([...first, ...second])
        assert.strictEqual(store.reads, 2)
        // The early one, woken while it read, wakes once more.
        yield* early.news
      })
    )
  )

  it.effect("share the end of the conversation for a second, but no page before it, and no failure", () =>
    withStore(
      Effect.fnUntraced(function* (store) {
        const { pageAfter } = yield* watch
        store.isOpen.openUnsafe()
        const readsOf = (page: SlowStore["page"]) =>
          Effect.gen(function* () {
            store.page = page
            store.reads = 0
            yield* Effect.exit(pageAfter(7, 200))
            yield* Effect.exit(pageAfter(7, 200))
            return store.reads
          })
        assert.strictEqual(yield* readsOf(Effect.succeed(empty)), 1)
        yield* TestClock.adjust(999)
        assert.strictEqual(yield* readsOf(Effect.succeed(empty)), 0)
        yield* TestClock.adjust(1)
        assert.strictEqual(yield* readsOf(Effect.succeed({ messages: [], hasMore: true, joinedSeq: 0 })), 2)
        assert.strictEqual(yield* readsOf(Effect.fail(failure("DatabaseError"))), 2)
      })
    )
  )

  it.effect("get no page of those who followed it before", () =>
    withStore(
      Effect.fnUntraced(function* (store) {
        store.isOpen.openUnsafe()
        const readOnce = Effect.scoped(Effect.flatMap(watch, ({ pageAfter }) => pageAfter(7, 200)))
        yield* readOnce
        yield* wake
        yield* readOnce
        assert.strictEqual(store.reads, 2)
      })
    )
  )

  it.effect("do not lose a read to the follower that began it and left", () =>
    withStore(
      Effect.fnUntraced(function* (store) {
        const followers = yield* Effect.all([watch, watch])
        const [first, second] = yield* asked(followers)
        assert.isDefined(first)
        assert.isDefined(second)
        yield* Fiber.interrupt(first)
        store.isOpen.openUnsafe()
        assert.deepStrictEqual(yield* Fiber.join(second), empty)
        assert.strictEqual(store.reads, 1)
      })
    )
  )

  it.effect("are woken by their own conversation alone, or all together", () =>
    withStore(
      Effect.fnUntraced(function* () {
        const watchers = yield* ConversationWatchers
        const here = yield* watchers.watch(conversationId)
        const there = yield* watchers.watch("1_3" as ConversationId)
        const woken: Array<string> = []
        for (const [name, { news }] of [
          ["here", here],
          ["there", there]
        ] as const) {
          yield* Effect.forkChild(Effect.forever(Effect.tap(news, () => Effect.sync(() => woken.push(name)))))
        }
        const wakenBy = (id: ConversationId | undefined) =>
          Effect.gen(function* () {
            yield* settle
            woken.length = 0
            watchers.wake(id)
            yield* settle
            return woken.toSorted()
          })
        assert.deepStrictEqual(yield* wakenBy(conversationId), ["here"])
        assert.deepStrictEqual(yield* wakenBy("1_4" as ConversationId), [])
        assert.deepStrictEqual(yield* wakenBy(undefined), ["here", "there"])
      })
    )
  )

  it.effect("are a thousand at most; one who leaves makes room", () =>
    withStore(
      Effect.fnUntraced(function* () {
        yield* Effect.replicateEffect(watch, 999)
        for (let round = 0; round < 3; round += 1) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              yield* watch
              assert.strictEqual((yield* Effect.flip(Effect.scoped(watch)))._tag, "Overloaded")
            })
          )
        }
      })
    )
  )

  it.effect("get no more of a page than fits into a frame, and are told that there is more", () =>
    withStore(
      Effect.fnUntraced(function* (store) {
        const { pageAfter } = yield* watch
        store.isOpen.openUnsafe()
        const long = [1, 2, 3].map((seq) => ({ ...message(seq), content: "x".repeat(400_000) }))
        store.page = Effect.succeed({ messages: long, hasMore: false, joinedSeq: 0 })
        const page = yield* pageAfter(7, 200)
        assert.isBelow(page.messages.length, 3)
        assert.isTrue(page.hasMore)
        store.page = Effect.succeed({ messages: long.slice(0, 1), hasMore: false, joinedSeq: 0 })
        assert.isFalse((yield* pageAfter(8, 200)).hasMore)
        store.page = Effect.succeed({ messages: long.slice(0, 1), hasMore: true, joinedSeq: 0 })
        assert.isTrue((yield* pageAfter(9, 200)).hasMore)
      })
    )
  )
})
