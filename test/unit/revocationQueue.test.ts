/** Logouts that wait for a gateway (protocol.md section 2.2). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { nodeBatchMax } from "../../src/domain/cluster/NodeRpc.ts"
import type { SessionRevocation } from "../../src/domain/cluster/SessionRevocations.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { makeRevocationQueue, revocationsMax } from "../../src/layers/gateways/RevocationQueue.ts"
import { settle } from "../support/ActorHarness.ts"

const keptMillis = 7_200_000

const logout = (number: number): SessionRevocation => ({
  userId: "1" as UserId,
  sessionId: String(number)
})

/** A gateway that can be away, and what it was brought: frames of session ids. */
const begin = Effect.gen(function* () {
  const gateway = { isThere: true, attempts: 0, frames: [] as Array<ReadonlyArray<number>> }
  const queue = yield* makeRevocationQueue(
    (logouts) =>
      Effect.suspend(() => {
        gateway.attempts += 1
        if (!gateway.isThere) return Effect.fail("away")
        gateway.frames.push(logouts.map(({ sessionId }) => Number(sessionId)))
        return Effect.void
      }),
    keptMillis
  )
  const put = (first: number, last = first) =>
    Effect.suspend(() => {
      for (let number = first; number <= last; number += 1) queue.put(logout(number))
      return settle
    })
  return { gateway, put }
})

const numbers = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

describe("logouts for a gateway", () => {
  it.effect("come in their order, a frame at a time, however long it was away", () =>
    Effect.gen(function* () {
      const { gateway, put } = yield* begin
      gateway.isThere = false
      yield* put(1)
      yield* put(2, 1_000)
      yield* TestClock.adjust("1 hour")
      gateway.isThere = true
      yield* TestClock.adjust(2_400)
      yield* settle
      assert.deepStrictEqual(gateway.frames.flat(), numbers(1, 1_000))
      for (const frame of gateway.frames) assert.isAtMost(frame.length, nodeBatchMax)
      yield* put(1_001)
      assert.deepStrictEqual(gateway.frames.at(-1), [1_001])
    })
  )

  it.effect("are tried again soon at first, and then every two seconds or so", () =>
    Effect.gen(function* () {
      const { gateway, put } = yield* begin
      gateway.isThere = false
      yield* put(1)
      yield* TestClock.adjust(500)
      assert.isAtLeast(gateway.attempts, 3)
      yield* TestClock.adjust(10_000)
      const before = gateway.attempts
      yield* TestClock.adjust(24_000)
      assert.isAtLeast(gateway.attempts - before, 10)
      assert.isAtMost(gateway.attempts - before, 15)
    })
  )

  it.effect("are dropped when no token of theirs can be good any more", () =>
    Effect.gen(function* () {
      const { gateway, put } = yield* begin
      gateway.isThere = false
      yield* put(1, 1_000)
      yield* TestClock.adjust(keptMillis / 2)
      yield* put(1_001)
      yield* TestClock.adjust(keptMillis / 2)
      gateway.isThere = true
      yield* TestClock.adjust(2_400)
      yield* settle
      assert.notInclude(gateway.frames.flat(), 1)
      assert.include(gateway.frames.flat(), 1_001)
    })
  )

  it.effect("push out the oldest when too many wait", () =>
    Effect.gen(function* () {
      const { gateway, put } = yield* begin
      gateway.isThere = false
      yield* put(1)
      yield* put(2, revocationsMax + 11)
      gateway.isThere = true
      yield* TestClock.adjust(2_400)
      yield* settle
      assert.deepStrictEqual(gateway.frames.flat(), [1, ...numbers(12, revocationsMax + 11)])
    })
  )
})
