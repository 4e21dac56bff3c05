/** The port that closes the connections of a revoked login, wherever they are (protocol.md section 2.2). */
import { Context, Schema } from "effect"
import { UserId } from "../shared/Ids.ts"

/** A login that was revoked. Hearing of it twice does no harm. */
export const SessionRevocation = Schema.Struct({ userId: UserId, sessionId: Schema.String })
export type SessionRevocation = typeof SessionRevocation.Type

export class SessionRevocations extends Context.Service<
  SessionRevocations,
  {
    /**
     * Closes the connections of this login on this node, and has the other nodes do so. Returns at once; it is kept for
     * each node until that has acknowledged it, the login's tokens have ended, or too many wait.
     */
    readonly announce: (revocation: SessionRevocation) => void
  }
>()("fiberchat/domain/SessionRevocations") {}
