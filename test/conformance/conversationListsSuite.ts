/** The contract of every {@link ConversationLists} (protocol.md section 2.2). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Schema } from "effect"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import {
  ConversationLists,
  type ListedConversation,
  type ListPosition,
  listMax
} from "../../src/domain/conversations/ConversationLists.ts"
import { Conversations } from "../../src/domain/conversations/Conversations.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import { ChatType, type ConversationId, receiverOf } from "../../src/domain/shared/ConversationIds.ts"
import { befriend } from "../support/Acquaintances.ts"
import { conversationOf, draft } from "../support/Drafts.ts"
import { ListsModel } from "../support/ListsModel.ts"
import { runsOf } from "../support/Runs.ts"
import {
  append,
  created,
  errorOf,
  eventDraft,
  groupId,
  idOf,
  insertRows,
  joined,
  type StoreServices,
  wordsDraft
} from "../support/StoredGroups.ts"
import { insertUsers, userIds } from "../support/StoredUsers.ts"

const { single, group } = ChatType
const User = Schema.Literals(["1", "2", "10"])
const Flag = Schema.UndefinedOr(Schema.Boolean)

const Operation = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("send"), user: User, other: User }),
  Schema.Struct({ kind: Schema.Literal("send"), user: User, other: User }),
  Schema.Struct({ kind: Schema.Literal("react"), user: User, other: User }),
  Schema.Struct({ kind: Schema.Literal("set up"), user: User, other: User }),
  Schema.Struct({ kind: Schema.Literal("read"), user: User, other: User, seq: Schema.Literals([0, 1, 2, 3]) }),
  Schema.Struct({
    kind: Schema.Literal("change"),
    user: User,
    other: User,
    isShown: Flag,
    isPinned: Flag,
    isMuted: Flag,
    seq: Schema.UndefinedOr(Schema.Literals([1, 2, 3]))
  })
])

const briefly = ({ conversationId, lastSeq, readSeq, isShown, isPinned, isMuted, lastMessage }: ListedConversation) => [
  conversationId as string,
  `${readSeq} of ${lastSeq}, last ${lastMessage?.seq ?? 0}`,
  ...(isShown ? [] : ["hidden"]),
  ...(isPinned ? ["pinned"] : []),
  ...(isMuted ? ["muted"] : [])
]

/** All pages of a list, in short, and how many they were. */
const listOf = (userId: string) =>
  Effect.gen(function* () {
    const lists = yield* ConversationLists
    const pages: Array<ReadonlyArray<ListedConversation>> = []
    let next: ListPosition | undefined
    do {
      const page = yield* lists.list(idOf(userId), next)
      pages.push(page.conversations)
      next = page.next
    } while (next !== undefined)
    return { found: pages.flat().map(briefly), pages: pages.map((page) => page.length) }
  })

/** `strict` is the same where messages need friendship. */
export const conversationListsSuite = <E, F>(
  name: string,
  layer: Layer.Layer<StoreServices, E>,
  strict: Layer.Layer<StoreServices, F>
) =>
  describe(`the lists of conversations on ${name}`, () => {
    it.effect.prop(
      "are what a simple model says, whoever sends, reads, hides, pins and begins",
      [Schema.Array(Operation).check(Schema.isMaxLength(25))],
      ([operations]) =>
        Effect.gen(function* () {
          yield* insertUsers
          const lists = yield* ConversationLists
          const conversations = yield* Conversations
          const model = new ListsModel()
          for (const [index, operation] of operations.entries()) {
            const { kind, user, other } = operation
            const id = conversationOf(user, other)
            const entry = model.entryOf(user, other)
            const lastSeq = model.conversations.get(id)?.seq ?? 0
            if (kind === "send") {
              yield* append(draft(user, other, `m${index}`))
              model.send(user, other, true)
            } else if (kind === "react") {
              const change = { messageType: 10, targetSeq: 1, content: "👍" } as const
              const [result] = yield* append(draft(user, other, `m${index}`, change))
              assert.strictEqual(result, lastSeq === 0 ? "NoMessage" : `Stored ${lastSeq + 1}`)
              if (lastSeq > 0) model.send(user, other, false)
            } else if (kind === "set up") {
              assert.strictEqual(yield* lists.setUp(idOf(user), receiverOf(single, idOf(other))), id)
              model.conversation(user, other)
              const own = model.enter(user, other)
              if (own.hiddenSeq >= (model.conversations.get(id)?.shown ?? 0)) own.hiddenSeq = -1
            } else if (kind === "read") {
              const marked = yield* Effect.result(conversations.markRead(idOf(user), id, operation.seq))
              const isRight = entry !== undefined && operation.seq <= lastSeq
              assert.strictEqual(marked._tag === "Success", isRight)
              if (isRight) entry.readSeq = Math.max(entry.readSeq, operation.seq)
            } else {
              const { isShown, isPinned, isMuted, seq } = operation
              const change = {
                conversationId: id,
                ...(isShown === undefined ? {} : { isShown }),
                ...(isPinned === undefined ? {} : { isPinned }),
                ...(isMuted === undefined ? {} : { isMuted }),
                ...(seq === undefined ? {} : { readSeq: seq })
              }
              const changed = yield* Effect.result(lists.change(idOf(user), [change]))
              if (entry === undefined || (seq ?? 0) > lastSeq) {
                assert.strictEqual(changed._tag, "Failure")
                continue
              }
              const moved = (seq ?? 0) > entry.readSeq ? [{ conversationId: id, seq: seq ?? 0, isBlocked: false }] : []
              assert.deepStrictEqual(changed._tag === "Success" && changed.success, moved)
              entry.readSeq = Math.max(entry.readSeq, seq ?? 0)
              entry.isPinned = isPinned ?? entry.isPinned
              entry.isMuted = isMuted ?? entry.isMuted
              if (isShown !== undefined) entry.hiddenSeq = isShown ? -1 : lastSeq
            }
          }
          for (const user of userIds) assert.deepStrictEqual((yield* listOf(user)).found, model.list(user))
        }).pipe(Effect.provide(layer)),
      { arbitrary: { runs: runsOf(40) } }
    )

    it.effect("begin with who may write to each other, and with groups of one's own", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const lists = yield* ConversationLists
        const contacts = yield* Contacts
        assert.strictEqual(yield* errorOf(lists.setUp(idOf("1"), receiverOf(single, idOf("9")))), "NoReceiver")
        yield* contacts.block(idOf("2"), idOf("1"))
        assert.strictEqual(yield* errorOf(lists.setUp(idOf("1"), receiverOf(single, idOf("2")))), "Blocked")
        assert.strictEqual(yield* errorOf(lists.setUp(idOf("2"), receiverOf(single, idOf("1")))), "Blocked")
        assert.strictEqual(yield* errorOf(lists.setUp(idOf("1"), receiverOf(group, groupId))), "NoConversation")
        assert.deepStrictEqual((yield* listOf("1")).found, [])
        yield* append(eventDraft("1", created([])))
        assert.strictEqual(yield* lists.setUp(idOf("1"), receiverOf(group, groupId)), groupId as string)
        assert.strictEqual(yield* errorOf(lists.setUp(idOf("10"), receiverOf(group, groupId))), "NoConversation")
        assert.deepStrictEqual((yield* listOf("1")).found, [[groupId, "0 of 1, last 1"]])
      }).pipe(Effect.provide(layer))
    )

    it.effect("begin with friends only, where messages need friendship", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const lists = yield* ConversationLists
        assert.strictEqual(yield* errorOf(lists.setUp(idOf("1"), receiverOf(single, idOf("2")))), "NotFriends")
        yield* befriend(idOf("1"), idOf("2"))
        yield* lists.setUp(idOf("1"), receiverOf(single, idOf("2")))
        yield* lists.setUp(idOf("1"), receiverOf(single, idOf("1")))
        assert.strictEqual((yield* listOf("1")).found.length, 2)
      }).pipe(Effect.provide(strict))
    )

    it.effect("have a conversation once, whoever begins it at the same time, and however", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const lists = yield* ConversationLists
        for (const [one, other] of [
          ["1", "2"],
          ["1", "10"],
          ["2", "10"]
        ] as const) {
          const both = [
            lists.setUp(idOf(one), receiverOf(single, idOf(other))),
            lists.setUp(idOf(other), receiverOf(single, idOf(one)))
          ]
          const sending = Effect.map(append(draft(one, other, `to ${other}`)), () => conversationOf(one, other))
          const ids = yield* Effect.all([...both, ...both, sending, ...both], { concurrency: "unbounded" })
          assert.deepStrictEqual(new Set(ids), new Set([conversationOf(one, other)]))
        }
        for (const user of userIds) {
          const { found } = yield* listOf(user)
          assert.strictEqual(found.length, 2)
          assert.isTrue(found.every(([, text]) => String(text).endsWith("of 1, last 1")))
        }
      }).pipe(Effect.provide(layer))
    )

    it.effect("are changed as a whole, or not at all", () =>
      Effect.gen(function* () {
        yield* insertUsers
        yield* append(draft("2", "1", "a"), draft("10", "1", "b"), draft("2", "10", "c"))
        const lists = yield* ConversationLists
        const before = yield* listOf("1")
        const good = { conversationId: conversationOf("1", "2"), isPinned: true, isShown: false, readSeq: 1 }
        const bad = [
          { conversationId: conversationOf("2", "10"), isPinned: true },
          { conversationId: conversationOf("1", "1"), isPinned: true },
          { conversationId: "404" as ConversationId },
          { conversationId: conversationOf("1", "10"), readSeq: 2 }
        ]
        for (const [index, change] of bad.entries()) {
          const expected = index === 3 ? "BadParameters" : "NoConversation"
          assert.strictEqual(yield* errorOf(lists.change(idOf("1"), [good, change])), expected)
          assert.strictEqual(yield* errorOf(lists.change(idOf("1"), [change, good])), expected)
        }
        assert.deepStrictEqual(yield* listOf("1"), before)
        assert.deepStrictEqual(yield* lists.change(idOf("1"), []), [])
        const moved = yield* lists.change(idOf("1"), [
          good,
          { conversationId: conversationOf("1", "10"), isMuted: true }
        ])
        assert.deepStrictEqual(moved, [{ conversationId: conversationOf("1", "2"), seq: 1, isBlocked: false }])
        // No other user's list changes by it.
        assert.deepStrictEqual(
          (yield* listOf("2")).found.flat().filter((text) => /hidden|pinned|muted/.test(text)),
          []
        )
      }).pipe(Effect.provide(layer))
    )

    it.effect("come in pages of a thousand, the last change first, and none twice", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const ids = Array.from({ length: 2 * listMax + 1 }, (_, index) => String(10_000 + index))
        // Many were changed by the same batch.
        const version = (index: number) => 1 + Math.floor(index / 700)
        const conversations = ids.map((id, index) => ({
          id,
          chat_type: 0,
          last_seq: 1,
          last_time: 0,
          shown_seq: 0,
          version: version(index)
        }))
        const members = ids.map((id) => ({
          conversation_id: id,
          user_id: "1",
          joined_seq: 0,
          read_seq: 0,
          sent_seq: 0,
          version: 1
        }))
        yield* insertRows("conversations", conversations)
        yield* insertRows("conversation_members", members)
        const { found, pages } = yield* listOf("1")
        assert.deepStrictEqual(pages, [listMax, listMax, 1])
        assert.deepStrictEqual(
          found.map(([id]) => id),
          ids.toReversed()
        )
      }).pipe(Effect.provide(layer))
    )

    it.effect("come in shorter pages where their last messages are long, as each reader sees them", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const ids = Array.from({ length: 40 }, (_, index) => String(10_000 + index) as ConversationId)
        for (const conversationId of ids) {
          yield* append(
            eventDraft("1", created([]), { conversationId }),
            wordsDraft("1", "x".repeat(16 * 1024), { conversationId }),
            eventDraft("1", joined("2"), { conversationId }),
            wordsDraft("1", "👍", { conversationId, messageType: 10, targetSeq: 2 })
          )
        }
        assert.deepStrictEqual((yield* listOf("1")).pages, [40])
        for (const conversationId of ids) yield* append(wordsDraft("1", "y".repeat(16 * 1024), { conversationId }))
        const { found, pages } = yield* listOf("2")
        assert.deepStrictEqual(pages, [32, 8])
        assert.strictEqual(new Set(found.map(([id]) => id)).size, 40)
        // Messages from before the joining are not shown to new members.
        const store = yield* MessageStore
        yield* store.appendBatch([eventDraft("1", created([])), wordsDraft("1", "z")])
        yield* append(eventDraft("1", joined("10")))
        yield* append(wordsDraft("10", "👍", { messageType: 10, targetSeq: 3 }))
        assert.deepStrictEqual((yield* listOf("10")).found, [[groupId, "2 of 3, last 3"]])
      }).pipe(Effect.provide(layer))
    )
  })
