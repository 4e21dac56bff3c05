/** WebSocket close codes: why a connection ended. Docs/protocol.md section 1.8 says whether to come back. */

/** One row per way in which the server closes a connection. */
export const closeCodes = {
  GoingAway: { code: 1001, reason: "going-away" },
  Abuse: { code: 1008, reason: "protocol-abuse" },
  /** A frame above the limit. Sent by the WebSocket library, which gives no reason. */
  TooBig: { code: 1009, reason: "" },
  /** Anything else that is no WebSocket message. Sent by the library, too, with 1007 for bytes that are not UTF-8. */
  ProtocolError: { code: 1002, reason: "" },
  InternalError: { code: 1011, reason: "internal-error" },
  HeartbeatTimeout: { code: 4000, reason: "heartbeat-timeout" },
  IdleTimeout: { code: 4001, reason: "idle-timeout" },
  LifetimeExceeded: { code: 4002, reason: "lifetime-exceeded" },
  Replaced: { code: 4003, reason: "replaced" },
  TokenExpired: { code: 4004, reason: "token-expired" },
  /** The login of its token was revoked. */
  Revoked: { code: 4004, reason: "revoked" },
  SlowConsumer: { code: 4008, reason: "slow-consumer" }
} as const satisfies Record<string, { code: number; reason: string }>

export type CloseName = keyof typeof closeCodes

/** Closes that say nothing about the user: a clock of the server, or its end. Their clients will be back. */
export const comingBack: ReadonlySet<CloseName> = new Set(["IdleTimeout", "LifetimeExceeded", "GoingAway"])

/** Closes for which the peer is at fault: its user waits before a next connection, longer each time. */
export const cuttingOff: ReadonlySet<CloseName> = new Set(["Abuse", "SlowConsumer", "ProtocolError"])
