/** Limits how often one address or one phone may try to log in, register or refresh (`CHAT_AUTH_RATE_LIMIT`). */
import { Cache, Clock, Context, Effect, Layer } from "effect"
import { type Failure, failure } from "../../domain/shared/Failure.ts"
import { Settings } from "../settings/Settings.ts"

/** Keys that are remembered; past it the least recently used is forgotten. */
const keysMax = 100_000

/**
 * A counter per key in a window that begins with the key's first use. Effect's `RateLimiter` would do, but its
 * in-memory store never forgets a key, and keys come from outside.
 */
export class AuthRateLimiter extends Context.Service<
  AuthRateLimiter,
  {
    /** Fails with `RateLimited` and the time until the window ends. */
    readonly take: (key: string) => Effect.Effect<void, Failure>
  }
>()("fiberchat/layers/AuthRateLimiter") {
  static readonly layer = Layer.effect(
    AuthRateLimiter,
    Effect.gen(function* () {
      const { authRateLimit } = yield* Settings
      if (authRateLimit === undefined) return AuthRateLimiter.of({ take: () => Effect.void })
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
        })
      })
    })
  )
}
