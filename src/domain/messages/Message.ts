/** Messages: what a client sends, what is stored, and what is pushed (protocol.md section 1.6). */
import { Schema } from "effect"
import { ChatType, ConversationId } from "../shared/ConversationIds.ts"
import { ConnectionId, MessageId, UserId } from "../shared/Ids.ts"

/**
 * 0 to 6 are what users write, the Go project's numbers. The others are events in the life of a conversation: 7 is
 * written by the server when a group changes; 8 to 10 change the message at `targetSeq`.
 */
export const MessageType = {
  text: 0,
  image: 1,
  file: 2,
  audio: 3,
  video: 4,
  location: 5,
  custom: 6,
  system: 7,
  recall: 8,
  edit: 9,
  reaction: 10
} as const
const WrittenType = Schema.Literals([0, 1, 2, 3, 4, 5, 6])
/** The types of messages that users write. */
export type WrittenType = typeof WrittenType.Type
const MessageTypeSchema = Schema.Literals([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
export type MessageType = typeof MessageTypeSchema.Type

/** The types of messages that are nothing by themselves, but a change of another one. */
export type ChangeType = typeof MessageType.recall | typeof MessageType.edit | typeof MessageType.reaction

/** Whether messages of this type change another one. */
export const isChange = (type: MessageType): type is ChangeType => type >= MessageType.recall

/** Whether users write messages of this type themselves. */
export const isWritten = (type: MessageType): type is WrittenType => type <= MessageType.custom
export const ChatTypeSchema = Schema.Literals([ChatType.group, ChatType.single])

/** Chosen by whoever sends: (sender, client id) names one message for ever, so that sending it twice is harmless. */
export const ClientId = Schema.String.check(Schema.isBetweenLength(1, 64))

/** Payload of `conversation.chat`. `sendId` and `conversationID` are not needed; where present they must be true. */
export const ChatPayload = Schema.Struct({
  conversationID: Schema.optionalKey(Schema.String),
  chatType: ChatTypeSchema,
  sendId: Schema.optionalKey(Schema.String),
  receiveId: UserId,
  sendTime: Schema.optionalKey(Schema.Unknown),
  message: Schema.Struct({
    messageType: WrittenType,
    content: Schema.String
  })
})
export type ChatPayload = typeof ChatPayload.Type

/** A message on its way to the store: checked by the gateway, not yet numbered. */
export const Draft = Schema.Struct({
  messageId: MessageId,
  /** The frame id that the sender chose: the idempotency key. */
  clientId: Schema.String,
  conversationId: ConversationId,
  chatType: ChatTypeSchema,
  senderId: UserId,
  /** The other user, or the group. */
  receiveId: UserId,
  /** Server time at which the gateway took it, Unix milliseconds. */
  sendTime: Schema.Int,
  messageType: MessageTypeSchema,
  content: Schema.String,
  /** The message that a recall, an edit or a reaction is about. */
  targetSeq: Schema.optionalKey(Schema.Int),
  /** The connection that sent it, which gets an ack and no push. */
  origin: Schema.optional(ConnectionId),
  /** Sent again because nothing was heard of it: a copy is on its way already, or was. */
  repeated: Schema.optionalKey(Schema.Boolean)
})
export type Draft = typeof Draft.Type

/** How many have reacted to a message in one way, and whether the reader is one of them. */
export const Reaction = Schema.Struct({ reaction: Schema.String, count: Schema.Int, own: Schema.Boolean })
export type Reaction = typeof Reaction.Type

/** A stored message, as pushed and as returned by history. */
export const Message = Schema.Struct({
  messageId: MessageId,
  clientId: Schema.String,
  conversationID: ConversationId,
  /** Position in its conversation: 1, 2, 3 … without a gap. */
  seq: Schema.Int,
  chatType: ChatTypeSchema,
  sendId: UserId,
  receiveId: UserId,
  /** Unix milliseconds, server time. */
  sendTime: Schema.Int,
  messageType: MessageTypeSchema,
  content: Schema.String,
  targetSeq: Schema.optionalKey(Schema.Int),
  /** It was recalled: its content is empty. */
  recalled: Schema.optionalKey(Schema.Literal(true)),
  /** The content is not the first one. */
  edited: Schema.optionalKey(Schema.Literal(true)),
  /** Never in a push: reactions come as messages of their own. */
  reactions: Schema.optionalKey(Schema.Array(Reaction))
})
export type Message = typeof Message.Type

/** What the ack of a chat message carries (protocol.md section 1.4). */
export const ChatAck = Schema.Struct({
  messageId: MessageId,
  conversationID: ConversationId,
  seq: Schema.Int,
  sendTime: Schema.Int
})
export type ChatAck = typeof ChatAck.Type

export const chatAck = (message: Message): ChatAck => ({
  messageId: message.messageId,
  conversationID: message.conversationID,
  seq: message.seq,
  sendTime: message.sendTime
})
