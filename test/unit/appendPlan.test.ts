/** The effect of a draft on later drafts of its batch (`src/domain/messages/AppendPlan.ts`). */
import { assert, describe, it } from "@effect/vitest"
import type { GroupEvent } from "../../src/domain/groups/Group.ts"
import { noFacts } from "../../src/domain/messages/AppendFacts.ts"
import { appendPlan } from "../../src/domain/messages/AppendPlan.ts"
import { reactionsMax } from "../../src/domain/messages/ChangeRules.ts"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import { type Message, MessageType } from "../../src/domain/messages/Message.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import { draft } from "../support/Drafts.ts"
import { digestOf, MemoryStore } from "../support/MemoryStore.ts"
import { briefOf } from "../support/Refusals.ts"
import { approved, created, eventDraft, given, idOf, joined, left, wordsDraft } from "../support/StoredGroups.ts"

const groupId = "100" as ConversationId
const policy = {
  windows: { recallMillis: 0, editMillis: 0 },
  requireFriendship: false,
  groupHistory: "joined"
} as const
const { recall, edit, reaction } = MessageType

const change = (sender: string, messageType: 8 | 9 | 10, targetSeq: number, content = "") =>
  wordsDraft(sender, content, { messageType, targetSeq })

/** A store with the group of 1 and 2, in which 2 has said something. */
const start = () => {
  const store = new MemoryStore(["1", "2", "10"])
  const append = (...drafts: ReadonlyArray<Draft>) => store.append(drafts, policy)
  const words = wordsDraft("2", "first")
  append(eventDraft("1", created(["2"])), words)
  return { store, append, words, briefly: (...drafts: ReadonlyArray<Draft>) => append(...drafts).map(briefOf) }
}

const contentOf = (result: ReturnType<ReturnType<typeof start>["append"]>[number] | undefined) =>
  result === undefined || result._tag === "Rejected" ? result?._tag : `${result._tag}: ${result.message.content}`

describe("a draft of a batch", () => {
  it("that recalls a message takes its words, and those of its edits, from what comes again", () => {
    const { append, words } = start()
    const editing = change("2", edit, 2, "second")
    append(editing)
    const again = change("2", edit, 2, "third")
    const results = append(again, change("1", recall, 2), words, editing, again)
    assert.deepStrictEqual(results.slice(2).map(contentOf), ["Duplicate: ", "Duplicate: ", "Duplicate: "])
  })

  it("that edits a message once more leaves its first words its own", () => {
    const { append, words } = start()
    append(change("2", edit, 2, "second"))
    const results = append(change("2", edit, 2, "third"), words, { ...words, content: "second" })
    assert.deepStrictEqual(results.slice(1).map(contentOf), ["Duplicate: third", "Rejected"])
  })

  it("that lets somebody in closes their request", () => {
    const { store, briefly } = start()
    store.ask(groupId, idOf("10"))
    assert.deepStrictEqual(
      briefly(
        eventDraft("1", joined("10")),
        eventDraft("10", left),
        eventDraft("1", approved("10")),
        eventDraft("1", joined("10"))
      ),
      ["Stored 3", "Stored 4", "NoRequest", "Stored 5"]
    )
  })

  it("that takes a reaction back, or gives another one, makes room for others", () => {
    const { store, briefly } = start()
    const crowd = Array.from(
      { length: reactionsMax - 1 },
      (_, index) => [idOf(String(100 + index)), `r${index}`] as const
    )
    briefly(change("2", reaction, 2, "mine"))
    store.reactions.set(`${groupId}/2`, new Map([...crowd, [idOf("2"), "mine"]]))
    assert.deepStrictEqual(
      briefly(
        change("1", reaction, 2, "new"),
        change("2", reaction, 2, "r0"),
        change("1", reaction, 2, "new"),
        change("2", reaction, 2, "other"),
        change("1", reaction, 2, ""),
        change("2", reaction, 2, "other")
      ),
      ["Conflict", "Stored 4", "Stored 5", "Conflict", "Stored 6", "Stored 7"]
    )
  })

  it("that gives a member another role does not change from where they see messages", () => {
    const { store, briefly } = start()
    briefly(eventDraft("1", joined("10")), wordsDraft("1", "words"))
    briefly(eventDraft("1", given("10", 2)), eventDraft("1", given("10", 1)), eventDraft("10", given("2", 2)))
    assert.deepStrictEqual(
      ["1", "2", "10"].map((userId) => store.members.get(`${groupId}/${userId}`)),
      [
        { role: 2, joinedSeq: 0 },
        { role: 2, joinedSeq: 0 },
        { role: 1, joinedSeq: 2 }
      ]
    )
  })

  it("that speaks of what the store does not know is refused, and nothing is stored by it", () => {
    const drafts = [
      draft("1", "2", "a"),
      wordsDraft("1", "words"),
      change("1", recall, 1),
      eventDraft("1", joined("1")),
      draft("1", "2", "b", { messageType: recall, targetSeq: 1, content: "" })
    ]
    const plan = appendPlan(drafts, noFacts, { policy, digestOf })
    assert.deepStrictEqual(plan.results.map(briefOf), [
      "NoReceiver",
      "NoConversation",
      "NoConversation",
      "NoConversation",
      "NoReceiver"
    ])
    assert.deepStrictEqual([plan.stored, plan.memberChanges, plan.groupChanges, plan.messageChanges], [[], [], [], []])
    const known = appendPlan(
      [draft("1", "2", "a", { messageType: recall, targetSeq: 1, content: "" })],
      { ...noFacts, users: new Set([idOf("1"), idOf("2")]) },
      { policy, digestOf }
    )
    assert.deepStrictEqual(known.results.map(briefOf), ["NoMessage"])
  })

  it("that creates a group again has the first group as its result; any other event is one of its own group", () => {
    const { append } = start()
    const elsewhere = "200" as ConversationId
    const again = (event: GroupEvent, clientId: string) => [
      eventDraft("1", event, { clientId }),
      eventDraft("1", event, { clientId, conversationId: elsewhere })
    ]
    const store = new MemoryStore(["1", "2"])
    const founded = store.append(again(created(["2"]), "founding"), policy)
    assert.deepStrictEqual(founded.map(briefOf), ["Stored 1", "Duplicate 1"])
    assert.strictEqual(founded[1]?._tag === "Duplicate" && founded[1].message.conversationId, groupId)
    assert.deepStrictEqual(append(...again(given("2", 2), "giving")).map(briefOf), ["Stored 3", "Conflict"])
    // The first message of a conversation that no event has begun.
    const [first, other] = [draft("1", "2", "first"), draft("1", "3", "first", { content: "first of 1" })]
    const users = new MemoryStore(["1", "2", "3"])
    assert.deepStrictEqual(users.append([first, other], policy).map(briefOf), ["Stored 1", "Conflict"])
  })

  it("that comes again as a message of another type is another message", () => {
    const { briefly } = start()
    const content = JSON.stringify({ url: "https://example.com/a.png" })
    const words = wordsDraft("2", content)
    assert.deepStrictEqual(briefly(words, { ...words, messageType: MessageType.image } as Draft), [
      "Stored 3",
      "Conflict"
    ])
  })

  it("that recalls a message leaves the edits of other messages", () => {
    const { append } = start()
    const other = wordsDraft("2", "other")
    const [edited, otherEdited] = [change("2", edit, 2, "first, edited"), change("2", edit, 3, "other, edited")]
    const results = append(other, edited, otherEdited, change("2", recall, 2), edited, otherEdited, other)
    assert.deepStrictEqual(results.slice(4).map(contentOf), [
      "Duplicate: ",
      "Duplicate: other, edited",
      "Duplicate: other, edited"
    ])
  })

  it("that gives the first of many different reactions takes one place, and not two", () => {
    const users = Array.from({ length: reactionsMax + 1 }, (_, index) => String(index + 1))
    const store = new MemoryStore(users)
    store.append([eventDraft("1", created(users.slice(1))), wordsDraft("1", "words")], policy)
    const reactions = users.map((userId) => change(userId, reaction, 2, `r${userId}`))
    assert.deepStrictEqual(store.append(reactions, policy).map(briefOf), [
      ...Array.from({ length: reactionsMax }, (_, index) => `Stored ${index + 3}`),
      "Conflict"
    ])
  })

  it("changes what it is about, and nothing else", () => {
    const { store } = start()
    const plan = (...drafts: ReadonlyArray<Draft>) => appendPlan(drafts, store.facts(), { policy, digestOf })
    const joining = plan(eventDraft("1", joined("10")))
    assert.deepStrictEqual(
      joining.memberChanges.map(({ userId, role, joinedSeq, readSeq }) => [userId, role, joinedSeq, readSeq]),
      [["10", 3, 2, 2]]
    )
    assert.deepStrictEqual([...joining.memberCounts], [[groupId, 3]])
    assert.deepStrictEqual(joining.groupChanges, [])
    const renaming = plan(eventDraft("1", { event: "changed", name: "we" }))
    assert.deepStrictEqual([renaming.memberChanges, [...renaming.memberCounts]], [[], []])
    assert.deepStrictEqual(
      renaming.groupChanges.map(({ event }) => event),
      [{ event: "changed", name: "we" }]
    )
  })

  it("is decided without facts that it does not need: users of an existing conversation, ids of other drafts", () => {
    const conversationId = draft("1", "2", "any").conversationId
    const words = numbered(draft("2", "1", "words"), 1)
    const facts = {
      ...noFacts,
      ends: new Map([[conversationId, { ...words, readable: 1 }]]),
      targets: new Map([[`${conversationId}/1`, words]])
    }
    const drafts = [
      draft("1", "2", "answer"),
      draft("2", "1", "edit", { messageType: edit, targetSeq: 1, content: "edited" }),
      draft("2", "1", "recall", { messageType: recall, targetSeq: 1, content: "" })
    ]
    const plan = appendPlan(drafts, facts, { policy, digestOf })
    assert.deepStrictEqual(plan.results.map(briefOf), ["Stored 2", "Stored 3", "Stored 4"])
  })
})

const numbered = (one: Draft, seq: number): Message => {
  const { messageId, clientId, conversationId, chatType, senderId, receiveId, sendTime, messageType, content } = one
  return { messageId, clientId, conversationId, seq, chatType, senderId, receiveId, sendTime, messageType, content }
}
