/** Messages that together, or alone, are more than Kafka or the store takes at once (protocol.md sections 1.6 and 4). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { contentBytesMax } from "../../src/domain/messages/MessageContent.ts"
import { scratch } from "../support/Backend.ts"
import { couple } from "../support/Couple.ts"
import { assertKept, historyOf } from "../support/Kept.ts"
import { type Address, start } from "../support/ServerProcess.ts"
import { createTopic, recordsOf, sizeOf } from "../support/TopicTool.ts"
import { refusalOf, writerOf } from "../support/Writer.ts"

/** As many three-byte letters as a message takes. */
const longest = "界".repeat(Math.floor(contentBytesMax / 3))
/** Takes 96 KiB as JSON, which writes each of these letters with six bytes. */
const escaped = "\u0001".repeat(contentBytesMax)

/** So many devices of one user that write to the same other user. */
const crowd = (address: Address, size: number) =>
  Effect.gen(function* () {
    const { ann, bob, writer, reader, conversationID } = yield* couple(address)
    const names = Array.from({ length: size - 1 }, (_, index) => `device-${index}`)
    const others = yield* Effect.forEach(names, (name) => writerOf(address, name, ann, bob))
    return { writers: [writer, ...others], reader, conversationID }
  })

describe("messages of the largest size", () => {
  it.live("are stored and acked in order, though they are many requests to Kafka and many batches of the store", () =>
    Effect.gen(function* () {
      const { settings, topic } = yield* scratch
      const { server, ...address } = yield* start(settings)
      const { writers, reader, conversationID } = yield* crowd(address, 4)
      // 6.4 MB, and twice what one batch of the store takes.
      for (let index = 0; index < 100; index += 1) for (const writer of writers) writer.write(longest)
      yield* Effect.all(
        writers.map((writer) => writer.answered()),
        { concurrency: "unbounded" }
      )
      for (const { refused, ids, last } of writers) {
        assert.deepStrictEqual(refused, [])
        assert.deepStrictEqual([...last.keys()], ids)
      }
      assertKept(yield* historyOf(reader.peer, conversationID), writers)
      assert.strictEqual(yield* sizeOf(`${topic}.dead-letters`), 0)
      assert.isTrue(server.isRunning)
    })
  )

  it.live("that JSON makes six times as large are stored, too", () =>
    Effect.gen(function* () {
      const { settings } = yield* scratch
      const { server, ...address } = yield* start({ ...settings, CHAT_MAX_FRAME_BYTES: "131072" })
      const { writers, reader, conversationID } = yield* crowd(address, 2)
      for (let index = 0; index < 30; index += 1) for (const writer of writers) writer.write(escaped)
      yield* Effect.all(
        writers.map((writer) => writer.answered()),
        { concurrency: "unbounded" }
      )
      for (const { refused } of writers) assert.deepStrictEqual(refused, [])
      assertKept(yield* historyOf(reader.peer, conversationID), writers)
      assert.isTrue(server.isRunning)
    })
  )
})

describe("a topic that takes little", () => {
  const small = 20_000

  /** A server whose topic was created beforehand, with four partitions. */
  const onSmallTopic = Effect.gen(function* () {
    const { settings, topic } = yield* scratch
    yield* createTopic(topic, 4, { "max.message.bytes": String(small) })
    const { server, ...address } = yield* start({ ...settings, CHAT_MAX_FRAME_BYTES: "131072" })
    return { server, address, topic }
  })

  it.live("refuses a message that is larger with 100010, and those before and after it go on", () =>
    Effect.gen(function* () {
      const { server, address, topic } = yield* onSmallTopic
      const { writer, reader, conversationID } = yield* couple(address)
      const large = [5, 6, 17].map((index) => `${writer.name}-${index}`)
      for (let index = 0; index < 20; index += 1) {
        // Drafts that are small enough take most of a request.
        writer.write(large.includes(`${writer.name}-${index}`) ? escaped : "x".repeat(contentBytesMax))
      }
      yield* writer.answered()
      assert.deepStrictEqual(writer.refused, large)
      for (const id of large) {
        const refusal = refusalOf(writer.last.get(id)!)
        assert.deepInclude(refusal, { code: 100010, method: "conversation.chat" })
        // To come again would be in vain.
        assert.isUndefined(refusal.retryAfter)
      }
      for (const id of large) writer.written.delete(id)
      assertKept(yield* historyOf(reader.peer, conversationID), [writer])
      assert.strictEqual((yield* recordsOf(topic, writer.written.size)).length, writer.written.size)
      assert.isTrue(server.isRunning)
    })
  )

  it.live("goes on in the other partitions of the same request, and puts nothing into the topic twice", () =>
    Effect.gen(function* () {
      const { server, address, topic } = yield* onSmallTopic
      const pairs = yield* Effect.all(Array.from({ length: 6 }, () => couple(address)))
      const [culprit] = pairs
      const tooLarge: Array<string> = []
      for (const round of [1, 2, 3]) {
        for (const { writer } of pairs) {
          writer.write(`first of round ${round}`)
          if (writer === culprit?.writer) tooLarge.push(...writer.write(escaped))
          writer.write(`last of round ${round}`)
        }
        yield* Effect.all(
          pairs.map(({ writer }) => writer.answered()),
          { concurrency: "unbounded" }
        )
      }
      assert.deepStrictEqual(
        pairs.flatMap(({ writer }) => writer.refused),
        tooLarge
      )
      for (const id of tooLarge) {
        assert.strictEqual(refusalOf(culprit!.writer.last.get(id)!).code, 100010)
        culprit!.writer.written.delete(id)
      }
      for (const { writer, reader, conversationID } of pairs) {
        assertKept(yield* historyOf(reader.peer, conversationID), [writer])
      }
      assert.strictEqual(
        yield* sizeOf(topic),
        pairs.reduce((sum, { writer }) => sum + writer.written.size, 0)
      )
      // One message of one user is no reason to begin anew with the broker, for which everybody waits.
      assert.notInclude(server.output(), "drafts cannot be sent to Kafka")
    })
  )
})
