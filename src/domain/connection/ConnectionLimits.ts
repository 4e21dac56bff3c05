/** The limits of one connection: those that the operator sets, and fixed ones (protocol.md sections 1.2 to 1.5). */
import type { AckLimits } from "./AckService.ts"
import type { UnitRate } from "./RateBudget.ts"

/** The limits of one connection without those of acks. A timeout of `0` is off. */
export interface SocketLimits {
  /** The interval of pings; the heartbeat timeout is this plus the grace. */
  readonly heartbeatIntervalMillis: number
  readonly heartbeatGraceMillis: number
  readonly idleTimeoutMillis: number
  readonly maxLifetimeMillis: number
  /**
   * Units per window, past which the socket is read more slowly; `undefined` for no limit. A frame costs one for each 4 Ki of
   * its text begun, and an ack only where it acknowledges nothing.
   */
  readonly rateLimit: UnitRate | undefined
  /** So many unreadable frames within the strike window close the connection. */
  readonly badFramesMax: number
  readonly strikeWindowMillis: number
  /** Past so many unsettled requests the socket is paused until half of them are settled. */
  readonly inFlightMax: number
  /** A peer that has not read the waiting half mebibyte after this time is cut off. */
  readonly drainMillisMax: number
}

/** All limits of one connection. */
export interface ConnectionLimits extends SocketLimits, AckLimits {}

/** The limits that the operator cannot set. */
export const fixedLimits = {
  heartbeatGraceMillis: 5_000,
  badFramesMax: 10,
  strikeWindowMillis: 10_000,
  inFlightMax: 64,
  drainMillisMax: 10_000
} as const
