/**
 * The port to the budgets of users and networks: what all connections and requests of one may cost together
 * (protocol.md section 1.2).
 */
import { Context, Effect } from "effect"
import { Asker, type Caller } from "../shared/Asker.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"

export class Budgets extends Context.Service<
  Budgets,
  {
    /**
     * Takes units from a user where one is known, and from a network those of them for which the user does not go into debt.
     * Returns the milliseconds until the later of their debts is paid, 0 without one.
     */
    readonly charge: (caller: Partial<Caller>, units: number) => number
    /**
     * Remembers that a connection of this user was cut off. The first time has no consequence; each one within five minutes after
     * another doubles the wait.
     */
    readonly cutOff: (userId: UserId) => void
    /** Milliseconds for which a user who was cut off opens no new connection; 0 for none. */
    readonly waitMillis: (userId: UserId) => number
  }
>()("fiberchat/domain/Budgets") {}

/** Takes the cost of a request, which is refused while a debt is unpaid. */
export const enter = (
  budgets: Budgets["Service"],
  caller: Partial<Caller>,
  units: number
): Effect.Effect<void, Failure<"RateLimited">> =>
  Effect.suspend(() => {
    const retryAfter = budgets.charge(caller, 0)
    if (retryAfter > 0) return Effect.fail(failure("RateLimited", { retryAfter }))
    budgets.charge(caller, units)
    return Effect.void
  })

/** The longest wait for a refusal, in milliseconds. */
const refusalMillisMax = 1_000

/** The same for a caller who is kept waiting for a refusal, and so does not ask again at once. */
export const enterSlowly = (...request: Parameters<typeof enter>): ReturnType<typeof enter> =>
  Effect.tapError(enter(...request), ({ retryAfter = 0 }) => Effect.sleep(Math.min(refusalMillisMax, retryAfter)))

/** Takes units from the user for whom this fiber works, for work that costs more than its request. Nothing is refused. */
export const spend = (budgets: Budgets["Service"], units: number): Effect.Effect<void> =>
  Asker.use((asker) =>
    Effect.sync(() => {
      if (asker !== undefined) budgets.charge(asker, Math.ceil(units))
    })
  )
