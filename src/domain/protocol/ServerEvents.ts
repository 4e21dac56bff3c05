/** The events of the client protocol: every frame that the server sends unasked (protocol.md sections 1.1, 1.5, 1.6 and 1.9). */
import { Schema } from "effect"
import { PresenceState } from "../contacts/Presence.ts"
import { Message, wireMessage } from "../messages/Message.ts"
import { ConversationId } from "../shared/ConversationIds.ts"
import { UserId } from "../shared/Ids.ts"
import { repeated, type ServerFrame } from "./Frame.ts"
import { event } from "./Method.ts"
import { SessionReady } from "./SessionReady.ts"

const InConversation = { conversationId: ConversationId, userId: UserId }

export const events = {
  sessionReady: event("session.ready", {
    summary: "The connection is open: its id, its limits and the time of the server; the first frame",
    data: SessionReady
  }),
  push: event("push", {
    summary: "A new message; acknowledged by the client, and sent again until it is",
    data: Message,
    encode: wireMessage
  }),
  syncRequired: event("sync.required", {
    summary: "Pushes of this conversation, or of all, were left out: request them with conversation.sync",
    data: Schema.Struct({
      conversationId: Schema.optionalKey(ConversationId),
      seq: Schema.optionalKey(Schema.Int)
    }).pipe(Schema.encodeKeys({ conversationId: "conversationID" }))
  }),
  presenceChanged: event("presence.changed", {
    summary: "A watched user came online or went offline",
    data: PresenceState
  }),
  typing: event("typing", {
    summary: "A member of the conversation is typing",
    data: Schema.Struct(InConversation).pipe(Schema.encodeKeys({ conversationId: "conversationID" }))
  }),
  conversationRead: event("conversation.read", {
    summary: "A member has read the conversation up to this seq",
    data: Schema.Struct({ ...InConversation, seq: Schema.Int }).pipe(
      Schema.encodeKeys({ conversationId: "conversationID" })
    )
  })
}

/** A stored message on its way to a device; `errCount` says how often it was sent before (protocol.md section 1.5). */
export const pushFrame = (message: Message, errCount?: number): ServerFrame => ({
  ...events.push.frame(message, { id: message.messageId, from: message.senderId }),
  ...repeated(errCount)
})
