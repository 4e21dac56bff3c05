/** The port for events that are told to open connections and never stored (protocol.md section 1.6). */
import { Context, Schema } from "effect"
import { ConversationId } from "../shared/ConversationIds.ts"
import { type ConnectionId, UserId } from "../shared/Ids.ts"

/** An event that is of no consequence when it is lost. */
export const EphemeralEvent = Schema.TaggedUnion({
  /** A member's read position has moved. `onlyOwn` keeps it from the other one where either of the two blocks the other. */
  Read: { conversationId: ConversationId, userId: UserId, seq: Schema.Int, onlyOwn: Schema.Boolean },
  Typing: { conversationId: ConversationId, userId: UserId }
})
export type EphemeralEvent = typeof EphemeralEvent.Type

export class EphemeralEvents extends Context.Service<
  EphemeralEvents,
  {
    /**
     * Tells the connections that the event concerns, on this node and on the others, but not its origin. Returns at
     * once; an event that cannot be brought to another node is dropped.
     */
    readonly publish: (event: EphemeralEvent, origin?: ConnectionId) => void
  }
>()("fiberchat/domain/EphemeralEvents") {}
