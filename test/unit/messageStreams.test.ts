/** A stream of messages over RPC, page after page, on a clock that stands still. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { RpcTest } from "effect/rpc"
import { TestClock } from "effect/testing"
import { ConversationWatchers } from "../../src/actors/delivery/ConversationWatchers.ts"
import type { Message } from "../../src/domain/messages/Message.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import { ConversationService } from "../../src/domain/services/ConversationService.ts"
import { GroupService } from "../../src/domain/services/GroupService.ts"
import { MessageSender } from "../../src/domain/services/MessageSender.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { MessageId, UserId } from "../../src/domain/shared/Ids.ts"
import { ConversationRpcs } from "../../src/http/rpc/ConversationRpc.ts"
import * as ConversationRpcHandlers from "../../src/http/rpc/ConversationRpcHandlers.ts"
import { settle } from "../support/ActorHarness.ts"

const conversationId = "1_2" as ConversationId

const messageOf = (seq: number, content: string): Message => ({
  messageId: String(seq) as MessageId,
  clientId: `c${seq}`,
  conversationId,
  seq,
  chatType: 1,
  senderId: "1" as UserId,
  receiveId: "2" as UserId,
  sendTime: seq,
  messageType: 0,
  content
})

/** The messages that a client has got from a stream over this store, read from the beginning. */
const following = (stored: ReadonlyArray<Message>) =>
  Effect.gen(function* () {
    const layer = ConversationRpcHandlers.layer.pipe(
      Layer.provideMerge(ConversationWatchers.layer),
      Layer.provide([
        Layer.mock(ConversationService, {}),
        Layer.mock(GroupService, {}),
        Layer.mock(MessageSender, { publish: () => assert.fail() }),
        Layer.mock(MessageStore, {
          history: (_reader, { afterSeq = 0, limit }) =>
            Effect.sync(() => {
              const after = stored.filter(({ seq }) => seq > afterSeq)
              return { messages: after.slice(0, limit), hasMore: after.length > limit, joinedSeq: 0 }
            })
        })
      ])
    )
    const context = yield* Layer.build(layer)
    const client = yield* RpcTest.makeClient(ConversationRpcs).pipe(Effect.provide(context))
    const seqs: Array<number> = []
    const reading = yield* Effect.forkScoped(
      Stream.runForEach(client.Messages({ conversationId }), ({ seq }) => Effect.sync(() => void seqs.push(seq)))
    )
    for (let turn = 0; turn < 20; turn += 1) yield* settle
    return { seqs, reading, watchers: yield* Effect.provide(ConversationWatchers, context) }
  })

const seqsTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

describe("a stream of messages", () => {
  it.effect("goes on at once after a page that was cut by its size", () =>
    Effect.gen(function* () {
      const stored = seqsTo(12).map((seq) => messageOf(seq, "x".repeat(16 * 1024)))
      const { seqs } = yield* following(stored)
      assert.deepStrictEqual(seqs, seqsTo(12))
    })
  )

  it.effect("goes on at once after a page that was cut by its limit", () =>
    Effect.gen(function* () {
      const stored = seqsTo(500).map((seq) => messageOf(seq, "x"))
      const { seqs } = yield* following(stored)
      assert.deepStrictEqual(seqs, seqsTo(500))
    })
  )

  it.effect("brings what comes, each time that it is woken, and by itself after 5 s", () =>
    Effect.gen(function* () {
      const stored = [messageOf(1, "a")]
      const { seqs, reading, watchers } = yield* following(stored)
      assert.deepStrictEqual(seqs, [1])
      for (let seq = 2; seq <= 4; seq += 1) {
        stored.push(messageOf(seq, "b"))
        watchers.wake(conversationId)
        yield* settle
        yield* settle
        assert.deepStrictEqual(seqs, seqsTo(seq))
      }
      for (let seq = 5; seq <= 7; seq += 1) {
        stored.push(messageOf(seq, "c"))
        yield* TestClock.adjust("4900 millis")
        yield* settle
        assert.deepStrictEqual(seqs, seqsTo(seq - 1))
        yield* TestClock.adjust("100 millis")
        yield* settle
        assert.deepStrictEqual(seqs, seqsTo(seq))
      }
      yield* Fiber.interrupt(reading)
    })
  )
})
