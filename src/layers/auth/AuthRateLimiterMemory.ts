/** {@link AuthRateLimiter} in memory. */
import { Cache, Clock, Effect, Layer } from "effect"
import { AuthRateLimiter } from "../../domain/accounts/AuthRateLimiter.ts"
import { failure } from "../../domain/shared/Failure.ts"
import { Settings } from "../settings/Settings.ts"

/** Keys that are remembered; past it the least recently used is forgotten. */
const keysMax = 100_000

/**
 * A counter per key in a window that begins with the key's first use. Effect's `RateLimiter` would do, but its in-memory
 * store never forgets a key, and keys come from outside.
 */
export const layer = Layer.effect(
  AuthRateLimiter,
  Effect.gen(function* () {
    const { authRateLimit } = yield* Settings
    if (authRateLimit === undefined) return AuthRateLimiter.of({ take: () => Effect.void, giveBack: () => Effect.void })
    const { count, windowMillis } = authRateLimit
    const windows = yield* Cache.make({
      capacity: keysMax,
      timeToLive: windowMillis,
      lookup: (_key: string) => Effect.map(Clock.currentTimeMillis, (openedAt) => ({ openedAt, used: 0 }))
    })
    return AuthRateLimiter.of({
      take: Effect.fnUntraced(function* (key) {
        const window = yield* Cache.get(windows, key)
        window.used += 1
        if (window.used <= count) return
        const now = yield* Clock.currentTimeMillis
        return yield* failure("RateLimited", { retryAfter: Math.max(1, window.openedAt + windowMillis - now) })
      }),
      giveBack: Effect.fnUntraced(function* (key) {
        const window = yield* Cache.get(windows, key)
        window.used = Math.max(0, window.used - 1)
      })
    })
  })
)
