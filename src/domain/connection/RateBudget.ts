/** A budget: how much a peer may ask for, and how long it pays for what it asks beyond (protocol.md section 1.2). */

/** So many units per window. A unit is the cost of one short frame. */
export interface UnitRate {
  readonly count: number
  readonly windowMillis: number
}

/** A token bucket that can be overdrawn. Times in milliseconds, `Infinity` for never. */
export interface RateBudget {
  /** A unit costs `windowMillis`, a millisecond refills `count`: all integers. Below 0 it is a debt. */
  readonly credit: number
  readonly refilledAt: number
  /** When all debts are paid, this budget's and those of others that count here; `Infinity` without one. */
  readonly paidAt: number
  /** The units that were ever taken. */
  readonly spent: number
}

/** So many UTF-16 units cost as much as a frame; a shorter frame costs one. */
const unitSize = 4 * 1024

/** The cost of a frame with a text of this size. */
export const frameUnits = (size: number): number => Math.max(1, Math.ceil(size / unitSize))

export const fullBudget = (now: number, limit: UnitRate | undefined): RateBudget => ({
  credit: limit === undefined ? 0 : limit.count * limit.windowMillis,
  refilledAt: now,
  paidAt: Number.POSITIVE_INFINITY,
  spent: 0
})

export const isIndebted = ({ paidAt }: RateBudget): boolean => paidAt !== Number.POSITIVE_INFINITY

/** Takes units; what the credit does not cover becomes a debt, of `debtMillisMax` at most. Without a limit it only counts. */
export const charge = (
  budget: RateBudget,
  units: number,
  now: number,
  limit: UnitRate | undefined,
  debtMillisMax = Number.POSITIVE_INFINITY
): RateBudget => {
  const spent = budget.spent + units
  if (limit === undefined) return { ...budget, spent }
  const { count, windowMillis } = limit
  const refilled = Math.min(count * windowMillis, budget.credit + (now - budget.refilledAt) * count)
  const credit = Math.max(-debtMillisMax * count, refilled - units * windowMillis)
  const after = { ...budget, credit, refilledAt: now, spent }
  return credit < 0 ? indebted(after, now + Math.ceil(-credit / count)) : after
}

/** The budget with a debt until then, beside those that it has. */
export const indebted = (budget: RateBudget, until: number): RateBudget => ({
  ...budget,
  paidAt: isIndebted(budget) ? Math.max(budget.paidAt, until) : until
})

/** The budget after its debts, when the time of {@link RateBudget.paidAt} has come. */
export const paid = (budget: RateBudget): RateBudget => ({ ...budget, paidAt: Number.POSITIVE_INFINITY })
