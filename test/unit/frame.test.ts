/** Frames as texts: what clients may write, and what the server writes (protocol.md section 1.2). */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { ackFrame, type Frame, parseFrame, repeated } from "../../src/domain/protocol/Frame.ts"

const parsed = (text: string) => Result.merge(parseFrame(text))
const frame = (changes: Partial<Frame>): Frame => ({
  id: "",
  frameType: 0,
  method: "",
  data: undefined,
  ackSeq: 0,
  size: 0,
  ...changes
})

describe("a frame of a client", () => {
  it("has the zero values of what it leaves out, and none of what it does not have", () => {
    assert.deepStrictEqual(parsed("{}"), frame({ size: 2 }))
    assert.deepStrictEqual(
      parsed('{"id":"7","frameType":2,"method":"m","data":{"a":null},"ackSeq":1,"fromID":"x","more":1}'),
      frame({ id: "7", frameType: 2, method: "m", data: { a: null }, ackSeq: 1, size: 88 })
    )
    assert.deepStrictEqual(
      parsed(`{"id":"${"x".repeat(64)}","frameType":9}`),
      frame({ id: "x".repeat(64), frameType: 9, size: 87 })
    )
  })

  it("is nested at most 64 deep, whatever its texts look like", () => {
    const nested = (depth: number, inside = "") => `{"data":${"[".repeat(depth)}${inside}${"]".repeat(depth)}}`
    assert.isTrue("data" in parsed(nested(63)))
    assert.deepStrictEqual(parsed(nested(64)), { id: "", problem: "nested more than 64 deep", size: 137 })
    assert.deepStrictEqual(parsed(nested(30_000)), { id: "", problem: "nested more than 64 deep", size: 60_009 })
    for (const text of ["[".repeat(200), '\\"['.repeat(100), `${"{".repeat(200)}\\\\`]) {
      assert.isTrue("data" in parsed(nested(63, `"${text}"`)), text)
      assert.isTrue("problem" in parsed(nested(64, `"${text}"`)), text)
    }
    assert.isTrue("data" in parsed(`{"data":[${Array(1_000).fill('[{"a":[]},{}]').join()}]}`))
  })

  it("that is none says why, under its id as far as that can be read", () => {
    assert.deepStrictEqual(parsed("{"), { id: "", problem: "not JSON", size: 1 })
    const idOf = (text: string) => {
      const bad = parsed(text)
      assert.isTrue("problem" in bad && bad.problem.length > 5, text)
      return bad.id
    }
    assert.strictEqual(idOf('{"id":"7","frameType":4}'), "7")
    assert.strictEqual(idOf(`{"id":"${"x".repeat(65)}"}`), "x".repeat(64))
    assert.strictEqual(idOf('{"id":"a\\ud800"}'), "a\ufffd")
    for (const text of ["null", "5", '"id"', "[]", '{"id":5}', '{"id":{"length":1}}', '{"ackSeq":"1"}']) {
      assert.strictEqual(idOf(text), "", text)
    }
  })
})

describe("an ack of the server", () => {
  it("is one step further, and tells its time and how often it was sent before", () => {
    const time = Date.UTC(2030, 0, 2, 3, 4, 5, 6)
    const first = { id: "7", frameType: 2, ackSeq: 1, ackTime: "2030-01-02T03:04:05.006Z" }
    assert.deepStrictEqual<object>(ackFrame("7", 0, time, {}), first)
    assert.deepStrictEqual<object>(ackFrame("7", 2, time, { data: null, errCount: 0 }), {
      ...first,
      ackSeq: 3,
      data: null
    })
    assert.deepStrictEqual<object>(ackFrame("7", 0, time + 1, { errCount: 2 }), {
      ...first,
      ackTime: "2030-01-02T03:04:05.007Z",
      ackErrCount: 2
    })
    assert.deepStrictEqual([repeated(undefined), repeated(0), repeated(1)], [{}, {}, { ackErrCount: 1 }])
  })
})
