/** What is checked of a wish before the store sees it (`src/domain/messages/Drafting.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { changed, happening, type Wish, written } from "../../src/domain/messages/Drafting.ts"
import { MessageType } from "../../src/domain/messages/Message.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import { type Failure, isFailure } from "../../src/domain/shared/Failure.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { nameOf } from "../support/Refusals.ts"

const author = (clientId = "id") => ({ senderId: "5" as UserId, clientId })
const group = "100" as ConversationId
const words = { chatType: 1, receiveId: "7" as UserId, messageType: MessageType.text, content: "words" } as const
const recall = { conversationID: group, seq: 3, messageType: MessageType.recall, content: "" } as const

const outcome = (wish: Wish | Failure) => (isFailure(wish) ? nameOf(wish) : wish.conversationId)

describe("a wish", () => {
  it("is of the conversation of its sender and its receiver, be it a user or a group", () => {
    assert.strictEqual(outcome(written(author(), words)), "5_7")
    assert.strictEqual(outcome(written(author(), { ...words, chatType: 0, receiveId: "100" as UserId })), group)
    assert.strictEqual(outcome(written(author(), { ...words, conversationID: "5_7" })), "5_7")
    assert.strictEqual(outcome(written(author(), { ...words, conversationID: "" })), "5_7")
    assert.strictEqual(outcome(written(author(), { ...words, conversationID: "7_5" })), "NoConversation")
  })

  it("to change a message goes to its conversation, and to no private one of others", () => {
    assert.strictEqual(outcome(changed(author(), recall)), group)
    const receiverIn = (conversationID: string) => {
      const wish = changed(author(), { ...recall, conversationID: conversationID as ConversationId })
      return isFailure(wish) ? nameOf(wish) : `${wish.chatType} ${wish.receiveId} ${wish.targetSeq}`
    }
    assert.strictEqual(receiverIn("100"), "0 100 3")
    assert.strictEqual(receiverIn("5_7"), "1 7 3")
    assert.strictEqual(receiverIn("4_5"), "1 4 3")
    assert.strictEqual(receiverIn("5_5"), "1 5 3")
    assert.strictEqual(receiverIn("7_8"), "NoConversation")
  })

  it("needs an id that every store can keep", () => {
    for (const id of ["", "\ud800", "a\udfff"]) {
      const wishes = [
        written(author(id), words),
        changed(author(id), recall),
        happening(author(id), group, { event: "left" })
      ]
      for (const wish of wishes) assert.strictEqual(outcome(wish), "BadParameters")
    }
  })

  it("needs a content that fits its type and is not too large", () => {
    assert.strictEqual(outcome(written(author(), { ...words, content: "\ud800" })), "BadContent")
    assert.strictEqual(outcome(written(author(), { ...words, messageType: MessageType.image })), "BadContent")
    assert.strictEqual(outcome(written(author(), { ...words, content: "x".repeat(16_385) })), "ContentTooLarge")
    const many = Array.from({ length: 500 }, (_, index) => `1${String(index).padStart(18, "0")}` as UserId)
    const founding = { event: "created", name: "us", icon: "", isVerify: false, userIds: many } as const
    assert.strictEqual(outcome(happening(author(), group, founding)), group)
    assert.strictEqual(outcome(happening(author(), group, { ...founding, name: "" })), "BadContent")
  })
})
