/** The router demands of each handler the success and the failures that its method declares: these are checks of the compiler. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { answered, handedOver, type Route, Router } from "../../src/actors/connections/Router.ts"
import { methods } from "../../src/domain/protocol/ClientMethods.ts"
import { query } from "../../src/domain/protocol/Method.ts"
import { failure } from "../../src/domain/shared/Failure.ts"

describe("a route", () => {
  it("may fail with the rows that its method declares, and with those of every method", () => {
    const declared = answered(methods.watch, () => Effect.fail(failure("Overloaded")))
    const everywhere = answered(methods.watch, () => Effect.fail(failure("DatabaseError")))
    // @ts-expect-error presence.watch does not declare NoMessage
    const undeclared = answered(methods.watch, () => Effect.fail(failure("NoMessage")))
    // @ts-expect-error conversation.chat does not declare TooLate
    const late = handedOver(methods.chat, (_call, settle) => settle(Result.fail(failure("TooLate"))))
    assert.deepStrictEqual(
      [declared, everywhere, undeclared, late].map(({ method }) => method),
      ["presence.watch", "presence.watch", "presence.watch", "conversation.chat"]
    )
  })

  it("gives the success that its method declares", () => {
    // @ts-expect-error presence.watch answers with users
    const other = answered(methods.watch, () => Effect.succeed({ people: [] }))
    assert.strictEqual(other.method, "presence.watch")
  })

  it("is there for each method, and for no other", () => {
    const route: Route = answered(query("other", anything), () => Effect.succeed(undefined))
    // @ts-expect-error the other methods have no route
    const few = () => Router.layer(Effect.succeed({ chat: route }))
    assert.isFunction(few)
  })

  it.effect("under the key of another method stops the start", () =>
    Effect.gen(function* () {
      const route: Route = answered(query("other", anything), () => Effect.succeed(undefined))
      const routes = Object.fromEntries(Object.keys(methods).map((key) => [key, route]))
      const started = Effect.provide(
        Router,
        Router.layer(Effect.succeed(routes as Record<keyof typeof methods, Route>))
      )
      assert.strictEqual((yield* Effect.exit(started))._tag, "Failure")
    })
  )
})

const anything = { summary: "", payload: Schema.Unknown, success: Schema.Unknown, errors: [] }
