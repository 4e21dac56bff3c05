/**
 * Logouts on their way to one gateway (protocol.md section 2.2): kept, in order, and brought until the gateway has
 * acknowledged them.
 */
import { Clock, Effect, Metric, Queue, type Scope } from "effect"
import { type LoggedOut, noticesMax } from "../../domain/cluster/Notice.ts"
import { backoff } from "../shared/Backoff.ts"

/** Logouts that wait for a gateway, beside those of the frame under way; past that the oldest is forgotten. */
export const logoutsMax = 50_000

export interface LogoutQueue {
  /** Keeps a logout, without waiting. */
  readonly put: (logout: LoggedOut) => void
}

const forgotten = Metric.counter("fiberchat_logouts_forgotten_total", {
  description: "Logouts that a gateway was not told of, because too many waited for it",
  incremental: true
})

/**
 * Calls `bring` with up to {@link noticesMax} at a time until the scope ends; after a failure again, at most 2.4 s later.
 * What was put in longer than `keptMillis` ago is dropped: the tokens of such a login have ended by then.
 */
export const makeLogoutQueue = <E>(
  bring: (logouts: ReadonlyArray<LoggedOut>) => Effect.Effect<void, E>,
  keptMillis: number
): Effect.Effect<LogoutQueue, never, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<never>()
    const clock = yield* Clock.Clock
    const queue = yield* Queue.sliding<{ readonly logout: LoggedOut; readonly endsAt: number }>(logoutsMax)

    const bringNext = Effect.gen(function* () {
      const next = yield* Queue.takeBetween(queue, 1, noticesMax)
      const restMillis = Math.max(...next.map(({ endsAt }) => endsAt)) - clock.currentTimeMillisUnsafe()
      if (restMillis <= 0) return
      yield* bring(next.map(({ logout }) => logout)).pipe(
        Effect.tapError((error) => Effect.logWarning(`${next.length} logouts will be brought again`, error)),
        Effect.retry(backoff("100 millis")),
        Effect.timeoutOption(restMillis)
      )
    })
    yield* Effect.forkScoped(Effect.forever(bringNext))

    return {
      put: (logout) => {
        if (Queue.isFullUnsafe(queue)) forgotten.updateUnsafe(1, context)
        Queue.offerUnsafe(queue, { logout, endsAt: clock.currentTimeMillisUnsafe() + keptMillis })
      }
    }
  })
