/** Records in the topic that can never be stored: they are put aside, and the partition goes on (system.md section 2). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { KafkaMessage, Message as KafkaRecord } from "kafkajs"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import { type ConversationId, singleConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { scratch } from "../support/Backend.ts"
import { couple, texts } from "../support/Couple.ts"
import { draft } from "../support/Drafts.ts"
import { ask, assertKept, historyOf } from "../support/Kept.ts"
import { start } from "../support/ServerProcess.ts"
import { produce, recordsOf } from "../support/TopicTool.ts"

interface Place {
  readonly ann: { readonly id: string }
  readonly bob: { readonly id: string }
  readonly conversationID: string
  /** The id of a message of the conversation. */
  readonly messageId: string
}

/** A record of Ann's and Bob's conversation: by its key it goes where their messages go. */
type Poison = (place: Place) => KafkaRecord["value"]

const forged =
  (changes: (place: Place) => Record<string, unknown>): Poison =>
  (place) => {
    const good = draft(place.ann.id, place.bob.id, "forged", { origin: undefined })
    return JSON.stringify({ ...good, ...changes(place) })
  }

/** Records that are no drafts. */
const unreadable: ReadonlyArray<Poison> = [
  () => Buffer.from([0xff, 0xfe, 0x00, 0x80]),
  () => "{",
  () => null,
  () => "42",
  () => "{}",
  forged(() => ({ content: undefined })),
  forged(() => ({ content: 1 })),
  forged(() => ({ messageType: 99 })),
  forged(() => ({ senderId: "' OR 1=1 --" })),
  forged(() => ({ conversationId: `${"1".repeat(30)}_${"2".repeat(30)}` })),
  forged(() => ({ sendTime: 1e300 }))
]

/** A record that looks like a draft, and can never be stored. */
const unstorable: Record<string, readonly [make: Poison, reason: RegExp]> = {
  "an id of 100 characters": [forged(() => ({ clientId: "x".repeat(100) })), /client_?id/i],
  "an id with half of a surrogate pair": [forged(() => ({ clientId: "\ud800" })), /client_?id|JSON/i],
  "a content of 100 000 characters": [forged(() => ({ content: "x".repeat(100_000) })), /content/i],
  "a content with half of a surrogate pair": [forged(() => ({ content: "\udfff" })), /content|JSON/i],
  "the messageId of another message": [forged(({ messageId }) => ({ messageId })), /messages_id|duplicate/i]
}

const header = ({ headers }: KafkaMessage): string => String(headers?.["reason"] ?? "")

/** A server on one partition, and a conversation in it. */
const place = Effect.gen(function* () {
  const { settings, topic } = yield* scratch
  const { server, ...address } = yield* start({ ...settings, CHAT_KAFKA_PARTITIONS: "1" })
  const pair = yield* couple(address)
  pair.writer.write("before")
  yield* pair.writer.answered()
  const [first] = yield* historyOf(pair.reader.peer, pair.conversationID)
  return { ...pair, topic, deadLetters: `${topic}.dead-letters`, server, messageId: first?.messageId ?? "" }
})

describe("a poison record", () => {
  it.live("that is no draft at all is put aside as it was, with the reason, and the next message is stored", () =>
    Effect.gen(function* () {
      const { topic, deadLetters, writer, reader, conversationID, ...rest } = yield* place
      const values = unreadable.map((make) => make({ conversationID, ...rest }))
      yield* produce(
        topic,
        values.map((value) => ({ key: conversationID, value }))
      )
      writer.write("after")
      yield* writer.answered()
      assert.deepStrictEqual(writer.refused, [])
      assertKept(yield* historyOf(reader.peer, conversationID), [writer])
      const dead = yield* recordsOf(deadLetters, values.length)
      assert.deepStrictEqual(
        dead.map(({ value }) => value && Buffer.from(value).toString("hex")),
        values.map((value) => value && Buffer.from(value).toString("hex"))
      )
      for (const record of dead) {
        assert.match(header(record), /^not a draft: ./)
        assert.strictEqual(String(record.key), conversationID)
      }
      assert.isTrue(rest.server.isRunning)
    })
  )

  for (const [what, [make, reason]] of Object.entries(unstorable)) {
    it.live(`with ${what} is put aside with its reason, and the next message is stored`, () =>
      Effect.gen(function* () {
        const { topic, deadLetters, writer, reader, conversationID, ...rest } = yield* place
        yield* produce(topic, [{ key: conversationID, value: make({ conversationID, ...rest }) }])
        writer.write("after")
        yield* writer.answered()
        assert.deepStrictEqual(writer.refused, [])
        assertKept(yield* historyOf(reader.peer, conversationID), [writer])
        const [dead] = yield* recordsOf(deadLetters, 1)
        assert.match(header(dead!), reason)
        // No stack trace leaves the process (protocol.md section 2.3).
        assert.notInclude(header(dead!), "file://")
        assert.strictEqual(String(dead!.key), conversationID)
        assert.isTrue(rest.server.isRunning)
      })
    )
  }

  it.live("takes none of the messages around it with it, however many come in one batch", () =>
    Effect.gen(function* () {
      const { topic, deadLetters, ann, bob, writer, reader, conversationID, messageId } = yield* place
      const us = { ann, bob, conversationID, messageId }
      const good = Array.from({ length: 40 }, (_, index) =>
        draft(ann.id, bob.id, `good-${index}`, { content: `good ${index}`, origin: undefined })
      )
      const bad = [...unreadable, ...Object.values(unstorable).map(([make]) => make)].map((make) => make(us))
      // A poison after each good one, and the rest of the good ones: one request, so one batch.
      const values = good.flatMap((draft, index) => [
        JSON.stringify(draft),
        ...(index < bad.length ? [bad[index]!] : [])
      ])
      yield* produce(
        topic,
        values.map((value) => ({ key: conversationID, value }))
      )
      writer.write(...texts(5))
      yield* writer.answered()
      assert.deepStrictEqual(writer.refused, [])
      const history = yield* historyOf(reader.peer, conversationID)
      assert.deepStrictEqual(
        history.map(({ content }) => content),
        ["before", ...good.map(({ content }) => content), ...texts(5)]
      )
      assert.deepStrictEqual(
        history.map(({ seq }) => seq),
        history.map((_, index) => index + 1)
      )
      const dead = yield* recordsOf(deadLetters, bad.length)
      assert.isTrue(dead.every((record) => header(record).length > 0))
    })
  )

  it.live("that asks for what may not be is refused like any message, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const { topic, ann, bob, writer, reader, conversationID } = yield* place
      const unwanted: ReadonlyArray<Partial<Draft>> = [
        { receiveId: "404" as UserId, conversationId: "404_405" as ConversationId },
        // Known already, with another content.
        { clientId: writer.ids[0]! }
      ]
      yield* produce(
        topic,
        unwanted.map((changes) => ({
          key: conversationID,
          value: JSON.stringify(draft(ann.id, bob.id, "unwanted", { origin: undefined, ...changes }))
        }))
      )
      writer.write("after")
      yield* writer.answered()
      assertKept(yield* historyOf(reader.peer, conversationID), [writer])
      const synced = yield* ask(reader.peer, "conversation.sync")
      assert.strictEqual((synced.data as { conversations: ReadonlyArray<unknown> }).conversations.length, 1)
    })
  )

  const strangers: Record<string, (bob: string) => Partial<Draft>> = {
    "somebody in a conversation of others": () => ({ senderId: stranger }),
    "a user that does not exist": (bob) => ({
      senderId: stranger,
      conversationId: singleConversationId(stranger, bob as UserId)
    })
  }
  for (const [whom, changes] of Object.entries(strangers)) {
    it.live(`does not speak in the name of ${whom}`, () =>
      Effect.gen(function* () {
        const { topic, ann, bob, writer, reader, conversationID } = yield* place
        const value = JSON.stringify(draft(ann.id, bob.id, "strange", { origin: undefined, ...changes(bob.id) }))
        yield* produce(topic, [{ key: conversationID, value }])
        writer.write("after")
        yield* writer.answered()
        assertKept(yield* historyOf(reader.peer, conversationID), [writer])
        const synced = yield* ask(reader.peer, "conversation.sync")
        assert.strictEqual((synced.data as { conversations: ReadonlyArray<unknown> }).conversations.length, 1)
      })
    )
  }
})

const stranger = "404" as UserId
