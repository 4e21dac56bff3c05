/** {@link AuthRateLimiter} in memory. */
import { Cache, Effect, Layer } from "effect"
import { AuthRateLimiter } from "../../domain/accounts/AuthRateLimiter.ts"
import { failure } from "../../domain/shared/Failure.ts"
import { monotonicNow } from "../../domain/shared/MonotonicTime.ts"
import { Settings } from "../settings/Settings.ts"

/** Keys that are remembered; past it the least recently used is forgotten. */
const keysMax = 100_000

/**
 * A counter per key in a window that begins with the key's first use. Effect's `RateLimiter` would do, but its in-memory
 * store never forgets a key, and keys come from outside. The cache's own time to live is by the wall clock.
 */
export const layer = Layer.effect(
  AuthRateLimiter,
  Effect.gen(function* () {
    const { authRateLimit } = yield* Settings
    if (authRateLimit === undefined) return AuthRateLimiter.of({ take: () => Effect.void, giveBack: () => Effect.void })
    const { count, windowMillis } = authRateLimit
    const windows = yield* Cache.make({
      capacity: keysMax,
      lookup: (_key: string) => Effect.succeed({ openedAt: Number.NEGATIVE_INFINITY, used: 0 })
    })
    const windowOf = Effect.fnUntraced(function* (key: string) {
      const window = yield* Cache.get(windows, key)
      const now = yield* monotonicNow
      if (now >= window.openedAt + windowMillis) Object.assign(window, { openedAt: now, used: 0 })
      return { window, now }
    })
    return AuthRateLimiter.of({
      take: Effect.fnUntraced(function* (key) {
        const { window, now } = yield* windowOf(key)
        window.used += 1
        if (window.used <= count) return
        return yield* failure("RateLimited", { retryAfter: Math.max(1, window.openedAt + windowMillis - now) })
      }),
      giveBack: Effect.fnUntraced(function* (key) {
        const { window } = yield* windowOf(key)
        window.used = Math.max(0, window.used - 1)
      })
    })
  })
)
