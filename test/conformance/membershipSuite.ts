/** A group as its members see it, by sync, history and read records, in every store (protocol.md section 1.7). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Result } from "effect"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { ConversationLists } from "../../src/domain/conversations/ConversationLists.ts"
import { Conversations } from "../../src/domain/conversations/Conversations.ts"
import { beginning, type SyncedConversation, type SyncPosition } from "../../src/domain/conversations/Sync.ts"
import { syncPage } from "../../src/domain/conversations/SyncPage.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import { ChatType, type ConversationId, receiverOf } from "../../src/domain/shared/ConversationIds.ts"
import { conversationOf, draft } from "../support/Drafts.ts"
import { nameOf } from "../support/Refusals.ts"
import {
  append,
  created,
  errorOf,
  eventDraft,
  given,
  groupId,
  historyOf,
  idOf,
  joined,
  left,
  removed,
  type StoreServices,
  wordsDraft
} from "../support/StoredGroups.ts"
import { insertUsers } from "../support/StoredUsers.ts"

const briefly = ({
  conversationId: conversationID,
  seq,
  readSeq,
  unread,
  messages,
  hasMore,
  ...marks
}: SyncedConversation) => [
  conversationID as string,
  `${seq} read ${readSeq} unread ${unread}`,
  messages.map((message) => message.seq),
  marks
]

/** A device of a user, which keeps its cursor and asks page by page. */
const device = (userId: string, position: SyncPosition = beginning, limit = 200) => {
  let now = position
  return Effect.gen(function* () {
    const conversations = yield* Conversations
    const found: Array<SyncedConversation> = []
    do {
      const page = yield* syncPage(conversations, idOf(userId), { position: now, limit, newest: undefined, known: {} })
      found.push(...page.conversations)
      now = page.next
    } while (now.walk !== undefined)
    return found.map(briefly)
  })
}

/** The group of 1 and 2 with one message of each. */
const start = Effect.gen(function* () {
  yield* insertUsers
  yield* append(eventDraft("1", created(["2"])), wordsDraft("1", "a"), wordsDraft("2", "b"))
  return yield* Conversations
})

/** `whole` is the same where new members see everything. */
export const membershipSuite = <E, F>(
  name: string,
  layer: Layer.Layer<StoreServices, E>,
  whole: Layer.Layer<StoreServices, F>
) =>
  describe(`what members see on ${name}`, () => {
    it.effect("is what comes from their joining on, which is told; who comes back has that of the time since", () =>
      Effect.gen(function* () {
        yield* start
        const old = device("2")
        assert.deepStrictEqual(yield* old, [[groupId, "3 read 3 unread 0", [1, 2, 3], {}]])
        const own = device("10")
        assert.deepStrictEqual(yield* own, [])
        yield* append(eventDraft("1", joined("10")), wordsDraft("1", "c"))
        assert.deepStrictEqual(yield* own, [[groupId, "5 read 3 unread 1", [4, 5], { joinedSeq: 3 }]])
        yield* append(eventDraft("1", removed("2")), wordsDraft("1", "d"))
        assert.deepStrictEqual(yield* old, [[groupId, "0 read 0 unread 0", [], { left: true }]])
        assert.deepStrictEqual(yield* old, [])
        // A device that has nothing hears nothing of it.
        assert.deepStrictEqual(yield* device("2"), [])
        yield* append(wordsDraft("1", "e"), eventDraft("1", joined("2")), wordsDraft("10", "f"))
        assert.deepStrictEqual(yield* old, [[groupId, "10 read 8 unread 1", [9, 10], { joinedSeq: 8 }]])
        assert.deepStrictEqual(yield* device("2"), [[groupId, "10 read 8 unread 1", [9, 10], { joinedSeq: 8 }]])
        assert.deepStrictEqual(
          (yield* historyOf(groupId, "2")).map(({ seq }) => seq),
          [9, 10]
        )
      }).pipe(Effect.provide(layer))
    )

    it.effect("does not show who left and came back between two questions as gone", () =>
      Effect.gen(function* () {
        yield* start
        const own = device("2")
        yield* own
        yield* append(eventDraft("2", left), wordsDraft("1", "c"), eventDraft("1", joined("2")))
        assert.deepStrictEqual(yield* own, [[groupId, "6 read 5 unread 0", [6], { joinedSeq: 5 }]])
        yield* append(eventDraft("2", left))
        yield* append(eventDraft("1", joined("2")), eventDraft("2", left))
        assert.deepStrictEqual(yield* own, [[groupId, "0 read 0 unread 0", [], { left: true }]])
      }).pipe(Effect.provide(layer))
    )

    it.effect("has nothing unread of the time before them, whatever else becomes of them at the same time", () =>
      Effect.gen(function* () {
        yield* start
        yield* append(eventDraft("1", joined("10")), eventDraft("1", given("10", 2)), wordsDraft("1", "c"))
        assert.deepStrictEqual(yield* device("10"), [[groupId, "6 read 3 unread 1", [4, 5, 6], { joinedSeq: 3 }]])
        yield* append(eventDraft("10", left), wordsDraft("1", "d"))
        yield* append(eventDraft("1", joined("10")), eventDraft("1", given("10", 2)), wordsDraft("1", "e"))
        assert.deepStrictEqual(yield* device("10"), [[groupId, "11 read 8 unread 1", [9, 10, 11], { joinedSeq: 8 }]])
      }).pipe(Effect.provide(layer))
    )

    it.effect("is everything where the operator wants it so, and a new device gets all of it", () =>
      Effect.gen(function* () {
        yield* start
        yield* append(eventDraft("1", joined("10")), wordsDraft("1", "c"))
        assert.deepStrictEqual(yield* device("10", beginning, 2), [
          [groupId, "5 read 3 unread 1", [1, 2], {}],
          [groupId, "5 read 3 unread 1", [3, 4], {}],
          [groupId, "5 read 3 unread 1", [5], {}]
        ])
        assert.strictEqual((yield* historyOf(groupId, "10")).length, 5)
        // Also for changes.
        assert.deepStrictEqual(yield* append(wordsDraft("10", "👍", { messageType: 10, targetSeq: 2 })), ["Stored 6"])
      }).pipe(Effect.provide(whole))
    )

    it.effect("ends with their membership: no reading, no writing, no marks", () =>
      Effect.gen(function* () {
        const conversations = yield* start
        const lists = yield* ConversationLists
        const store = yield* MessageStore
        const id = groupId as string as ConversationId
        const messageId = (yield* historyOf())[1]?.messageId ?? ""
        yield* append(eventDraft("2", left))
        for (const userId of ["2", "10"]) {
          const attempts = [
            store.history(idOf(userId), { conversationId: id, limit: 10 }),
            store.chatLog(idOf(userId), { conversationId: id, limit: 10 }),
            conversations.markRead(idOf(userId), id, 1),
            conversations.isVisibleToOthers(idOf(userId), id),
            lists.change(idOf(userId), [{ conversationId: id, isPinned: true }]),
            lists.setUp(idOf(userId), receiverOf(0, groupId))
          ]
          for (const attempt of attempts) assert.strictEqual(yield* errorOf<unknown, never>(attempt), "NoConversation")
          assert.strictEqual(yield* errorOf(conversations.readRecords(idOf(userId), messageId)), "NoMessage")
          assert.deepStrictEqual((yield* lists.list(idOf(userId), undefined)).conversations, [])
        }
        assert.isTrue(yield* conversations.isVisibleToOthers(idOf("1"), id))
      }).pipe(Effect.provide(layer))
    )

    it.effect("tells who has read a message, of those who see it, and nobody else", () =>
      Effect.gen(function* () {
        const conversations = yield* start
        const id = groupId as string as ConversationId
        yield* append(eventDraft("1", joined("10")), wordsDraft("1", "c"))
        const idsBySeq = new Map((yield* historyOf()).map(({ seq, messageId }) => [seq, messageId]))
        const records = (reader: string, seq: number) =>
          conversations.readRecords(idOf(reader), idsBySeq.get(seq) ?? "")
        // Written before 10 was there; 2 has written since.
        assert.deepStrictEqual(yield* records("1", 2), { reads: [idOf("2")], unReads: [] })
        for (const seq of [2, 3]) assert.strictEqual(yield* errorOf(records("10", seq)), "NoMessage")
        assert.deepStrictEqual(yield* records("10", 5), { reads: [], unReads: [idOf("10"), idOf("2")] })
        yield* conversations.markRead(idOf("10"), id, 5)
        assert.deepStrictEqual(yield* records("1", 5), { reads: [idOf("10")], unReads: [idOf("2")] })
        yield* append(eventDraft("1", removed("10")))
        assert.deepStrictEqual(yield* records("2", 5), { reads: [], unReads: [idOf("2")] })
        assert.strictEqual(yield* errorOf(records("10", 5)), "NoMessage")
        assert.strictEqual(yield* errorOf(conversations.readRecords(idOf("1"), "404")), "NoMessage")
        // The same for a private conversation.
        yield* append(draft("1", "2", "private"))
        const [message] = yield* historyOf(conversationOf("1", "2"))
        assert.deepStrictEqual(yield* conversations.readRecords(idOf("1"), message?.messageId ?? ""), {
          reads: [],
          unReads: [idOf("2")]
        })
        assert.strictEqual(yield* errorOf(conversations.readRecords(idOf("10"), message?.messageId ?? "")), "NoMessage")
      }).pipe(Effect.provide(layer))
    )

    it.effect("hides who has read where one of two blocks the other, and says so to who marks", () =>
      Effect.gen(function* () {
        const conversations = yield* start
        const contacts = yield* Contacts
        const id = conversationOf("1", "2")
        const isVisible = (userId: string) => conversations.isVisibleToOthers(idOf(userId), id)
        assert.strictEqual(yield* errorOf(isVisible("1")), "NoConversation")
        yield* (yield* ConversationLists).setUp(idOf("1"), receiverOf(ChatType.single, idOf("2")))
        assert.isFalse(yield* isVisible("1"))
        yield* append(draft("1", "2", "first"), draft("1", "2", "second"), draft("1", "2", "third"))
        assert.deepStrictEqual([yield* isVisible("1"), yield* isVisible("2")], [true, true])
        assert.strictEqual(yield* errorOf(isVisible("10")), "NoConversation")
        const [first] = yield* historyOf(id)
        const records = conversations.readRecords(idOf("1"), first?.messageId ?? "")
        const mark = (seq: number) => conversations.markRead(idOf("2"), id, seq)
        const [read, unread] = [
          { reads: [idOf("2")], unReads: [] },
          { reads: [], unReads: [idOf("2")] }
        ]
        assert.deepStrictEqual(yield* mark(1), { seq: 1, moved: true, isBlocked: false })
        assert.deepStrictEqual(yield* mark(1), { seq: 1, moved: false, isBlocked: false })
        assert.deepStrictEqual(yield* records, read)
        const blocks = [
          ["1", "2"],
          ["2", "1"]
        ] as const
        for (const [index, [blocker, blocked]] of blocks.entries()) {
          yield* contacts.block(idOf(blocker), idOf(blocked))
          assert.deepStrictEqual(yield* records, unread)
          assert.strictEqual(yield* errorOf(isVisible("1")), "Blocked")
          assert.deepStrictEqual(yield* mark(index + 2), { seq: index + 2, moved: true, isBlocked: true })
          yield* contacts.unblock(idOf(blocker), idOf(blocked))
          assert.deepStrictEqual(yield* records, read)
        }
        assert.deepStrictEqual(yield* mark(2), { seq: 3, moved: false, isBlocked: false })
        assert.strictEqual(yield* errorOf(mark(4)), "BadParameters")
        assert.strictEqual(yield* errorOf(conversations.markRead(idOf("10"), id, 1)), "NoConversation")
        // In a group nobody is hidden from who is blocked.
        yield* contacts.block(idOf("1"), idOf("2"))
        const group = groupId as string as ConversationId
        assert.isFalse((yield* conversations.markRead(idOf("1"), group, 3)).isBlocked)
        const [, words] = yield* historyOf()
        assert.deepStrictEqual(yield* conversations.readRecords(idOf("1"), words?.messageId ?? ""), read)
      }).pipe(Effect.provide(layer))
    )

    it.live("is read as far as any of their devices has, whichever comes first", () =>
      Effect.gen(function* () {
        const conversations = yield* start
        const id = groupId as string as ConversationId
        yield* append(...Array.from({ length: 20 }, (_, index) => wordsDraft("1", `m${index}`)))
        const seqs = [9, 4, 17, 12, 23, 1, 20, 11]
        const marks = yield* Effect.all(
          seqs.map((seq) => conversations.markRead(idOf("2"), id, seq)),
          { concurrency: "unbounded" }
        )
        for (const [index, mark] of marks.entries()) assert.isAtLeast(mark.seq, seqs[index]!)
        const moved = marks.flatMap(({ seq, moved }) => (moved ? seq : []))
        assert.include(moved, 23)
        assert.deepStrictEqual(yield* conversations.markRead(idOf("2"), id, 5), {
          seq: 23,
          moved: false,
          isBlocked: false
        })
        assert.strictEqual(yield* errorOf(conversations.markRead(idOf("2"), id, 24)), "BadParameters")
        const lists = yield* ConversationLists
        for (let lastSeq = 33; lastSeq < 100; lastSeq += 10) {
          yield* append(...Array.from({ length: 10 }, (_, index) => wordsDraft("1", `m${lastSeq} ${index}`)))
          const changes = [3, 9, 0, 5, 8, 1].map((less) =>
            lists.change(idOf("2"), [{ conversationId: id, readSeq: lastSeq - less }])
          )
          yield* Effect.all([...changes, conversations.markRead(idOf("2"), id, lastSeq - 6)], {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual((yield* device("2"))[0]?.[1], `${lastSeq} read ${lastSeq} unread 0`)
        }
      }).pipe(Effect.provide(layer))
    )

    it.live("is read as a member or not at all, when they leave at the same time", () =>
      Effect.gen(function* () {
        const conversations = yield* start
        const id = groupId as string as ConversationId
        for (let lastSeq = 5; lastSeq < 100; lastSeq += 4) {
          assert.deepStrictEqual(yield* append(wordsDraft("1", "c"), wordsDraft("1", "d")), [
            `Stored ${lastSeq - 1}`,
            `Stored ${lastSeq}`
          ])
          const [, mark] = yield* Effect.all(
            [append(eventDraft("2", left)), Effect.result(conversations.markRead(idOf("2"), id, lastSeq))],
            { concurrency: "unbounded" }
          )
          if (Result.isSuccess(mark)) assert.strictEqual(mark.success.seq, lastSeq)
          else assert.strictEqual(nameOf(mark.failure), "NoConversation")
          yield* append(eventDraft("1", joined("2")))
        }
      }).pipe(Effect.provide(layer))
    )

    it.live("ends where they were removed, for who asks at the same time", () =>
      Effect.gen(function* () {
        yield* start
        const [store, groups] = [yield* MessageStore, yield* Groups]
        const query = { conversationId: groupId as string as ConversationId, limit: 5 }
        for (let lastSeq = 3, round = 0; round < 60; lastSeq += 4, round++) {
          const asked = [
            Effect.map(store.history(idOf("2"), query), ({ messages }) => messages.at(-1)?.seq),
            Effect.map(store.chatLog(idOf("2"), query), ([newest]) => newest?.seq),
            Effect.map(groups.members(idOf("2"), groupId), (members) => lastSeq + 2 - members.length)
          ].map((asking) => Effect.delay(Effect.result(asking), `${round % 8} millis`))
          const [, ...answers] = yield* Effect.all(
            [append(eventDraft("1", removed("2")), wordsDraft("1", "c"), wordsDraft("1", "d")), ...asked],
            { concurrency: "unbounded" }
          )
          for (const answer of answers) {
            if (Result.isSuccess(answer)) assert.strictEqual(answer.success, lastSeq)
            else assert.strictEqual(nameOf(answer.failure), "NoConversation")
          }
          yield* append(eventDraft("1", joined("2")))
        }
      }).pipe(Effect.provide(layer))
    )

    it.effect("comes with what they have made of it in their list, until a message shows it again", () =>
      Effect.gen(function* () {
        yield* start
        const lists = yield* ConversationLists
        const id = groupId as string as ConversationId
        const own = device("2")
        yield* own
        yield* lists.change(idOf("2"), [{ conversationId: id, isShown: false, isPinned: true, isMuted: true }])
        const marks = { isPinned: true, isMuted: true } as const
        assert.deepStrictEqual(yield* own, [[groupId, "3 read 3 unread 0", [], { ...marks, isHidden: true }]])
        yield* lists.change(idOf("2"), [{ conversationId: id, isMuted: true }])
        assert.deepStrictEqual(yield* own, [[groupId, "3 read 3 unread 0", [], { ...marks, isHidden: true }]])
        yield* append(wordsDraft("1", "c"))
        assert.deepStrictEqual(yield* own, [[groupId, "4 read 3 unread 1", [4], marks]])
        yield* lists.change(idOf("2"), [{ conversationId: id, isPinned: false, isMuted: false, readSeq: 4 }])
        assert.deepStrictEqual(yield* own, [[groupId, "4 read 4 unread 0", [], {}]])
        assert.deepStrictEqual(yield* device("1"), [[groupId, "4 read 4 unread 0", [1, 2, 3, 4], {}]])
      }).pipe(Effect.provide(layer))
    )
  })
