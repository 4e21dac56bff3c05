/** The rate limit of a connection: what a client may send, and how long it pays for what it sends beyond (protocol.md 1.2). */
import type { SocketLimits } from "./ConnectionLimits.ts"

/** A token bucket that can be overdrawn. Times in milliseconds, `Infinity` for never. */
export interface RateBudget {
  /** One frame of the limit costs `windowMillis`, a millisecond refills `count`: all integers. Below 0 it is a debt. */
  readonly credit: number
  readonly refilledAt: number
  /** When the debt is paid; `Infinity` without one. */
  readonly paidAt: number
}

/** So many UTF-16 units cost as much as a frame; a shorter frame costs one. */
const unitSize = 4 * 1024

export const fullBudget = (now: number, limit: SocketLimits["rateLimit"]): RateBudget => ({
  credit: limit === undefined ? 0 : limit.count * limit.windowMillis,
  refilledAt: now,
  paidAt: Number.POSITIVE_INFINITY
})

export const isIndebted = ({ paidAt }: RateBudget): boolean => paidAt !== Number.POSITIVE_INFINITY

/** Takes the cost of a frame with a text of this size; what the credit does not cover becomes a debt. */
export const charge = (budget: RateBudget, size: number, now: number, limit: SocketLimits["rateLimit"]): RateBudget => {
  if (limit === undefined) return budget
  const { count, windowMillis } = limit
  const refilled = budget.credit + (now - budget.refilledAt) * count
  const credit = Math.min(count * windowMillis, refilled) - Math.max(1, Math.ceil(size / unitSize)) * windowMillis
  return { credit, refilledAt: now, paidAt: credit < 0 ? now + Math.ceil(-credit / count) : budget.paidAt }
}

/** The budget after its debt, when the time of {@link RateBudget.paidAt} has come. */
export const paid = (budget: RateBudget): RateBudget => ({ ...budget, paidAt: Number.POSITIVE_INFINITY })
