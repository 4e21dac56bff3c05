/** What waits to be confirmed in mode rigor: which copies are the same frame, and how much may wait (protocol.md 1.4). */
import { assert, describe, it } from "@effect/vitest"
import { fixedAckLimits } from "../../src/domain/connection/AckService.ts"
import { confirmed, type InboundAcks, noneWaiting, received } from "../../src/domain/connection/InboundAcks.ts"
import { frame } from "../support/ActorHarness.ts"

const limits = {
  ackTimeoutMillis: 30_000,
  ackRetryMillis: 1_000,
  pushRetryMillis: 2_000,
  pushRetryCount: 5,
  ...fixedAckLimits
}

/** What the server answers to a frame: its ack, or the code of the error. */
const answered = (acks: InboundAcks, data: unknown, changes: Parameters<typeof frame>[0] = {}) => {
  const step = received(acks, frame({ id: "7", data, ...changes }), 0, limits, 0)
  const [{ frameType, data: error } = { frameType: 0, data: undefined }] = step.send
  return { acks: step.acks, answer: frameType === 2 ? "ack" : (error as { readonly code: number }).code }
}

describe("a frame that waits to be confirmed", () => {
  it("is the same when its data is, whatever the order of keys", () => {
    const data = { chatType: 1, message: { content: "x", mid: [1, { a: null, b: 2 }] } }
    const { acks } = answered(noneWaiting, data)
    assert.strictEqual(answered(acks, data).answer, "ack")
    assert.strictEqual(
      answered(acks, { message: { mid: [1, { b: 2, a: null }], content: "x" }, chatType: 1 }).answer,
      "ack"
    )
    for (const other of [undefined, null, {}, "x", { ...data, chatType: 0 }, { ...data, more: 1 }]) {
      assert.strictEqual(answered(acks, other).answer, 100007, JSON.stringify(other))
    }
    assert.strictEqual(answered(acks, data, { method: "other" }).answer, 100007)
    const empty = answered(noneWaiting, undefined)
    assert.deepStrictEqual(
      [undefined, null].map((other) => answered(empty.acks, other).answer),
      ["ack", 100007]
    )
  })

  it("is processed with the data that it came with", () => {
    for (const data of [undefined, null, "x", { b: [1, { "": null }], a: "\u2028" }]) {
      const first = frame({ id: "7", method: "do", data, size: 5 })
      const step = confirmed(received(noneWaiting, first, 0, limits, 0).acks, "7", limits)
      assert.deepStrictEqual(step?.ready, [first])
    }
  })

  it("takes place: 64 wait at most, and 512 Ki of text", () => {
    const fill = (count: number, size: number) => {
      let acks = noneWaiting
      for (let index = 0; index < count; index += 1) {
        const { acks: next, answer } = answered(acks, null, { id: `w${index}`, size })
        assert.strictEqual(answer, "ack", `${index}`)
        acks = next
      }
      return acks
    }
    assert.strictEqual(answered(fill(64, 1), null, { size: 0 }).answer, 100009)
    const full = fill(8, 64 * 1024)
    assert.strictEqual(answered(full, null, { size: 1 }).answer, 100009)
    assert.strictEqual(answered(full, null, { size: 0 }).answer, "ack")
    // As large as the operator lets frames be: alone it is taken.
    const large = answered(noneWaiting, null, { id: "large", size: 1024 * 1024 })
    assert.strictEqual(large.answer, "ack")
    assert.strictEqual(answered(large.acks, null, { size: 1 }).answer, 100009)
    // The same again takes no place.
    assert.strictEqual(answered(full, null, { id: "w3", size: 64 * 1024 }).answer, "ack")
  })
})
