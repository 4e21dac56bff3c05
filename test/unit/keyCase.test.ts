/** Keys in another case than the protocol's (protocol.md section 1.2). */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { methods } from "../../src/domain/protocol/ClientMethods.ts"
import { parseFrame } from "../../src/domain/protocol/Frame.ts"
import { inCaseOf } from "../../src/domain/protocol/KeyCase.ts"

describe("a key in another case", () => {
  it("of a frame is found, and those of its data are left for the method", () => {
    const frame = Result.getOrThrow(parseFrame('{"ID":"7","FrameType":3,"Method":"m","Data":{"ID":1},"AckSeq":2}'))
    assert.deepInclude(frame, { id: "7", frameType: 3, method: "m", data: { ID: 1 }, ackSeq: 2 })
  })

  it("of a method's data is found at every depth, but not where the sender names the keys", () => {
    const chat = inCaseOf(methods.chat.payload)
    assert.deepStrictEqual(chat({ CHATTYPE: 1, ReceiveID: "9", Message: { MessageType: 0, Content: "C" } }), {
      chatType: 1,
      receiveId: "9",
      message: { messageType: 0, content: "C" }
    })
    const sync = inCaseOf(methods.sync.payload)
    assert.deepStrictEqual(sync({ Conversations: { LIMIT: 1 }, Limit: 2 }), { conversations: { LIMIT: 1 }, limit: 2 })
    // The wire's spelling is the one that counts.
    assert.deepStrictEqual(inCaseOf(methods.markRead.payload)({ conversationId: "1_2", SEQ: 3 }), {
      conversationID: "1_2",
      seq: 3
    })
  })

  it("counts less than the exact one; of two the last counts, and unknown ones stay", () => {
    const of = inCaseOf(Schema.Struct({ a: Schema.Number, A: Schema.optionalKey(Schema.Number) }))
    assert.deepStrictEqual(of({ a: 1, A: 2 }), { a: 1, A: 2 })
    const one = inCaseOf(Schema.Struct({ seq: Schema.Number }))
    assert.deepStrictEqual(one({ SEQ: 2, seq: 1, other: 3 }), { SEQ: 2, seq: 1, other: 3 })
    assert.deepStrictEqual(one({ SEQ: 2, Seq: 1 }), { seq: 1 })
  })

  it("is looked for in objects only, and nothing is copied in vain", () => {
    const one = inCaseOf(Schema.Struct({ seq: Schema.Number }))
    for (const value of [undefined, null, 1, "SEQ", ["SEQ"], { seq: 1, x: {} }]) assert.strictEqual(one(value), value)
    assert.strictEqual(inCaseOf(Schema.String)("SEQ"), "SEQ")
    const own = JSON.parse('{"__proto__":{"SEQ":1},"SEQ":2}')
    assert.deepStrictEqual(Object.keys(one(own) as object).toSorted(), ["__proto__", "seq"])
  })
})
