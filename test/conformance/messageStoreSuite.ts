/** The contract of every {@link MessageStore} (protocol.md section 4). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Schema } from "effect"
import type { UserRepository } from "../../src/domain/accounts/User.ts"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import type { Message } from "../../src/domain/messages/Message.ts"
import { type AppendResult, MessageStore } from "../../src/domain/messages/MessageStore.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { conversationOf, draft } from "../support/Drafts.ts"
import { runsOf } from "../support/Runs.ts"
import { insertUsers } from "../support/StoredUsers.ts"

const brief = (result: AppendResult) =>
  result._tag === "Rejected" ? result.error.code : `${result._tag} ${result.message.seq}`

/** Everything in a conversation, page by page. */
const all = (reader: string, other: string, limit = 3) =>
  Effect.gen(function* () {
    const store = yield* MessageStore
    const messages: Array<Message> = []
    for (;;) {
      const page = yield* store.history(reader as UserId, {
        conversationId: conversationOf(reader, other),
        afterSeq: messages.at(-1)?.seq ?? 0,
        limit
      })
      messages.push(...page.messages)
      if (!page.hasMore) return messages
    }
  })

const User = Schema.Literals(["1", "2", "10"])
const ClientId = Schema.Literals(["a", "b", "c", "d"])
const Content = Schema.Literals(["x", "y"])
const Batches = Schema.Array(
  Schema.Array(Schema.Tuple([User, Schema.Literals(["1", "2", "10", "9"]), ClientId, Content])).check(
    Schema.isBetweenLength(1, 6)
  )
).check(Schema.isMaxLength(6))

export const messageStoreSuite = <E>(name: string, layer: Layer.Layer<MessageStore | UserRepository | Contacts, E>) =>
  describe(`the message store on ${name}`, () => {
    it.effect("numbers each conversation from 1 and gives back what was stored", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const store = yield* MessageStore
        const drafts = [draft("1", "2", "a"), draft("10", "1", "a"), draft("2", "1", "b"), draft("1", "2", "c")]
        const results = yield* store.appendBatch(drafts)
        assert.deepStrictEqual(results.map(brief), ["Stored 1", "Stored 1", "Stored 2", "Stored 3"])
        const messages = yield* all("2", "1")
        assert.deepStrictEqual(
          messages,
          results.flatMap((result) =>
            result._tag === "Stored" && result.message.senderId !== "10" ? [result.message] : []
          )
        )
        const { conversationId, senderId, origin: _, ...same } = drafts[0] as Draft
        assert.deepInclude(messages[0] as object, { ...same, conversationId, senderId, seq: 1 })
      }).pipe(Effect.provide(layer))
    )

    it.effect.prop(
      "keeps the model: (sender, id) once, its first content, no gaps, the order of arrival",
      [Batches],
      ([batches]) =>
        Effect.gen(function* () {
          yield* insertUsers
          const store = yield* MessageStore
          const known = new Map<string, { readonly seq: number; readonly what: string }>()
          const conversations = new Map<string, Array<string>>()
          for (const batch of batches) {
            const drafts = batch.map(([sender, receiver, clientId, content]) =>
              draft(sender, receiver, clientId, { content })
            )
            const expected = drafts.map((draft) => {
              const what = `${draft.conversationId} ${draft.content}`
              const first = known.get(`${draft.senderId} ${draft.clientId}`)
              if (first !== undefined) return first.what === what ? `Duplicate ${first.seq}` : 100007
              if (draft.receiveId === "9") return 300002
              const conversation = conversations.get(draft.conversationId) ?? []
              conversations.set(draft.conversationId, conversation)
              conversation.push(draft.messageId)
              known.set(`${draft.senderId} ${draft.clientId}`, { seq: conversation.length, what })
              return `Stored ${conversation.length}`
            })
            assert.deepStrictEqual((yield* store.appendBatch(drafts)).map(brief), expected)
          }
          for (const [id, messageIds] of conversations) {
            const [a = "", b = ""] = id.split("_")
            const messages = yield* all(a, b)
            assert.deepStrictEqual(messages, yield* all(b, a))
            assert.deepStrictEqual(
              messages.map((message) => [message.seq, message.messageId as string]),
              messageIds.map((messageId, index) => [index + 1, messageId])
            )
          }
        }).pipe(Effect.provide(layer)),
      { arbitrary: { runs: runsOf(60) } }
    )

    it.effect("pages both ways, from the end at which the reader begins", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const store = yield* MessageStore
        yield* store.appendBatch(Array.from({ length: 9 }, (_, index) => draft("1", "2", `m${index}`)))
        const seqs = (bounds: { readonly beforeSeq?: number; readonly afterSeq?: number }) =>
          Effect.map(
            store.history("2" as UserId, { conversationId: conversationOf("1", "2"), limit: 2, ...bounds }),
            ({ messages, hasMore }) => [...messages.map(({ seq }) => seq), hasMore]
          )
        assert.deepStrictEqual(yield* seqs({}), [8, 9, true])
        assert.deepStrictEqual(yield* seqs({ beforeSeq: 4 }), [2, 3, true])
        assert.deepStrictEqual(yield* seqs({ beforeSeq: 3 }), [1, 2, false])
        assert.deepStrictEqual(yield* seqs({ afterSeq: 4 }), [5, 6, true])
        assert.deepStrictEqual(yield* seqs({ afterSeq: 7 }), [8, 9, false])
        assert.deepStrictEqual(yield* seqs({ afterSeq: 2, beforeSeq: 9 }), [3, 4, true])
        assert.deepStrictEqual(yield* seqs({ afterSeq: 2, beforeSeq: 5 }), [3, 4, false])
        assert.deepStrictEqual(yield* seqs({ afterSeq: 9 }), [false])
      }).pipe(Effect.provide(layer))
    )

    it.effect("stores nothing of a batch that fails", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const store = yield* MessageStore
        const first = draft("1", "2", "a")
        const sameId = draft("2", "1", "b", { messageId: first.messageId })
        const error = yield* Effect.flip(store.appendBatch([first, sameId]))
        assert.strictEqual(error.code, 100001)
        assert.deepStrictEqual((yield* store.appendBatch([draft("1", "2", "z")])).map(brief), ["Stored 1"])
      }).pipe(Effect.provide(layer))
    )

    it.effect("refuses what is blocked in either direction, also in a conversation that exists", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const store = yield* MessageStore
        const contacts = yield* Contacts
        yield* store.appendBatch([draft("1", "2", "a")])
        yield* contacts.block("2" as UserId, "1" as UserId)
        const drafts = [draft("1", "2", "b"), draft("2", "1", "c"), draft("2", "10", "d"), draft("1", "2", "a")]
        const results = yield* store.appendBatch(drafts)
        assert.deepStrictEqual(results.map(brief), [300003, 300003, "Stored 1", "Duplicate 1"])
        yield* contacts.unblock("2" as UserId, "1" as UserId)
        assert.deepStrictEqual((yield* store.appendBatch([draft("1", "2", "b")])).map(brief), ["Stored 2"])
      }).pipe(Effect.provide(layer))
    )

    it.effect("lets no time of a conversation run back, and finds by time what lies between two times", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const store = yield* MessageStore
        // A gateway's clock is behind another's, and two messages have the same time.
        const times = [100, 90, 100, 250, 120, 300]
        for (const [index, sendTime] of times.entries()) {
          yield* store.appendBatch([draft("1", "2", `m${index}`, { sendTime })])
        }
        yield* store.appendBatch([draft("1", "10", "other", { sendTime: 10 })])
        const log = (window: { readonly startSendTime?: number; readonly endSendTime?: number }) =>
          Effect.map(
            store.chatLog("2" as UserId, { conversationId: conversationOf("1", "2"), limit: 10, ...window }),
            (messages) => messages.map(({ seq, sendTime }) => `${seq}@${sendTime}`)
          )
        const rising = ["6@300", "5@250", "4@250", "3@100", "2@100", "1@100"]
        assert.deepStrictEqual(yield* log({}), rising)
        // A window for every pair of times around those that there are.
        for (const start of [99, 100, 101, 249, 250, 299, 300, 301]) {
          for (const end of [99, 100, 101, 249, 250, 299, 300, 301]) {
            assert.deepStrictEqual(
              yield* log({ startSendTime: start, endSendTime: end }),
              rising.filter((entry) => {
                const time = Number(entry.split("@")[1])
                return time > end && time <= start
              })
            )
          }
        }
      }).pipe(Effect.provide(layer))
    )

    it.effect("takes the true time again once a clock that was more than a minute ahead is set right", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const store = yield* MessageStore
        const times: Array<number> = []
        for (const sendTime of [100, 90_100, 30_100, 30_099, 20_000]) {
          for (const result of yield* store.appendBatch([draft("1", "2", `at ${sendTime}`, { sendTime })])) {
            if (result._tag === "Stored") times.push(result.message.sendTime)
          }
        }
        assert.deepStrictEqual(times, [100, 90_100, 90_100, 30_099, 30_099])
      }).pipe(Effect.provide(layer))
    )

    it.effect("shows a conversation to nobody else", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const store = yield* MessageStore
        yield* store.appendBatch([draft("1", "2", "a")])
        const query = { conversationId: conversationOf("1", "2"), limit: 10 }
        assert.strictEqual((yield* Effect.flip(store.history("10" as UserId, query))).code, 300001)
        assert.strictEqual((yield* Effect.flip(store.chatLog("10" as UserId, query))).code, 300001)
      }).pipe(Effect.provide(layer))
    )

    it.effect("keeps texts to the letter", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const store = yield* MessageStore
        const texts = [
          "",
          "'\"\\%_",
          "\u0000a\u001f",
          "👩‍👩‍👧‍👦 界 مرحبا",
          `${"界".repeat(5_461)}x`,
          "a\nb\r\tc",
          "null",
          '{"a":1}'
        ]
        yield* store.appendBatch(
          texts.map((content, index) => draft("1", "2", `id ${index} '"\\ 界\u0000`, { content }))
        )
        const messages = yield* all("1", "2")
        assert.deepStrictEqual(
          messages.map((message) => message.content),
          texts
        )
        assert.strictEqual(messages[3]?.clientId, `id 3 '"\\ 界\u0000`)
      }).pipe(Effect.provide(layer))
    )

    it.effect("stores a batch of 512 in one go", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const store = yield* MessageStore
        const drafts = Array.from({ length: 512 }, (_, index) => draft("1", "2", String(index)))
        assert.strictEqual((yield* store.appendBatch(drafts)).length, 512)
        assert.strictEqual((yield* all("1", "2", 200)).length, 512)
      }).pipe(Effect.provide(layer))
    )
  })
