/**
 * How often the cases that a property is about occur among its random ones: a property that never meets them passes,
 * and says nothing.
 */
import { assert, it } from "@effect/vitest"

export interface Occurrences<Case extends string> {
  /** Counts a try: a run of the property, or a step of one. */
  readonly run: () => void
  /** Counts an occurrence of this case. */
  readonly saw: (what: Case, occurs?: boolean) => void
  /** Adds the test that fails when a case has occurred too seldom. To be called after the property. */
  readonly check: () => void
}

/**
 * Counts the cases of one property. The minimums are at most half of what is usual, so that chance does not decide. They
 * hold for a property that has run: not where a single test is chosen by its name.
 */
export const occurrences = <Case extends string>(
  property: string,
  minimums: Readonly<Record<Case, number>>
): Occurrences<Case> => {
  const counts = new Map<string, number>()
  let runs = 0
  return {
    run: () => {
      runs += 1
    },
    saw: (what, occurs = true) => {
      if (occurs) counts.set(what, (counts.get(what) ?? 0) + 1)
    },
    check: () =>
      it(`${property}: each case occurs often enough`, () => {
        const all = Object.entries<number>(minimums).map(([what, minimum]) => ({
          what,
          minimum,
          count: counts.get(what) ?? 0
        }))
        if (runs === 0) return
        assert.deepStrictEqual(
          all.flatMap(({ what, minimum, count }) =>
            count < minimum ? [`${what}: ${count} times in ${runs} tries, at least ${minimum} are needed`] : []
          ),
          []
        )
      })
  }
}
