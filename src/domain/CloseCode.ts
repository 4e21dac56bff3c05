/** WebSocket close codes: why a connection ended and whether the client should come back (protocol.md section 1.7). */

export type ComeBack = "no" | "backoff" | "afterRetry" | "afterLogin" | "thenSync"

/** One row per way in which the server closes a connection. */
export const closeCodes = {
  GoingAway: { code: 1001, reason: "going-away", comeBack: "afterRetry" },
  Abuse: { code: 1008, reason: "protocol-abuse", comeBack: "no" },
  TooBig: { code: 1009, reason: "too-big", comeBack: "no" },
  InternalError: { code: 1011, reason: "internal-error", comeBack: "backoff" },
  HeartbeatTimeout: { code: 4000, reason: "heartbeat-timeout", comeBack: "backoff" },
  IdleTimeout: { code: 4001, reason: "idle-timeout", comeBack: "backoff" },
  LifetimeExceeded: { code: 4002, reason: "lifetime-exceeded", comeBack: "backoff" },
  Replaced: { code: 4003, reason: "replaced", comeBack: "no" },
  TokenExpired: { code: 4004, reason: "token-expired", comeBack: "afterLogin" },
  SlowConsumer: { code: 4008, reason: "slow-consumer", comeBack: "thenSync" },
  RateLimited: { code: 4029, reason: "rate-limited", comeBack: "afterRetry" }
} as const satisfies Record<string, { code: number; reason: string; comeBack: ComeBack }>

export type CloseName = keyof typeof closeCodes
