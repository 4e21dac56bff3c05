/** The port to the other nodes, for events that this node's own connections already have. */
import { Context } from "effect"
import type { EphemeralEvent } from "./EphemeralEvents.ts"
import type { SessionRevocation } from "./SessionRevocations.ts"

export class Peers extends Context.Service<
  Peers,
  {
    /** Relays an event without waiting. It is dropped when a peer is away or too slow. */
    readonly relay: (event: EphemeralEvent) => void
    /**
     * Relays a revocation without waiting. It is kept for each peer until that has acknowledged it, the login's tokens have
     * expired, or too many wait.
     */
    readonly revoke: (revocation: SessionRevocation) => void
    /** Whether events with this node id are this node's own. */
    readonly isSelf: (nodeId: string) => boolean
  }
>()("fiberchat/domain/Peers") {}
