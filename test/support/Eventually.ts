/** Waits for what a test can observe, for as long as a fault and the recovery from it may take. */
import { Effect } from "effect"
import { hangMillis } from "./HangLimit.ts"

const lookMillis = 10

/** The first value that `read` has; looks again until then. `what` is said when it does not come. */
export const eventually = <A>(
  what: string | (() => string),
  read: () => A | undefined,
  millis = hangMillis
): Effect.Effect<A> =>
  Effect.gen(function* () {
    for (;;) {
      const value = read()
      if (value !== undefined) return value
      yield* Effect.sleep(lookMillis)
    }
  }).pipe(
    Effect.timeoutOrElse({
      duration: millis,
      orElse: () => Effect.die(new Error(`not within ${millis} ms: ${typeof what === "string" ? what : what()}`))
    })
  )

/** Looks until the condition holds. */
export const until = (what: string | (() => string), holds: () => boolean, millis?: number): Effect.Effect<true> =>
  eventually(what, () => (holds() ? true : undefined), millis)
