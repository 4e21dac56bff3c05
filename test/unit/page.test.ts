/** How much of a list goes into one frame (`src/domain/messages/Page.ts`). */
import { assert, describe, it } from "@effect/vitest"
import type { Message } from "../../src/domain/messages/Message.ts"
import { fitting } from "../../src/domain/messages/Page.ts"

/** A message with so much content and so many reactions. */
const message = (content: number, reactions: number): Message => ({
  messageId: "1" as Message["messageId"],
  clientId: "m",
  conversationId: "1_2" as Message["conversationId"],
  seq: 1,
  chatType: 1,
  senderId: "1" as Message["senderId"],
  receiveId: "2" as Message["receiveId"],
  sendTime: 0,
  messageType: 0,
  content: "x".repeat(content),
  ...(reactions === 0
    ? {}
    : { reactions: Array.from({ length: reactions }, () => ({ reaction: "\0".repeat(32), count: 1, own: false })) })
})

const bytesOf = (messages: ReadonlyArray<Message>): number => Buffer.byteLength(JSON.stringify(messages))

describe("a page of messages", () => {
  it("has as many as fit, and at least one", () => {
    assert.lengthOf(fitting(Array.from({ length: 200 }, () => message(100, 0))), 200)
    assert.lengthOf(fitting(Array.from({ length: 200 }, () => message(16_384, 0))), 4)
    assert.lengthOf(fitting([message(100_000, 0), message(1, 0)]), 1)
    assert.lengthOf(fitting([]), 0)
  })

  it("counts reactions, too: half a mebibyte is not exceeded whatever they are", () => {
    const page = fitting(Array.from({ length: 200 }, () => message(1, 20)))
    assert.isBelow(page.length, 200)
    assert.isBelow(bytesOf(page), 512 * 1024)
  })
})
