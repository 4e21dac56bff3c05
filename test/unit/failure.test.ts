/** Failures as types and values, and as RPC carries them (protocol.md sections 2.3 and 3). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { errorTable } from "../../src/domain/shared/ErrorTable.ts"
import {
  type Failure,
  FailureSchema,
  FailureValue,
  failure,
  failureOfCode,
  isFailure
} from "../../src/domain/shared/Failure.ts"

describe("a failure", () => {
  it("has the number, status and text of its entry in the table, or a more exact text and a time to wait", () => {
    const plain = failure("NoMessage")
    assert.deepStrictEqual([plain.code, plain.status, plain.msg], Object.values(errorTable.NoMessage))
    assert.notProperty(plain, "retryAfter")
    const exact = failure("Overloaded", { msg: "full", retryAfter: 10.2, cause: "secret" })
    assert.deepStrictEqual([exact.msg, exact.retryAfter, exact.cause], ["full", 11, "secret"])
    assert.strictEqual(exact.message, "100009 full")
    assert.isTrue(isFailure(exact))
    assert.isFalse(isFailure({ _tag: "Overloaded" }))
  })

  it.effect("is handled by its name, and leaves the others", () =>
    Effect.gen(function* () {
      const handled = (name: "NoMessage" | "TooLate") => {
        const failing: Effect.Effect<string, Failure<"NoMessage" | "TooLate">> = Effect.fail(failure(name))
        return Effect.catchTag(failing, "NoMessage", () => Effect.succeed("handled"))
      }
      assert.strictEqual(yield* handled("NoMessage"), "handled")
      assert.strictEqual((yield* Effect.flip(handled("TooLate"))).code, 300012)
    })
  )

  it("travels over RPC with its number, and only where it is declared", () => {
    const schema = FailureSchema("NoMessage", "Overloaded")
    const decode = Schema.decodeUnknownResult(schema)
    const encode = Schema.encodeUnknownResult(schema)
    const wire = { _tag: "ApiError", code: 300011, msg: "gone" }
    const [plain, waiting] = [failure("NoMessage", { msg: "gone" }), failure("Overloaded", { retryAfter: 5 })]
    assert.deepStrictEqual<unknown>(Result.getOrThrow(encode(plain)), wire)
    assert.deepStrictEqual<unknown>(Result.getOrThrow(encode(waiting)), {
      _tag: "ApiError",
      code: 100009,
      msg: errorTable.Overloaded.msg,
      retryAfter: 5
    })
    const back = Result.getOrThrow(decode(wire))
    assert.deepStrictEqual([back._tag, back.msg, back.retryAfter], ["NoMessage", "gone", undefined])
    assert.strictEqual(Result.getOrThrow(decode({ ...wire, retryAfter: 7 })).retryAfter, 7)
    assert.isTrue(Result.isFailure(decode({ ...wire, code: 300012 })))
    assert.isTrue(Result.isFailure(encode(failure("TooLate"))))
    const isValue = Schema.is(FailureValue(["NoMessage"]))
    assert.deepStrictEqual([isValue(plain), isValue(waiting), isValue(wire)], [true, false, false])
    assert.strictEqual(failureOfCode<"NoMessage">(300011, { msg: "m", retryAfter: undefined })._tag, "NoMessage")
  })
})
