/** The node's one timer: every entry fires at its earliest armed time, and only then. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { type DeadlineEntry, Deadlines } from "../../src/actors/connections/Deadlines.ts"
import { settle } from "../support/ActorHarness.ts"

const entryCount = 12

const deadlineEntry = (onDue: () => void): DeadlineEntry => ({ at: Number.POSITIVE_INFINITY, index: -1, onDue })
const Small = (maximum: number, minimum = 0) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
/** Arms an entry in so many milliseconds, or cancels it, or waits. */
const Action = Schema.TaggedUnion({
  Arm: { entry: Small(entryCount - 1), delay: Small(30, 1) },
  Cancel: { entry: Small(entryCount - 1) },
  Wait: { millis: Small(4) }
})

describe("deadlines", () => {
  it.effect.prop(
    "fire each entry at the earliest time it was armed for since it last fired, and never a cancelled one",
    [Schema.Array(Action).check(Schema.isBetweenLength(10, 60))],
    ([script]) =>
      Effect.gen(function* () {
        const deadlines = yield* Deadlines
        const clock = yield* Clock.Clock
        const fired: Array<readonly [entry: number, at: number]> = []
        const entries: ReadonlyArray<DeadlineEntry> = Array.from({ length: entryCount }, (_, index) =>
          deadlineEntry(() => fired.push([index, clock.currentTimeMillisUnsafe()]))
        )
        const armed = new Map<number, number>()
        const expected: Array<readonly [entry: number, at: number]> = []

        for (const action of [...script, { _tag: "Wait", millis: 40 } as const]) {
          const now = clock.currentTimeMillisUnsafe()
          if (action._tag === "Arm") {
            const at = now + action.delay
            armed.set(action.entry, Math.min(at, armed.get(action.entry) ?? at))
            deadlines.arm(entries[action.entry]!, at)
          } else if (action._tag === "Cancel") {
            armed.delete(action.entry)
            deadlines.cancel(entries[action.entry]!)
          } else {
            yield* settle
            yield* TestClock.adjust(action.millis)
            yield* settle
            for (const [entry, at] of armed) {
              if (at > now + action.millis) continue
              expected.push([entry, at])
              armed.delete(entry)
            }
          }
        }
        const inOrder = (list: ReadonlyArray<readonly [number, number]>) =>
          list.toSorted((a, b) => a[1] - b[1] || a[0] - b[0])
        assert.deepStrictEqual(inOrder(fired), inOrder(expected))
        assert.deepStrictEqual(
          fired.map(([, at]) => at),
          fired.map(([, at]) => at).toSorted((a, b) => a - b)
        )
      }).pipe(Effect.provide(Deadlines.layer)),
    { arbitrary: { runs: 1_000 } }
  )

  it.effect.prop(
    "fire in order whichever of many are cancelled",
    [Schema.Array(Schema.Tuple([Small(100, 1), Schema.Boolean])).check(Schema.isBetweenLength(12, 30))],
    ([plan]) =>
      Effect.gen(function* () {
        const deadlines = yield* Deadlines
        const clock = yield* Clock.Clock
        const fired: Array<number> = []
        const entries = plan.map(([delay, cancelled]) => ({
          delay,
          cancelled,
          entry: deadlineEntry(() => fired.push(clock.currentTimeMillisUnsafe()))
        }))
        for (const { entry, delay } of entries) deadlines.arm(entry, delay)
        for (const { entry, cancelled } of entries) if (cancelled) deadlines.cancel(entry)
        yield* settle
        yield* TestClock.adjust(200)
        yield* settle
        const expected = entries.flatMap(({ delay, cancelled }) => (cancelled ? [] : [delay]))
        assert.deepStrictEqual(
          fired,
          expected.toSorted((a, b) => a - b)
        )
      }).pipe(Effect.provide(Deadlines.layer)),
    { arbitrary: { runs: 1_000 } }
  )
})
