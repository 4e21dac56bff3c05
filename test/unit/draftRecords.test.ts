/** Records of the topic: which of them hold a draft, and why others hold none (`src/layers/transfer/DraftRecords.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type GroupEvent, groupEventOf, groupMembersMax, namedMax } from "../../src/domain/groups/Group.ts"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import { MessageType } from "../../src/domain/messages/Message.ts"
import { contentBytesMax, reactionMax } from "../../src/domain/messages/MessageContent.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { GroupId, MessageId, UserId } from "../../src/domain/shared/Ids.ts"
import { draftOf, recordOf } from "../../src/layers/transfer/DraftRecords.ts"
import { conversationOf, type DraftChanges, draft, groupDraft } from "../support/Drafts.ts"

const group = "100" as ConversationId
const ids = (count: number) =>
  Array.from({ length: count }, (_, index) => `1${String(index).padStart(18, "0")}` as UserId)

/** A draft of an event that JSON can say, whether it may be said or not. */
const event = (event: unknown, changes: DraftChanges = {}): Draft =>
  groupDraft("1", group, "event", { messageType: MessageType.system, content: JSON.stringify(event), ...changes })

const change = (kind: "recall" | "edit" | "reaction", content: string, changes: DraftChanges = {}): Draft =>
  groupDraft("1", group, kind, { messageType: MessageType[kind], content, targetSeq: 2, ...changes })

const without = (draft: Draft, field: string): Draft =>
  Object.fromEntries(Object.entries(draft).filter(([name]) => name !== field)) as unknown as Draft

const created = { event: "created", name: "us", icon: "", isVerify: false, userIds: [] }

const good: Record<string, Draft> = {
  "a private message": draft("2", "1", "a"),
  "a message of a user to themselves": draft("1", "1", "a"),
  "a message to a group": groupDraft("1", group, "a"),
  "a recall": change("recall", ""),
  "an edit": change("edit", "other words"),
  "a reaction": change("reaction", "👩‍👩‍👧‍👦"),
  "a reaction taken back": change("reaction", ""),
  "a private recall": draft("1", "2", "a", { messageType: MessageType.recall, content: "", targetSeq: 1 }),
  "a founding": event(created),
  "a founding with as many as may be named": event({ ...created, userIds: ids(namedMax) }),
  "a name of 64 characters of two units each": event({ ...created, name: "👥".repeat(64) }),
  "a joining": event({ event: "joined", userIds: ["2"] }),
  "an approval": event({ event: "joined", userIds: ["2"], asked: true }),
  "a leaving": event({ event: "left" }),
  "a removal": event({ event: "removed", userIds: ["2", "3"] }),
  "a role": event({ event: "role", userId: "2", role: 1 }),
  "a change of the group": event({ event: "changed", icon: "x" })
}

const system = { messageType: MessageType.system, content: JSON.stringify({ event: "left" }) }

const poison: Record<string, readonly [draft: Draft, reason: RegExp]> = {
  "an event of a private conversation": [draft("1", "2", "a", system), /only groups have events/],
  "a target of what is no change": [groupDraft("1", group, "a", { targetSeq: 1 }), /targetSeq/],
  "a target of an event": [event({ event: "left" }, { targetSeq: 1 }), /targetSeq/],
  "a recall of nothing": [without(change("recall", ""), "targetSeq"), /targetSeq/],
  "an edit of nothing": [without(change("edit", "x"), "targetSeq"), /targetSeq/],
  "a reaction to nothing": [without(change("reaction", "x"), "targetSeq"), /targetSeq/],
  "a target that is no number": [change("recall", "", { targetSeq: "1" as unknown as number }), /targetSeq/],
  "half a target": [change("recall", "", { targetSeq: 1.5 }), /targetSeq/],
  "another group's conversation": [groupDraft("1", group, "a", { receiveId: "200" as GroupId }), /conversation/],
  "a private conversation under a group": [
    groupDraft("1", group, "a", { conversationId: conversationOf("1", "2") }),
    /conversation/
  ],
  "a group under a private chat": [draft("1", "2", "a", { conversationId: group }), /conversation/],
  "others' conversation": [draft("1", "2", "a", { conversationId: conversationOf("2", "3") }), /conversation/],
  "the two in the wrong order": [draft("2", "1", "a", { conversationId: "2_1" as ConversationId }), /conversation/],
  "an unknown chat type": [groupDraft("1", group, "a", { chatType: 2 as 0 }), /chatType/],
  "an unknown type": [groupDraft("1", group, "a", { messageType: 11 as 10 }), /messageType/],
  "no id": [groupDraft("1", group, ""), /clientId/],
  "a message id that is none": [groupDraft("1", group, "a", { messageId: "x" as MessageId }), /messageId/],
  "a reaction that is too long": [change("reaction", "x".repeat(reactionMax + 1)), /at most 32/],
  "a reaction with half a character": [change("reaction", "\ud83d"), /content/],
  "an edit that is too large": [change("edit", "x".repeat(contentBytesMax + 1)), /16 KiB/],
  "an event that is none": [event({ event: "dissolved" }), /content/],
  "an event that is no JSON": [groupDraft("1", group, "a", { ...system, content: "left" }), /content/],
  "a founding without a name": [event({ ...created, name: undefined }), /content/],
  "an empty name": [event({ ...created, name: "" }), /content/],
  "a name of 65 characters": [event({ ...created, name: "x".repeat(65) }), /content/],
  "a name with half a character": [event({ ...created, name: "a\ud83d" }), /content/],
  "an icon with half a character": [event({ event: "changed", icon: "a\ud83d" }), /content/],
  "an icon that is too long": [event({ event: "changed", icon: "x".repeat(1_025) }), /content/],
  "nobody who joins": [event({ event: "joined", userIds: [] }), /content/],
  "nobody who is removed": [event({ event: "removed", userIds: [] }), /content/],
  "too many who join": [event({ event: "joined", userIds: ids(namedMax + 1) }), /content/],
  "more than a group has room for": [event({ event: "removed", userIds: ids(groupMembersMax) }), /content|16 KiB/],
  "a user that cannot be": [event({ event: "joined", userIds: ["0"] }), /content/],
  "a user that is a number": [event({ event: "joined", userIds: [2] }), /content/],
  "the role of nobody": [event({ event: "role", userId: "2", role: 0 }), /content/],
  "a role that there is not": [event({ event: "role", userId: "2", role: 4 }), /content/]
}

describe("a record of the topic", () => {
  for (const [what, one] of Object.entries(good)) {
    it(`carries ${what}, to the letter`, () => {
      const record = recordOf(one)
      assert.strictEqual(record.key, one.conversationId)
      const { origin, ...rest } = one
      assert.deepStrictEqual(draftOf(record), Result.succeed({ ...rest, origin, mayComeAgain: true } as Draft))
      // The drafts that the store decides on can be read.
      if (one.messageType === MessageType.system) groupEventOf(one.content) satisfies GroupEvent
    })
  }

  for (const [what, [one, reason]] of Object.entries(poison)) {
    it(`holds no draft with ${what}`, () => {
      const read = draftOf(recordOf(one))
      if (Result.isSuccess(read)) return assert.fail(`read as ${JSON.stringify(read.success)}`)
      assert.match(read.failure, reason)
    })
  }
})
