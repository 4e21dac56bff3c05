/** The port that limits attempts to log in, register or refresh (`CHAT_AUTH_RATE_LIMIT`). */
import { Context, type Effect } from "effect"
import type { Failure } from "../shared/Failure.ts"

export class AuthRateLimiter extends Context.Service<
  AuthRateLimiter,
  {
    /** Counts an attempt under a key; past the limit it fails with the time until the key's window ends. */
    readonly take: (key: string) => Effect.Effect<void, Failure<"RateLimited">>
    /** Takes back the count of an attempt that was right: only wrong ones use the limit up. */
    readonly giveBack: (key: string) => Effect.Effect<void>
  }
>()("fiberchat/domain/AuthRateLimiter") {}
