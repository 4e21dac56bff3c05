/** {@link AuthRateLimiter} and {@link FindRateLimiter} in memory. */
import { Cache, Effect, Layer } from "effect"
import { AuthRateLimiter, FindRateLimiter, type RateLimiter } from "../../domain/accounts/RateLimiters.ts"
import { failure } from "../../domain/shared/Failure.ts"
import { monotonicNow } from "../../domain/shared/MonotonicTime.ts"
import { Settings } from "../settings/Settings.ts"
import type { RateLimit } from "../settings/SettingsReader.ts"

/** Keys that are remembered; past it the least recently used is forgotten. */
const keysMax = 100_000

/**
 * A counter per key in a window that begins with the key's first use. Effect's `RateLimiter` would do, but its in-memory
 * store never forgets a key, and keys come from outside. The cache's own time to live is by the wall clock.
 */
const make = Effect.fnUntraced(function* (limit: RateLimit | undefined): Effect.fn.Return<RateLimiter> {
  if (limit === undefined) return { take: () => Effect.void, giveBack: () => Effect.void }
  const windows = yield* Cache.make({
    capacity: keysMax,
    lookup: (_key: string) => Effect.succeed({ openedAt: Number.NEGATIVE_INFINITY, used: 0 })
  })
  const windowOf = Effect.fnUntraced(function* (key: string) {
    const window = yield* Cache.get(windows, key)
    const now = yield* monotonicNow
    if (now >= window.openedAt + limit.windowMillis) Object.assign(window, { openedAt: now, used: 0 })
    return { window, now }
  })
  return {
    take: Effect.fnUntraced(function* (key, count = 1) {
      const { window, now } = yield* windowOf(key)
      // A count above the whole window needs one for itself.
      const used = window.used + Math.min(count, limit.count)
      if (used <= limit.count) {
        window.used = used
        return
      }
      return yield* failure("RateLimited", { retryAfter: Math.max(1, window.openedAt + limit.windowMillis - now) })
    }),
    giveBack: Effect.fnUntraced(function* (key) {
      const { window } = yield* windowOf(key)
      window.used = Math.max(0, window.used - 1)
    })
  }
})

export const layer = Layer.merge(
  Layer.effect(
    AuthRateLimiter,
    Effect.flatMap(Settings, ({ authRateLimit }) => make(authRateLimit))
  ),
  Layer.effect(
    FindRateLimiter,
    Effect.flatMap(Settings, ({ findRateLimit }) => make(findRateLimit))
  )
)
