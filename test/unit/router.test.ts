/**
 * The router: each handler has the success and the failures that its method declares, which the compiler checks, and each
 * call ends once.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import { answered, handedOver, inBackground, type Route, Router } from "../../src/actors/connections/Router.ts"
import type { Outcome } from "../../src/domain/connection/Outcome.ts"
import { methods } from "../../src/domain/protocol/ClientMethods.ts"
import { command, query } from "../../src/domain/protocol/Method.ts"
import { type Failure, failure } from "../../src/domain/shared/Failure.ts"
import { layer, start } from "../support/ActorHarness.ts"

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

const Numbered = Schema.Struct({ number: Schema.optionalKey(Schema.Int) })
const numbered = { summary: "", payload: Numbered, success: Numbered, errors: ["NoMessage"] as const }

/** How a call of this route with this payload ends. */
const outcomeOf = (route: Route, payload: unknown) =>
  Effect.gen(function* () {
    const outcomes: Array<Outcome> = []
    const { connection } = yield* start()
    const work = route.start({ connection, id: "7", payload }, (outcome) => outcomes.push(outcome))
    if (work !== undefined) yield* work
    assert.lengthOf(outcomes, 1)
    return outcomes[0]
  }).pipe(Effect.provide(layer({})))

describe("a call", () => {
  it.effect("of a query is answered, and one of a command is done", () =>
    Effect.gen(function* () {
      const echo = ({ payload }: { readonly payload: typeof Numbered.Type }) => Effect.succeed(payload)
      const data = { number: 5 }
      assert.deepStrictEqual(yield* outcomeOf(answered(query("q", numbered), echo), data), { _tag: "Answered", data })
      assert.deepStrictEqual(yield* outcomeOf(inBackground(command("c", numbered), echo), data), { _tag: "Done", data })
      const handed = handedOver(command("h", numbered), ({ payload }, settle) => settle(Result.succeed(payload)))
      assert.deepStrictEqual(yield* outcomeOf(handed, data), { _tag: "Done", data })
      // A Go client without a payload sends null.
      for (const none of [undefined, null, {}]) {
        assert.deepStrictEqual(yield* outcomeOf(handed, none), { _tag: "Done", data: {} })
      }
    })
  )

  it.effect("with a payload that does not fit is refused before anything is done", () =>
    Effect.gen(function* () {
      let calls = 0
      const counting = handedOver(command("c", numbered), () => {
        calls += 1
      })
      const outcome = yield* outcomeOf(counting, { number: "5" })
      assert.isTrue(outcome?._tag === "Failed" && outcome.error._tag === "BadParameters")
      assert.strictEqual(calls, 0)
    })
  )

  it.effect("that fails ends with its failure, and one that breaks with ServerError and a line in the log", () =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
      const failureOf = (work: Effect.Effect<typeof Numbered.Type, Failure<"NoMessage">>) =>
        Effect.map(
          outcomeOf(
            answered(query("q", numbered), () => work),
            {}
          ),
          (outcome) => (outcome?._tag === "Failed" ? outcome.error._tag : outcome?._tag)
        ).pipe(Effect.provide(logger))
      assert.strictEqual(yield* failureOf(Effect.fail(failure("NoMessage"))), "NoMessage")
      assert.lengthOf(logged, 0)
      assert.strictEqual(yield* failureOf(Effect.die(new Error("broken"))), "ServerError")
      assert.lengthOf(logged, 1)
    })
  )

  it.effect("of a command runs to its end though its connection has gone; one of a query ends with it", () =>
    Effect.gen(function* () {
      const { connection } = yield* start()
      const ended: Array<string> = []
      const slow = (name: string) =>
        Effect.andThen(
          Effect.sleep(1_000),
          Effect.sync(() => {
            ended.push(name)
            return {}
          })
        )
      const begun = [
        inBackground(command("c", numbered), () => slow("command")),
        answered(query("q", numbered), () => slow("query"))
      ].map((route) => route.start({ connection, id: "7", payload: {} }, () => {}) ?? Effect.void)
      const fibers = yield* Effect.forEach(begun, (work) => Effect.forkChild(work, { startImmediately: true }))
      const interrupting = yield* Effect.forkChild(Fiber.interruptAll(fibers), { startImmediately: true })
      yield* TestClock.adjust(1_000)
      yield* Fiber.join(interrupting)
      assert.deepStrictEqual(ended, ["command"])
    }).pipe(Effect.provide(layer({})))
  )
})

const anything = { summary: "", payload: Schema.Unknown, success: Schema.Unknown, errors: [] }
