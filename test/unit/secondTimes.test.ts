/** The second time, and the long run: faults that the first time does not show. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { ConnectionRegistry } from "../../src/actors/connections/ConnectionRegistry.ts"
import { inBackground } from "../../src/actors/connections/Router.ts"
import { ConversationWatchers } from "../../src/actors/delivery/ConversationWatchers.ts"
import { Delivery } from "../../src/actors/delivery/Delivery.ts"
import * as TransferConsumer from "../../src/actors/delivery/TransferConsumer.ts"
import { appendOutcome, deliverable, ResultFanOut } from "../../src/domain/cluster/AppendOutcome.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
import { type AppendResult, MessageStore } from "../../src/domain/messages/MessageStore.ts"
import { type Consumer, Transfer } from "../../src/domain/messages/Transfer.ts"
import { methods } from "../../src/domain/protocol/ClientMethods.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { MessageId, UserId } from "../../src/domain/shared/Ids.ts"
import { makeDraftQueue, waitingContentMax } from "../../src/layers/transfer/DraftQueue.ts"
import { frame, freeBudgets, layer, message, policyOf, settle, start } from "../support/ActorHarness.ts"
import { draft } from "../support/Drafts.ts"
import { FakePresence } from "../support/FakePresence.ts"
import { leave, pass, told, watch } from "../support/Watching.ts"

describe("the queue of drafts", () => {
  it.effect("gives the room of what has left it back: it takes any number of times what it holds at once", () =>
    Effect.gen(function* () {
      const queue = yield* makeDraftQueue
      const content = "x".repeat(16 * 1024)
      const waves = 3
      const perWave = Math.floor(waitingContentMax / content.length) - 10
      let answered = 0
      const reply = () => {
        answered += 1
      }
      const consuming = yield* Effect.forkChild(
        queue.consume((drafts) =>
          Effect.succeed(drafts.map((): AppendResult => ({ _tag: "Stored", message: message(1) })))
        )
      )
      for (let wave = 1; wave <= waves; wave += 1) {
        for (let index = 0; index < perWave; index += 1) {
          assert.isTrue(queue.offer(draft("1", "2", `${wave} ${index}`, { content }), reply), `${wave} ${index}`)
        }
        while (answered < wave * perWave) yield* settle
      }
      yield* Fiber.interrupt(consuming)
    })
  )
})

describe("a socket that is paused for requests in flight", () => {
  it.effect("stays paused when its mailbox has room again", () =>
    Effect.gen(function* () {
      const { connection, transport } = yield* start()
      // More than the mailbox takes before it pauses the socket itself, and none of them is ever settled.
      for (let index = 0; index < 300; index += 1) {
        connection.tell({ _tag: "FrameReceived", frame: frame({ id: `l${index}`, method: "later" }) })
      }
      yield* settle
      assert.isTrue(transport.paused)
    }).pipe(Effect.provide(layer({})))
  )
})

describe("a user who reconnects twice, each time within the grace", () => {
  it.effect("is never shown as offline", () =>
    Effect.gen(function* () {
      const fake = yield* FakePresence
      fake.know("1", "2")
      const ann = yield* start({ userId: "1" })
      let bob = yield* start({ userId: "2" })
      yield* watch(ann, "2")
      yield* pass(1_000)
      for (let bounce = 0; bounce < 3; bounce += 1) {
        yield* leave(bob)
        yield* pass(500)
        bob = yield* start({ userId: "2" })
        yield* pass(500)
      }
      assert.deepStrictEqual(told(ann), [])
      yield* leave(bob)
      yield* pass(1_500)
      assert.deepStrictEqual(
        told(ann).map(({ online }) => online),
        [false]
      )
    }).pipe(Effect.provide(layer({})))
  )
})

describe("a command that has begun", () => {
  it.effect("runs to its end, though its connection is gone", () =>
    Effect.gen(function* () {
      const { connection } = yield* start()
      const begun = yield* Deferred.make<void>()
      const goesOn = yield* Deferred.make<void>()
      let hasEnded = false
      const route = inBackground(methods.markRead, ({ payload }) =>
        Effect.gen(function* () {
          yield* Deferred.succeed(begun, undefined)
          yield* Deferred.await(goesOn)
          hasEnded = true
          return payload
        })
      )
      const payload = { conversationID: "1_2", seq: 1 }
      const work = route.start({ connection, id: "r", payload }, () => {}) ?? Effect.void
      const running = yield* Effect.forkChild(work)
      yield* Deferred.await(begun)
      // As the actor does with its work when the connection ends.
      const ending = yield* Effect.forkChild(Fiber.interrupt(running))
      yield* settle
      yield* Deferred.succeed(goesOn, undefined)
      yield* Fiber.join(ending)
      assert.isTrue(hasEnded)
    }).pipe(Effect.provide(layer({})))
  )
})

describe("the outcome of a stored draft that comes again", () => {
  const first = draft("1", "2", "a")
  const stored = { ...message(1), messageId: first.messageId }
  const duplicate: AppendResult = { _tag: "Duplicate", message: stored }

  it("is delivered once more, because a crash may have come between storing and delivering", () => {
    assert.strictEqual(deliverable(appendOutcome(first, duplicate))?.messageId, first.messageId)
  })

  it("is not delivered when another draft was stored before", () => {
    assert.isUndefined(deliverable(appendOutcome({ ...first, messageId: "9" as MessageId }, duplicate)))
  })
})

describe("a follower of a conversation over RPC", () => {
  it.effect("is woken when messages may have been missed, whichever conversation it follows", () =>
    Effect.gen(function* () {
      const watchers = yield* ConversationWatchers
      const delivery = yield* Delivery
      const { news } = yield* watchers.watch("1_2" as ConversationId)
      for (let time = 0; time < 2; time += 1) {
        const waiting = yield* Effect.forkChild(news)
        yield* settle
        assert.isUndefined(waiting.pollUnsafe())
        delivery.requestResync()
        yield* settle
        assert.isDefined(waiting.pollUnsafe())
      }
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Delivery.layer.pipe(
          Layer.provide(Layer.mock(Groups)({})),
          Layer.provideMerge(ConversationWatchers.layer),
          Layer.provide(Layer.mock(MessageStore)({})),
          Layer.provide(ConnectionRegistry.layer),
          Layer.provide([policyOf(), freeBudgets()])
        )
      )
    )
  )
})

describe("a user of whom many connections come and go", () => {
  it.effect("is offline only when the last one is gone", () =>
    Effect.gen(function* () {
      const registry = yield* ConnectionRegistry
      const user = "5" as UserId
      for (let round = 0; round < 3; round += 1) {
        const [one, other] = [yield* start({ userId: user }), yield* start({ userId: user, deviceId: "other" })]
        yield* leave(one)
        assert.isTrue(registry.isOnline(user))
        yield* leave(other)
        assert.isFalse(registry.isOnline(user))
        assert.strictEqual(registry.size(), 0)
      }
    }).pipe(Effect.provide(layer({})))
  )
})

describe("a store that gives fewer results than drafts", () => {
  it.effect("is a defect: the sender is told 100001, and does not wait for ever", () =>
    Effect.gen(function* () {
      const queue = yield* makeDraftQueue
      const replies: Array<AppendResult> = []
      queue.offer(draft("1", "2", "a"), (result) => replies.push(result))
      const consuming = yield* Effect.forkChild(queue.consume(() => Effect.succeed([])))
      yield* settle
      yield* Fiber.interrupt(consuming)
      assert.deepStrictEqual(
        replies.map((result) => (result._tag === "Rejected" ? result.error._tag : result._tag)),
        ["ServerError"]
      )
    })
  )

  it.effect("stops the consumer from counting them as delivered", () =>
    Effect.gen(function* () {
      const processed = yield* Deferred.make<Consumer["process"]>()
      const fannedOut: Array<unknown> = []
      yield* Layer.build(
        TransferConsumer.layer.pipe(
          Layer.provide([
            Layer.mock(MessageStore)({ appendBatch: () => Effect.succeed([]) }),
            Layer.mock(ResultFanOut)({ fanOut: (outcomes) => Effect.sync(() => void fannedOut.push(...outcomes)) }),
            Layer.mock(Transfer)({
              publish: () => true,
              settle: () => {},
              isConnected: () => true,
              consume: ({ process }) => Effect.andThen(Deferred.succeed(processed, process), Effect.never)
            })
          ])
        )
      )
      const process = yield* Deferred.await(processed)
      const exit = yield* Effect.exit(process([draft("1", "2", "a")]))
      assert.isTrue(Exit.hasDies(exit))
      assert.deepStrictEqual(fannedOut, [])
    }).pipe(Effect.scoped)
  )
})
