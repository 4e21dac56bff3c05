/** The budgets of users and networks (protocol.md section 1.2). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Budgets, enter, spend } from "../../src/domain/connection/Budgets.ts"
import { closeCodes } from "../../src/domain/protocol/CloseCode.ts"
import { Asker } from "../../src/domain/shared/Asker.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import * as BudgetsMemory from "../../src/layers/auth/BudgetsMemory.ts"
import { frame, layer, policyOf, settle, start } from "../support/ActorHarness.ts"

const limits = {
  userRateLimit: { count: 10, windowMillis: 1_000 },
  networkRateLimit: { count: 100, windowMillis: 1_000 }
}
const budgets = BudgetsMemory.layer.pipe(Layer.provide(policyOf({}, "multi", limits)))
const [ann, bob] = ["1", "2"] as [UserId, UserId]
const [home, office] = ["192.0.2.1", "192.0.2.2"]

describe("the budget of a user", () => {
  it.effect("is one for all networks, is refilled with time, and is nobody else's", () =>
    Effect.gen(function* () {
      const { charge } = yield* Budgets
      assert.strictEqual(charge({ userId: ann, network: home }, 10), 0)
      assert.strictEqual(charge({ userId: ann, network: office }, 5), 500)
      assert.strictEqual(charge({ userId: bob, network: home }, 10), 0)
      yield* TestClock.adjust(499)
      assert.strictEqual(charge({ userId: ann }, 0), 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(charge({ userId: ann }, 0), 0)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(charge({ userId: ann }, 11), 100)
    }).pipe(Effect.provide(budgets))
  )

  it.effect("owes a minute at most, and that of a network five seconds", () =>
    Effect.gen(function* () {
      const { charge } = yield* Budgets
      assert.strictEqual(charge({ userId: ann }, 1e9), 60_000)
      assert.strictEqual(charge({ network: home }, 1e9), 5_000)
      assert.strictEqual(charge({ network: office }, 0), 0)
    }).pipe(Effect.provide(budgets))
  )

  it.effect("refuses requests while a debt is unpaid, and says for how long", () =>
    Effect.gen(function* () {
      const service = yield* Budgets
      yield* enter(service, { userId: ann }, 12)
      const refused = yield* Effect.flip(enter(service, { userId: ann }, 1))
      assert.deepInclude(refused, { _tag: "RateLimited", retryAfter: 200 })
      // A refusal costs nothing.
      assert.strictEqual(service.charge({ userId: ann }, 0), 200)
      yield* enter(service, { userId: bob }, 1)
    }).pipe(Effect.provide(budgets))
  )

  it.effect("pays for what is spent while a fiber works for the user", () =>
    Effect.gen(function* () {
      const service = yield* Budgets
      yield* spend(service, 1_000)
      yield* Effect.provideService(spend(service, 10.5), Asker, { userId: ann, network: home })
      assert.strictEqual(service.charge({ userId: ann }, 0), 100)
      // The network is charged what was within the budget of the user.
      assert.strictEqual(service.charge({ network: home }, 91), 10)
    }).pipe(Effect.provide(budgets))
  )

  it.effect("of whom nobody has heard for long is forgotten, and full", () =>
    Effect.gen(function* () {
      const { charge } = yield* Budgets
      charge({ userId: ann }, 1_000)
      for (let index = 0; index < 100_000; index++) charge({ userId: `x${index}` as UserId }, 1)
      assert.strictEqual(charge({ userId: ann }, 0), 0)
    }).pipe(Effect.provide(budgets))
  )
})

describe("a user who is cut off", () => {
  it.effect(
    "waits a second from the second time on, and twice as long each time, up to a minute, until five minutes have passed",
    () =>
      Effect.gen(function* () {
        const { cutOff, waitMillis } = yield* Budgets
        assert.strictEqual(waitMillis(ann), 0)
        for (const expected of [0, 1, 2, 4, 8, 16, 32, 60, 60]) {
          cutOff(ann)
          assert.strictEqual(waitMillis(ann), expected * 1_000)
          yield* TestClock.adjust(expected * 1_000)
          assert.strictEqual(waitMillis(ann), 0)
        }
        assert.strictEqual(waitMillis(bob), 0)
        yield* TestClock.adjust("301 seconds")
        cutOff(ann)
        assert.strictEqual(waitMillis(ann), 0)
      }).pipe(Effect.provide(budgets))
  )

  it.effect("has abused the protocol, broken it, or read too slowly; no other end counts", () =>
    Effect.gen(function* () {
      const { cutOff, waitMillis } = yield* Budgets
      for (const userId of ["1", "2", "3", "4", "5"]) cutOff(userId as UserId)
      const abuser = yield* start({ userId: "1" })
      for (let index = 0; index < 10; index++) {
        abuser.connection.tell({ _tag: "BadFrameReceived", bad: { id: "", problem: "", size: 1 } })
      }
      const breaker = yield* start({ userId: "2" })
      breaker.connection.tell({ _tag: "ProtocolViolated" })
      const slow = yield* start({ userId: "3" })
      slow.transport.room = slow.transport.frames.length
      for (let index = 0; index < 1_025; index++) {
        slow.connection.tell({ _tag: "Notified", encoded: new TextEncoder().encode('{"id":"","frameType":1}') })
      }
      const gone = yield* start({ userId: "4" })
      gone.connection.tell({ _tag: "CloseAsked", close: "Replaced" })
      const left = yield* start({ userId: "5" })
      left.connection.tell({ _tag: "SocketClosed" })
      yield* settle
      assert.strictEqual(abuser.transport.closed?.code, closeCodes.Abuse.code)
      for (const userId of ["1", "2"]) assert.strictEqual(waitMillis(userId as UserId), 1_000, userId)
      yield* TestClock.adjust("10 seconds")
      yield* settle
      assert.strictEqual(slow.transport.closed?.code, closeCodes.SlowConsumer.code)
      assert.isAbove(waitMillis("3" as UserId), 0)
      for (const userId of ["4", "5"]) assert.strictEqual(waitMillis(userId as UserId), 0, userId)
    }).pipe(Effect.provide(layer({}, "multi", undefined, limits)))
  )
})

describe("the connections of one user", () => {
  const data = (id: string) => ({ _tag: "FrameReceived", frame: frame({ id }) }) as const

  it.effect("are read more slowly together: each pays a debt of the user with its next frame", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* start({ deviceId: "a" }), yield* start({ deviceId: "b" })]
      const stranger = yield* start({ userId: "2" })
      const acked = () => one.transport.frames.filter(({ frameType }) => frameType === 2).length
      for (let index = 0; index < 20; index++) one.connection.tell(data(`${index}`))
      yield* settle
      // The user is charged for eight frames at a time: after sixteen there is a debt of 600 ms.
      assert.deepStrictEqual([acked(), one.transport.paused], [16, true])
      other.connection.tell(data("x"))
      stranger.connection.tell(data("x"))
      yield* settle
      assert.deepStrictEqual([other.transport.paused, stranger.transport.paused], [true, false])
      // Each is read again at a moment of its own, within twice the time of the debt.
      yield* TestClock.adjust("599 millis")
      yield* settle
      assert.deepStrictEqual([one.transport.paused, other.transport.paused], [true, true])
      yield* TestClock.adjust("5 seconds")
      yield* settle
      assert.deepStrictEqual([one.transport.paused, other.transport.paused], [false, false])
      // Nothing was refused.
      assert.strictEqual(acked(), 20)
    }).pipe(Effect.provide(layer({}, "multi", undefined, limits)))
  )

  it.effect("are read again at different moments, though they pay the same debt", () =>
    Effect.gen(function* () {
      const { charge } = yield* Budgets
      const connections = yield* Effect.forEach(Array(5).keys(), (index) => start({ deviceId: `${index}` }))
      charge({ userId: ann }, 30)
      for (const { connection } of connections) connection.tell(data("x"))
      yield* settle
      const paused = () => connections.filter(({ transport }) => transport.paused).length
      assert.strictEqual(paused(), 5)
      // Debts of 2.1 to 2.5 s: without a spread the last of them would be paid now.
      yield* TestClock.adjust("2500 millis")
      yield* settle
      assert.isAbove(paused(), 0)
      yield* TestClock.adjust("4 seconds")
      yield* settle
      assert.strictEqual(paused(), 0)
    }).pipe(Effect.provide(layer({}, "multi", undefined, limits)))
  )

  it.effect("of one network, too, whosever they are", () =>
    Effect.gen(function* () {
      const users = yield* Effect.forEach(Array(30).keys(), (index) => start({ userId: `${index + 1}` }))
      const elsewhere = yield* start({ userId: "99", network: "192.0.2.7" })
      for (const { connection } of [...users, elsewhere]) {
        for (let index = 0; index < 5; index++) connection.tell(data(`${index}`))
      }
      yield* settle
      const paused = users.filter(({ transport }) => transport.paused)
      assert.strictEqual(paused.length, 10)
      assert.isFalse(elsewhere.transport.paused)
    }).pipe(Effect.provide(layer({}, "multi", undefined, limits)))
  )

  it.effect("pay for long responses", () =>
    Effect.gen(function* () {
      const { connection, transport } = yield* start()
      const long = (id: string, data: unknown) =>
        ({ _tag: "FrameReceived", frame: frame({ id, method: "ask", data }) }) as const
      connection.tell(long("short", "x".repeat(900)))
      yield* settle
      connection.tell(long("long", "x".repeat(60_000)))
      yield* settle
      yield* settle
      connection.tell(data("next"))
      yield* settle
      assert.isTrue(transport.paused)
    }).pipe(Effect.provide(layer({}, "multi", undefined, limits)))
  )
})
