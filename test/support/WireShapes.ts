/** Messages and synced conversations with the wire's names of their fields, as clients see them. */
import { Schema } from "effect"
import { SyncedConversationFields } from "../../src/domain/conversations/Sync.ts"
import { ChatAckFields, MessageFields } from "../../src/domain/messages/Message.ts"

const { conversationId, senderId, ...sameInMessage } = MessageFields
export const Message = Schema.Struct({ ...sameInMessage, conversationID: conversationId, sendId: senderId })
export type Message = typeof Message.Type

const { conversationId: syncedId, messages: _, ...sameInSync } = SyncedConversationFields
export const SyncedConversation = Schema.Struct({
  ...sameInSync,
  conversationID: syncedId,
  messages: Schema.Array(Message)
})
export type SyncedConversation = typeof SyncedConversation.Type

const { conversationId: ackedId, ...sameInAck } = ChatAckFields
export const ChatAck = Schema.Struct({ ...sameInAck, conversationID: ackedId })
export type ChatAck = typeof ChatAck.Type
