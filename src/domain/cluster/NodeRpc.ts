/** The protocol between the nodes of a cluster, for system tokens only (protocol.md section 3.2). */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { AppendOutcome } from "./AppendOutcome.ts"
import { EphemeralEvent } from "./EphemeralEvents.ts"
import { SessionRevocation } from "./SessionRevocations.ts"

/** Outcomes, events or revocations of one call. */
export const nodeBatchMax = 512

const batchOf = <S extends Schema.Top>(item: S) => Schema.Array(item).check(Schema.isMaxLength(nodeBatchMax))

export class NodeRpcs extends RpcGroup.make(
  /** Pushes stored messages to their members on this node, and settles the drafts that wait here. In the order of storing. */
  Rpc.make("Deliver", { payload: { outcomes: batchOf(AppendOutcome) } }),
  /** This node may lack outcomes: it has its clients sync. */
  Rpc.make("Resync"),
  /** Events for connections of this node. A node ignores its own events, which come back if its address is on its own list. */
  Rpc.make("RelayEvents", { payload: { nodeId: Schema.String, events: batchOf(EphemeralEvent) } }),
  /** Closes the connections of revoked logins on this node. Repeating it has no effect. */
  Rpc.make("RevokeSessions", { payload: { revocations: batchOf(SessionRevocation) } })
) {}
