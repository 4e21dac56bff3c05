/** The operator's settings of connections; the actors read them, the configuration provides them. */
import { Context } from "effect"
import type { SocketLimits } from "./ConnectionLimits.ts"
import type { UnitRate } from "./RateBudget.ts"

/** How many connections a user may have at once, and which one goes when there is one too many. */
export type LoginPolicy = "single" | "perPlatform" | "perDevice" | "multi"

export class GatewayPolicy extends Context.Service<
  GatewayPolicy,
  {
    readonly limits: SocketLimits
    /** The budgets of all connections and requests of one user, and of one network; `undefined` for no limit. */
    readonly userRateLimit: UnitRate | undefined
    readonly networkRateLimit: UnitRate | undefined
    readonly loginPolicy: LoginPolicy
    /** Open connections of this node; further ones are refused with 503. */
    readonly connectionsMax: number
    /** Open connections of one user on this node; one more, and the oldest is replaced. */
    readonly userConnectionsMax: number
    /** Open connections of one network on this node; further ones are refused with 429. */
    readonly networkConnectionsMax: number
    /** The time over which clients reconnect after a drain; each gets a random moment of it. */
    readonly drainWindowMillis: number
  }
>()("fiberchat/domain/GatewayPolicy") {}
