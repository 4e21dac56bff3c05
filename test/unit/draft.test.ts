/** The checks of a draft before the store sees it (`src/domain/messages/Draft.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  change,
  groupEvent,
  type Made,
  message,
  newGroup,
  type Unsent,
  type Written
} from "../../src/domain/messages/Draft.ts"
import { MessageType } from "../../src/domain/messages/Message.ts"
import { type ConversationId, groupConversation } from "../../src/domain/shared/ConversationIds.ts"
import type { GroupId, UserId } from "../../src/domain/shared/Ids.ts"
import { nameOf } from "../support/Refusals.ts"

const author = (clientId = "id") => ({ senderId: "5" as UserId, clientId })
const groupId = "100" as GroupId
const group = groupConversation(groupId)
const words = { chatType: 1, receiveId: "7" as UserId, messageType: MessageType.text, content: "words" } as const
const recall = { conversationId: group as ConversationId, seq: 3 }

const outcome = (made: Made<Unsent>) => (Result.isFailure(made) ? nameOf(made.failure) : made.success.conversationId)
const recalling = (clientId = "id", target = recall) => change(author(clientId), target, MessageType.recall, "")

describe("a draft", () => {
  it("is of the conversation of its sender and its receiver, be it a user or a group", () => {
    assert.strictEqual(outcome(message(author(), words)), "5_7")
    assert.strictEqual(outcome(message(author(), { ...words, chatType: 0, receiveId: groupId })), group)
    assert.strictEqual(outcome(message(author(), { ...words, conversationId: "5_7" })), "5_7")
    assert.strictEqual(outcome(message(author(), { ...words, conversationId: "" })), "5_7")
    assert.strictEqual(outcome(message(author(), { ...words, conversationId: "7_5" })), "NoConversation")
  })

  it("to change a message goes to its conversation, and to no private one of others", () => {
    assert.strictEqual(outcome(recalling()), group)
    const receiverIn = (conversationId: string) => {
      const made = recalling("id", { ...recall, conversationId: conversationId as ConversationId })
      if (Result.isFailure(made)) return nameOf(made.failure)
      const { chatType, receiveId, targetSeq } = made.success
      return `${chatType} ${receiveId} ${targetSeq}`
    }
    assert.strictEqual(receiverIn("100"), "0 100 3")
    assert.strictEqual(receiverIn("5_7"), "1 7 3")
    assert.strictEqual(receiverIn("4_5"), "1 4 3")
    assert.strictEqual(receiverIn("5_5"), "1 5 3")
    assert.strictEqual(receiverIn("7_8"), "NoConversation")
  })

  it("needs an id that every store can keep", () => {
    assert.strictEqual(outcome(message(author("x".repeat(64)), words)), "5_7")
    for (const id of ["", "\ud800", "a\udfff", "x".repeat(65)]) {
      const drafts = [message(author(id), words), recalling(id), groupEvent(author(id), groupId, { event: "left" })]
      for (const made of drafts) assert.strictEqual(outcome(made), "BadParameters")
    }
  })

  it("needs a content that fits its type and is not too large", () => {
    assert.strictEqual(outcome(message(author(), { ...words, content: "\ud800" })), "BadContent")
    assert.strictEqual(outcome(message(author(), { ...words, messageType: MessageType.image })), "BadContent")
    assert.strictEqual(outcome(message(author(), { ...words, content: "x".repeat(16_385) })), "ContentTooLarge")
    // In bytes of UTF-8: a letter has one, an umlaut two.
    for (const content of ["x".repeat(16_384), "ü".repeat(8_192), `${"ü".repeat(8_191)}xx`]) {
      assert.strictEqual(outcome(message(author(), { ...words, content })), "5_7")
    }
    for (const content of ["ü".repeat(8_193), `x${"ü".repeat(8_192)}`]) {
      assert.strictEqual(outcome(message(author(), { ...words, content })), "ContentTooLarge")
    }
    const problemOf = (changes: Partial<Written>) => {
      const made = message(author(), { ...words, ...changes })
      return Result.isFailure(made) && made.failure._tag === "BadContent" ? made.failure.msg : "none"
    }
    assert.strictEqual(problemOf({ content: "" }), "a text is not empty")
    assert.strictEqual(problemOf({ content: "\ud800" }), "the content is not well-formed Unicode")
    assert.match(problemOf({ messageType: MessageType.image, content: "{}" }), /does not fit its type: .*"url"/s)
    assert.match(problemOf({ messageType: MessageType.image, content: "words" }), /does not fit its type: /)
    assert.strictEqual(problemOf({ messageType: MessageType.custom, content: "null" }), "none")
    const reacting = (content: string) => outcome(change(author(), recall, MessageType.reaction, content))
    assert.deepStrictEqual(["x".repeat(32), "x".repeat(33)].map(reacting), [group, "BadContent"])
    const many = Array.from({ length: 500 }, (_, index) => `1${String(index).padStart(18, "0")}` as UserId)
    const founding = { event: "created", name: "us", icon: "", isVerify: false, userIds: many } as const
    assert.strictEqual(outcome(groupEvent(author(), groupId, founding)), group)
    assert.strictEqual(outcome(groupEvent(author(), groupId, { ...founding, name: "" })), "BadContent")
  })

  it("of a new group says everything about it, also what its creator has left out", () => {
    const made = newGroup(author(), groupId, { name: "us" })
    assert.deepStrictEqual(Result.isSuccess(made) && made.success.event, {
      event: "created",
      name: "us",
      icon: "",
      isVerify: false,
      userIds: []
    })
  })
})
