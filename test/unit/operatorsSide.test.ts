/** The operator's side: what is counted, what is answered outside of the API, and the numbers of the protocol. */
import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { type AckFailure, AckService, ackFailureOf, ackFailures } from "../../src/domain/connection/AckService.ts"
import { closeCodes } from "../../src/domain/protocol/CloseCode.ts"
import { ackFrame, errFrame } from "../../src/domain/protocol/Frame.ts"
import { events, pushFrame } from "../../src/domain/protocol/ServerEvents.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import * as ErrorEnvelope from "../../src/http/api/ErrorEnvelope.ts"
import { dropped, makeRevocationQueue, revocationsMax } from "../../src/layers/gateways/RevocationQueue.ts"
import * as AckServiceMetrics from "../../src/layers/settings/AckServiceMetrics.ts"
import * as Settings from "../../src/layers/settings/Settings.ts"
import { frame, layer, message, start } from "../support/ActorHarness.ts"
import { pass } from "../support/Watching.ts"

describe("the failures of acks", () => {
  it("are told by repeated acks and pushes, by sync.required and by 300006, and by nothing else", () => {
    const told = [
      ackFrame("a", 0, 0, { errCount: 1 }),
      pushFrame(message(1), 2),
      events.syncRequired.frame({}),
      errFrame("a", failure("Unconfirmed")),
      ackFrame("a", 0, 0, {}),
      pushFrame(message(1)),
      errFrame("a", failure("Conflict")),
      events.typing.frame({ conversationId: message(1).conversationId, userId: "1" as UserId })
    ].map(ackFailureOf)
    const none = Array.from({ length: 4 }, () => undefined)
    assert.deepStrictEqual(told, ["AckRepeated", "PushRepeated", "SyncRequired", "Unconfirmed", ...none])
  })

  for (const [ackMode, expected] of [
    ["rigor", ["AckRepeated", "AckRepeated", "Unconfirmed"]],
    ["once", ["PushRepeated", "SyncRequired"]]
  ] as const) {
    it.effect(`are counted each time, in mode ${ackMode}`, () => {
      const counted: Array<AckFailure> = []
      return Effect.gen(function* () {
        const { connection } = yield* start({ ackMode })
        if (ackMode === "rigor") {
          connection.tell({ _tag: "FrameReceived", frame: frame({ id: "c", method: "conversation.chat" }) })
        } else {
          const encoded = new TextEncoder().encode(JSON.stringify(pushFrame(message(1))))
          connection.tell({ _tag: "MessagePushed", message: message(1), encoded })
        }
        yield* pass(5_000)
        assert.deepStrictEqual(counted, [...expected])
      }).pipe(
        Effect.provide(
          layer(
            { ackRetryMillis: 1_000, ackTimeoutMillis: 4_000, pushRetryMillis: 1_000, pushRetryCount: 1 },
            "multi",
            (failed) => counted.push(failed)
          )
        )
      )
    })
  }
})

describe("the counter of failed acks", () => {
  it.effect("has each kind of failure apart", () =>
    Effect.gen(function* () {
      const { count } = yield* AckService
      const counts = Effect.map(Metric.snapshot, (metrics) => {
        const found = metrics.filter(({ id }) => id === "fiberchat_ack_failures_total")
        return Object.fromEntries(
          found.map(({ attributes, state }) => [attributes?.["failure"], Number((state as { count: number }).count)])
        )
      })
      const before = yield* counts
      for (const [index, failed] of ackFailures.entries()) {
        for (let time = 0; time <= index; time += 1) count(failed)
      }
      const after = yield* counts
      assert.deepStrictEqual(
        ["AckRepeated", "Unconfirmed", "PushRepeated", "SyncRequired"].map(
          (failure) => (after[failure] ?? 0) - (before[failure] ?? 0)
        ),
        [1, 2, 3, 4]
      )
    }).pipe(Effect.provide(AckServiceMetrics.layer.pipe(Layer.provide(Settings.layer))))
  )
})

describe("revoked logins that a gateway is not told of", () => {
  it.effect("are counted, each of them", () =>
    Effect.gen(function* () {
      const before = (yield* Metric.value(dropped)).count
      const queue = yield* makeRevocationQueue(() => Effect.never, 1_000)
      // The first call takes some out of the queue once its fiber runs: here it has not run yet.
      for (let index = 0; index < revocationsMax + 3; index += 1) {
        queue.put({ userId: "1" as UserId, sessionId: String(index) })
      }
      assert.strictEqual(Number((yield* Metric.value(dropped)).count) - Number(before), 3)
    }).pipe(Effect.scoped)
  )
})

describe("an answer outside of the API's endpoints", () => {
  it.live("tells when to try again, in whole seconds", () =>
    Effect.gen(function* () {
      const routes = Layer.mergeAll(
        HttpRouter.add("GET", "/limited", Effect.fail(failure("RateLimited", { retryAfter: 1_500 }))),
        HttpRouter.add("GET", "/away", Effect.fail(failure("DatabaseError"))),
        HttpRouter.add("GET", "/forbidden", Effect.fail(failure("Forbidden")))
      ).pipe(Layer.provide(ErrorEnvelope.layer))
      const served = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
        Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
      )
      const context = yield* Layer.build(served)
      const { address } = yield* HttpServer.HttpServer.pipe(Effect.provide(context))
      const answers = yield* Effect.forEach(["limited", "away", "forbidden"], (path) =>
        Effect.map(
          Effect.promise(() => fetch(`${HttpServer.formatAddress(address)}/${path}`)),
          ({ status, headers }) => [status, headers.get("retry-after")]
        )
      )
      assert.deepStrictEqual(answers, [
        [429, "2"],
        [503, "1"],
        [403, null]
      ])
    }).pipe(Effect.scoped)
  )
})

describe("the close codes", () => {
  it("are the numbers that clients know", () => {
    const numbers = Object.fromEntries(Object.entries(closeCodes).map(([name, { code }]) => [name, code]))
    assert.deepStrictEqual(numbers, {
      GoingAway: 1001,
      ProtocolError: 1002,
      Abuse: 1008,
      TooBig: 1009,
      InternalError: 1011,
      HeartbeatTimeout: 4000,
      IdleTimeout: 4001,
      LifetimeExceeded: 4002,
      Replaced: 4003,
      TokenExpired: 4004,
      Revoked: 4004,
      SlowConsumer: 4008
    })
  })
})
