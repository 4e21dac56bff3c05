/** {@link Budgets} in memory, for one node. */
import { Clock, Effect, Layer } from "effect"
import { Budgets } from "../../domain/connection/Budgets.ts"
import { GatewayPolicy } from "../../domain/connection/GatewayPolicy.ts"
import { charge, fullBudget, type RateBudget, type UnitRate } from "../../domain/connection/RateBudget.ts"
import { monotonicMillis } from "../../domain/shared/MonotonicTime.ts"

/** Users, and networks, that are remembered; past it the one that asked longest ago is forgotten. */
const keysMax = 100_000
/** The longest debt of a user; it outlives what one read of each of many sockets can cost. */
const userDebtMillisMax = 60_000
/** The longest debt of a network: others in it, who did nothing, wait no longer. */
const networkDebtMillisMax = 5_000
/** The wait of a user who was cut off for the second time, and the longest. The first time may be a bad network: no wait. */
const waitMillisMin = 1_000
const waitMillisMax = 60_000
/** After so long without being cut off, the next time is the first again. */
const forgivenMillis = 5 * 60_000

/**
 * A table that forgets what was used longest ago. Effect's `Cache` would do, but looking something up there is an effect, and
 * budgets are looked up within the turns of connection actors.
 */
class Recent<A> {
  private readonly entries = new Map<string, A>()

  get(key: string): A | undefined {
    return this.entries.get(key)
  }

  set(key: string, value: A): void {
    this.entries.delete(key)
    this.entries.set(key, value)
    if (this.entries.size <= keysMax) return
    const [oldest] = this.entries.keys()
    if (oldest !== undefined) this.entries.delete(oldest)
  }
}

/** The milliseconds until a debt is paid, and the units that were not lent. */
interface Charged {
  readonly debtMillis: number
  readonly covered: number
}

/** The budgets of one kind, by key. A budget that was forgotten is full. */
const budgetsOf = (limit: UnitRate | undefined, debtMillisMax: number) => {
  const budgets = new Recent<RateBudget>()
  return (key: string | undefined, units: number, now: number): Charged => {
    if (limit === undefined || key === undefined) return { debtMillis: 0, covered: units }
    const refilled = charge(budgets.get(key) ?? fullBudget(now, limit), 0, now, limit, debtMillisMax)
    if (units === 0) return { debtMillis: debtOf(refilled, limit), covered: 0 }
    const after = charge(refilled, units, now, limit, debtMillisMax)
    budgets.set(key, after)
    const covered = Math.min(units, Math.max(0, refilled.credit) / limit.windowMillis)
    return { debtMillis: debtOf(after, limit), covered }
  }
}

const debtOf = ({ credit }: RateBudget, { count }: UnitRate): number => (credit < 0 ? Math.ceil(-credit / count) : 0)

export const layer = Layer.effect(
  Budgets,
  Effect.gen(function* () {
    const { userRateLimit, networkRateLimit } = yield* GatewayPolicy
    const clock = yield* Clock.Clock
    const chargeUser = budgetsOf(userRateLimit, userDebtMillisMax)
    const chargeNetwork = budgetsOf(networkRateLimit, networkDebtMillisMax)
    const waits = new Recent<{ readonly at: number; readonly millis: number }>()

    return Budgets.of({
      charge: ({ userId, network }, units) => {
        const now = monotonicMillis(clock)
        // Debts of a user are paid by that user's waiting, and not by the others of the network.
        const user = chargeUser(userId, units, now)
        return Math.max(user.debtMillis, chargeNetwork(network, user.covered, now).debtMillis)
      },
      cutOff: (userId) => {
        const now = monotonicMillis(clock)
        const before = waits.get(userId)
        const isFirst = before === undefined || now - before.at > forgivenMillis
        const next = isFirst ? 0 : Math.min(waitMillisMax, Math.max(waitMillisMin, before.millis * 2))
        waits.set(userId, { at: now, millis: next })
      },
      waitMillis: (userId) => {
        const wait = waits.get(userId)
        return wait === undefined ? 0 : Math.max(0, wait.at + wait.millis - monotonicMillis(clock))
      }
    })
  })
)
