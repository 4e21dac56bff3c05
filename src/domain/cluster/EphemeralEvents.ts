/** The port for events that go to open connections and are never stored (protocol.md section 1.6). */
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
     * Sends the event to the connections that it concerns, on all nodes, except to its origin. Does not wait; an event that
     * cannot be sent to another node is dropped.
     */
    readonly publish: (event: EphemeralEvent, origin?: ConnectionId) => void
  }
>()("fiberchat/domain/EphemeralEvents") {}
