/** The ports that limit attempts to log in, register or refresh, and looking for other users. */
import { Context, type Effect } from "effect"
import type { Failure } from "../shared/Failure.ts"

/** Counters by key, each in a window of time. */
export interface RateLimiter {
  /** Counts one, or so many, under a key; past the limit it fails with the time until the key's window ends. */
  readonly take: (key: string, count?: number) => Effect.Effect<void, Failure<"RateLimited">>
  /** Takes one back: a right attempt does not use the limit up. */
  readonly giveBack: (key: string) => Effect.Effect<void>
}

/** Attempts to log in, register or refresh (`CHAT_AUTH_RATE_LIMIT`). */
export class AuthRateLimiter extends Context.Service<AuthRateLimiter, RateLimiter>()(
  "fiberchat/domain/AuthRateLimiter"
) {}

/** Users that one user looks for, by phone, id or name (`CHAT_FIND_RATE_LIMIT`). */
export class FindRateLimiter extends Context.Service<FindRateLimiter, RateLimiter>()(
  "fiberchat/domain/FindRateLimiter"
) {}
