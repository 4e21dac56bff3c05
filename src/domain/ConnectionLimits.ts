/** The limits of one connection: what the operator sets, and what is fixed (protocol.md sections 1.2 to 1.5). */

/** How data frames and pushes of a connection are acknowledged (protocol.md section 1.4). */
export const ackModes = ["none", "once", "rigor"] as const
export type AckMode = (typeof ackModes)[number]

/** Limits of one connection. A clock of `0` is off. */
export interface ConnectionLimits {
  /** The server pings this often, and expects to hear something within this plus the grace. */
  readonly heartbeatIntervalMillis: number
  readonly heartbeatGraceMillis: number
  readonly idleTimeoutMillis: number
  readonly maxLifetimeMillis: number
  /** Frames other than acks that acknowledge something, per window; `undefined` for no limit. */
  readonly rateLimit: { readonly count: number; readonly windowMillis: number } | undefined
  /** So many frames over the rate within the strike window close the connection. */
  readonly rateStrikesMax: number
  /** So many unreadable frames within the strike window close the connection. */
  readonly badFramesMax: number
  readonly strikeWindowMillis: number
  /** Past so many unsettled requests the socket is paused until half of them are settled. */
  readonly inFlightMax: number
  /** A peer that does not read within this time what waits for it (half a mebibyte) is cut off. */
  readonly drainMillisMax: number
  /** In mode rigor: how long a frame waits to be confirmed, and when the server's ack is first repeated. */
  readonly ackTimeoutMillis: number
  readonly ackRetryMillis: number
  /** In mode rigor: frames that wait for their turn; one more is refused. */
  readonly unconfirmedMax: number
  /** When an unacknowledged push is first repeated, and how often it is. */
  readonly pushRetryMillis: number
  readonly pushRetryCount: number
  /** Unacknowledged pushes; one more is left out, and the client is told to ask for it. */
  readonly unackedMax: number
  /** Conversations whose messages were left out and that the client was told of; the next stands for all others. */
  readonly leftOutMax: number
}

/** The limits that are no setting. */
export const fixedLimits = {
  heartbeatGraceMillis: 5_000,
  rateStrikesMax: 100,
  badFramesMax: 10,
  strikeWindowMillis: 10_000,
  inFlightMax: 64,
  drainMillisMax: 10_000,
  unconfirmedMax: 64,
  unackedMax: 256,
  leftOutMax: 256
} as const
