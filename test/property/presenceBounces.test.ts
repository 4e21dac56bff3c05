/** Changes that a watching connection sees of contacts that go and return at once (protocol.md section 1.9). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { layer, start } from "../support/ActorHarness.ts"
import { FakePresence } from "../support/FakePresence.ts"
import { occurrences } from "../support/Occurrences.ts"
import { leave, pass, told, watch } from "../support/Watching.ts"

/** Times that a contact is away, some of them within the grace of 0.7 s, and at home in between. */
const Bounce = Schema.Struct({
  away: Schema.Literals([50, 200, 400, 600, 600, 1_500]),
  home: Schema.Literals([300, 500, 1_000])
})
const Bounces = Schema.Array(Bounce).check(Schema.isBetweenLength(1, 8))

describe("a contact that goes and comes back", () => {
  const seen = occurrences("presence", {
    "back within the grace, for the second time in a row": 150,
    "back within the grace, after it was said to be offline": 30,
    "gone for longer than the grace": 60
  })

  it.effect.prop(
    "is said to be offline when it stays away for longer than the grace, and then only",
    [Bounces],
    ([bounces]) =>
      Effect.gen(function* () {
        seen.run()
        const fake = yield* FakePresence
        fake.know("1", "2")
        const ann = yield* start({ userId: "1" })
        let bob = yield* start({ userId: "2" })
        yield* watch(ann, "2")
        yield* pass(1_000)
        const expected: Array<boolean> = []
        let before: number | undefined
        for (const { away, home } of bounces) {
          yield* leave(bob)
          yield* pass(away)
          const isLong = away > 1_000
          if (isLong) expected.push(false)
          assert.deepStrictEqual(
            told(ann).map(({ online }) => online),
            expected
          )
          bob = yield* start({ userId: "2" })
          yield* pass(home)
          if (isLong) expected.push(true)
          assert.deepStrictEqual(
            told(ann).map(({ online }) => online),
            expected
          )
          seen.saw(
            "back within the grace, for the second time in a row",
            !isLong && before !== undefined && before < 700
          )
          seen.saw("back within the grace, after it was said to be offline", !isLong && before === 1_500)
          seen.saw("gone for longer than the grace", isLong)
          before = away
        }
        yield* leave(bob)
        yield* pass(1_500)
        assert.deepStrictEqual(
          told(ann).map(({ online }) => online),
          [...expected, false]
        )
      }).pipe(Effect.provide(layer({}))),
    { arbitrary: { runs: 200 } }
  )
  seen.check()
})
