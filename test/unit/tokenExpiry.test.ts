/** Streams of answers and the tokens that let them in (protocol.md section 3). */
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Layer, Stream } from "effect"
import { HttpClient, HttpRouter, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { untilTokenExpiry } from "../../src/http/rpc/TokenExpiry.ts"

describe("a stream that does not end with its token", () => {
  it.effect("is cut off soon after it, and let go by whoever writes it", () =>
    Effect.gen(function* () {
      const released = yield* Deferred.make<void>()
      const body = Stream.succeed(new TextEncoder().encode("first")).pipe(
        Stream.concat(Stream.never),
        Stream.ensuring(Deferred.succeed(released, undefined))
      )
      const expiresAt = (yield* Clock.currentTimeMillis) + 60_000
      const served = HttpRouter.serve(
        HttpRouter.add("POST", "/", untilTokenExpiry(expiresAt, Effect.succeed(HttpServerResponse.stream(body)))),
        { disableLogger: true, disableListenLog: true }
      )
      yield* Effect.gen(function* () {
        const begun = yield* Deferred.make<void>()
        const response = yield* HttpClient.post("/")
        const reading = yield* response.stream.pipe(
          Stream.runForEach(() => Deferred.succeed(begun, undefined)),
          Effect.exit,
          Effect.forkChild
        )
        yield* Deferred.await(begun)
        yield* TestClock.adjust(60_000)
        assert.isFalse(yield* Deferred.isDone(released))
        yield* TestClock.adjust(2_000)
        assert.strictEqual((yield* Fiber.join(reading))._tag, "Failure")
        yield* Deferred.await(released)
      }).pipe(Effect.provide(served.pipe(Layer.provideMerge(NodeHttpServer.layerTest))))
    })
  )
})
