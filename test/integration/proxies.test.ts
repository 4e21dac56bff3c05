/** What the operator is told of proxies (docs/operations.md). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { end, start } from "../support/ServerProcess.ts"
import { temporaryDirectory } from "../support/TestServer.ts"

const logAfter = (settings: Record<string, string>, forwarded: ReadonlyArray<string | undefined>) =>
  Effect.gen(function* () {
    const { server, url } = yield* start({ CHAT_DATA_DIR: yield* temporaryDirectory, ...settings })
    for (const address of forwarded) {
      const headers = address === undefined ? {} : { "x-forwarded-for": address }
      yield* Effect.promise(async () => (await fetch(`${url}/health/live`, { headers })).text())
    }
    yield* end(server, "SIGTERM")
    return server.output().match(/X-Forwarded-For from \S+ is ignored: [^"\n]*/g) ?? []
  })

describe("X-Forwarded-For", () => {
  it.live("of a peer that is not trusted is ignored, which is said once", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* logAfter({}, [undefined, "203.0.113.1", "203.0.113.2"]), [
        "X-Forwarded-For from 127.0.0.1 is ignored: set CHAT_TRUST_PROXY if that is your proxy"
      ])
    }).pipe(Effect.scoped)
  )

  it.live("of a proxy that is trusted is nothing to speak of", () =>
    Effect.gen(function* () {
      const trusting = { CHAT_TRUST_PROXY: "127.0.0.0/8" }
      assert.deepStrictEqual(yield* logAfter(trusting, [undefined, "203.0.113.1"]), [])
      assert.strictEqual((yield* logAfter({ CHAT_TRUST_PROXY: "10.0.0.0/8" }, ["203.0.113.1"])).length, 1)
    }).pipe(Effect.scoped)
  )
})
