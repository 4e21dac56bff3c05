/** `session.ready`, the first frame of every connection (protocol.md section 1.1). */
import { Schema } from "effect"
import { ackModes } from "./AckMode.ts"

/** Its data; times in milliseconds, `0` for a clock that is off. */
export const SessionReady = Schema.Struct({
  userId: Schema.String,
  deviceId: Schema.String,
  connectionId: Schema.String,
  ack: Schema.Literals(ackModes),
  heartbeatInterval: Schema.Int,
  idleTimeout: Schema.Int,
  maxLifetime: Schema.Int,
  ackTimeout: Schema.Int,
  ackRetry: Schema.Int,
  pushRetry: Schema.Int,
  pushRetryCount: Schema.Int,
  serverTime: Schema.Int
})
export type SessionReady = typeof SessionReady.Type
