/** One draft, one decision, over Kafka: what was refused stays refused, and what is decided is told (protocol.md section 4). */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { ResultFanOut } from "../../src/domain/cluster/AppendOutcome.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import * as App from "../../src/layers/App.ts"
import { scratch } from "../support/Backend.ts"
import { connect } from "../support/Peer.ts"
import { eventDraft, joined } from "../support/StoredGroups.ts"
import * as TestServer from "../support/TestServer.ts"
import { chatFrame, register, request } from "../support/Users.ts"
import { startWorker } from "../support/WorkerServices.ts"

/** A worker that stores, and dies before it has told: `stored` is done when it has. */
const dyingWorker = Effect.fnUntraced(function* (settings: Record<string, string>) {
  const scope = yield* Scope.make()
  const stored = yield* Deferred.make<void>()
  const silent = Layer.succeed(ResultFanOut, {
    fanOut: () => Effect.andThen(Deferred.succeed(stored, undefined), Effect.never)
  })
  yield* Scope.provide(startWorker(settings, App.workerOf(silent)), scope)
  return { stored: Deferred.await(stored), die: Scope.close(scope, Exit.void) }
})

/** A gateway; Ann's group, founded by a worker that has ended; Eve, who is no member, and her connection. */
const stage = Effect.gen(function* () {
  const { settings } = yield* scratch
  const shared = { ...settings, CHAT_JWT_SECRET: "a secret that gateways and workers of this test share" }
  const services = yield* Layer.build(TestServer.layer({ ...shared, CHAT_ROLE: "gateway" }))
  return yield* Effect.gen(function* () {
    const { chatUrl, internalUrl } = yield* TestServer.TestServer
    const [ann, eve] = yield* Effect.all([register(), register()])
    const gateways = { ...shared, CHAT_GATEWAYS: internalUrl }
    const founded = yield* Effect.scoped(
      Effect.andThen(
        startWorker(gateways),
        request("POST", "/v1/social/group", { token: ann.token, body: { name: "us" } })
      )
    )
    const { groupId } = founded.body.data as { readonly groupId: string }
    const evePeer = yield* connect(chatUrl, eve.token)
    const say = (id: string) =>
      evePeer.send({
        ...chatFrame(id, { id: groupId }, id),
        data: { chatType: 0, receiveId: groupId, message: { messageType: 0, content: id } }
      })
    const store = yield* MessageStore
    /** Ann brings Eve in, at once, whatever waits in the topic. */
    const bringIn = Effect.map(
      store.appendBatch([
        eventDraft(ann.id, joined(eve.id), { conversationId: groupId as never, messageId: `9${Date.now()}` as never })
      ]),
      ([result]) => assert.strictEqual(result?._tag, "Stored")
    )
    const texts = Effect.map(
      store.history(undefined, { conversationId: groupId as never, afterSeq: 0, limit: 200 }),
      ({ messages }) => messages.filter(({ messageType }) => messageType === 0).map(({ content }) => content)
    )
    /** Ann brings Eve in by a request, which waits for a worker. */
    const invite = request("POST", "/v1/social/group/putIn", {
      token: ann.token,
      body: { groupId, userIds: [eve.id] }
    }).pipe(Effect.provideService(TestServer.TestServer, yield* TestServer.TestServer))
    return { gateways, evePeer, say, bringIn, invite, texts }
  }).pipe(Effect.provide(services))
})

describe("a draft", () => {
  it.live("that was refused is not stored when it is read again, though its sender may write by now", () =>
    Effect.gen(function* () {
      const { gateways, evePeer, say, bringIn, texts } = yield* stage
      const dying = yield* dyingWorker(gateways)
      say("too early")
      yield* dying.stored
      yield* bringIn
      yield* dying.die
      yield* startWorker(gateways)
      const refused = yield* evePeer.answer("too early")
      assert.deepInclude(refused.data as object, { code: 300001 })
      say("in time")
      assert.strictEqual((yield* evePeer.answer("in time")).frameType, 2)
      assert.deepStrictEqual(yield* texts, ["in time"])
    })
  )

  it.live(
    "that waits for a worker for long is in the topic once: nothing of it comes after what was written later",
    () =>
      Effect.gen(function* () {
        const { gateways, evePeer, say, invite, texts } = yield* stage
        say("first")
        const inviting = yield* Effect.forkChild(Effect.delay(invite, "2 seconds"))
        // Longer than a gateway waits before it looks for results.
        yield* Effect.sleep("13 seconds")
        say("second")
        yield* startWorker(gateways)
        assert.deepInclude((yield* evePeer.answer("first")).data as object, { code: 300001 })
        assert.strictEqual((yield* evePeer.answer("second")).frameType, 2)
        assert.strictEqual((yield* Fiber.join(inviting)).body.data.handleResult, 2)
        say("third")
        assert.strictEqual((yield* evePeer.answer("third")).frameType, 2)
        assert.deepStrictEqual(yield* texts, ["second", "third"])
      })
  )

  it.live("whose result was never told is answered all the same: the gateway looks it up", () =>
    Effect.gen(function* () {
      const { gateways, evePeer, say, bringIn, texts } = yield* stage
      // This worker tells nobody, and goes on living.
      const dying = yield* dyingWorker(gateways)
      say("refused")
      yield* dying.stored
      assert.deepInclude((yield* evePeer.answer("refused")).data as object, { code: 300001 })
      yield* dying.die
      yield* bringIn
      const next = yield* dyingWorker(gateways)
      say("stored")
      yield* next.stored
      const ack = yield* evePeer.answer("stored")
      assert.strictEqual(ack.frameType, 2)
      assert.deepStrictEqual(yield* texts, ["stored"])
    })
  )
})
