/** `session.ready`, the first frame of every connection (protocol.md section 1.1). */
import { Schema } from "effect"
import { ackModes } from "./AckMode.ts"

/** Its data; times in milliseconds, `0` for a clock or a limit that is off. */
export const SessionReady = Schema.Struct({
  userId: Schema.String,
  deviceId: Schema.String,
  connectionId: Schema.String,
  /** The identity of the store: with another one, what a client keeps is of another server. */
  store: Schema.String,
  ack: Schema.Literals(ackModes),
  heartbeatInterval: Schema.Int,
  idleTimeout: Schema.Int,
  maxLifetime: Schema.Int,
  ackTimeout: Schema.Int,
  ackRetry: Schema.Int,
  pushRetry: Schema.Int,
  pushRetryCount: Schema.Int,
  /** Pushes that may be unacknowledged: past it they are left out, and the client is told to sync. */
  pushWindow: Schema.Int,
  /** Requests in flight, past which the server reads no more of them until half of them are settled. */
  requestWindow: Schema.Int,
  /** Frames per `rateWindow`, past which the server reads more slowly. */
  rateLimit: Schema.Int,
  rateWindow: Schema.Int,
  serverTime: Schema.Int
})
export type SessionReady = typeof SessionReady.Type
