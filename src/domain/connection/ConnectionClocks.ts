/** The clocks of a connection and the end of its token: the first to end closes it (protocol.md section 1.3). */
import type { CloseName } from "../protocol/CloseCode.ts"
import type { ConnectionLimits } from "./ConnectionLimits.ts"

/** From when the clocks of a connection run; times are monotonic milliseconds, `Infinity` for a clock that is off. */
export interface ConnectionClocks {
  /** When anything at all was last received: restarts the heartbeat clock. */
  readonly heardAt: number
  /** When the client last did something: restarts the idle clock. */
  readonly activeAt: number
  readonly lifetimeEndsAt: number
  readonly tokenExpiresAt: number
}

/** The clocks of a connection that opens at `now`; its lifetime is shortened by the part `lifetimeJitter` of it. */
export const started = (
  now: number,
  limits: ConnectionLimits,
  tokenExpiresAt: number,
  lifetimeJitter: number
): ConnectionClocks => ({
  heardAt: now,
  activeAt: now,
  lifetimeEndsAt:
    limits.maxLifetimeMillis === 0
      ? Number.POSITIVE_INFINITY
      : now + Math.round(limits.maxLifetimeMillis * (1 - lifetimeJitter)),
  tokenExpiresAt
})

/** When the first of the clocks ends. */
export const firstEnd = (clocks: ConnectionClocks, limits: ConnectionLimits): number =>
  Math.min(heartbeatEndsAt(clocks, limits), idleEndsAt(clocks, limits), clocks.lifetimeEndsAt, clocks.tokenExpiresAt)

/** The close that the first of the ended clocks asks for. */
export const expired = (clocks: ConnectionClocks, limits: ConnectionLimits, now: number): CloseName | undefined => {
  let earliest = Number.POSITIVE_INFINITY
  let close: CloseName | undefined
  const consider = (at: number, name: CloseName) => {
    if (at > now || at >= earliest) return
    earliest = at
    close = name
  }
  consider(heartbeatEndsAt(clocks, limits), "HeartbeatTimeout")
  consider(idleEndsAt(clocks, limits), "IdleTimeout")
  consider(clocks.lifetimeEndsAt, "LifetimeExceeded")
  consider(clocks.tokenExpiresAt, "TokenExpired")
  return close
}

const heartbeatEndsAt = (clocks: ConnectionClocks, limits: ConnectionLimits): number =>
  limits.heartbeatIntervalMillis === 0
    ? Number.POSITIVE_INFINITY
    : clocks.heardAt + limits.heartbeatIntervalMillis + limits.heartbeatGraceMillis

const idleEndsAt = (clocks: ConnectionClocks, limits: ConnectionLimits): number =>
  limits.idleTimeoutMillis === 0 ? Number.POSITIVE_INFINITY : clocks.activeAt + limits.idleTimeoutMillis
