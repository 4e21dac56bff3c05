/** Messages: what a client sends, what is stored, and what is pushed (protocol.md section 1.6). */
import { Schema } from "effect"
import { ChatType, ConversationId } from "./Conversation.ts"
import { ConnectionId, MessageId, UserId } from "./Ids.ts"

/** The longest content, in bytes of UTF-8. */
export const contentBytesMax = 16 * 1024

/** The Go project's numbers. */
export const MessageType = { text: 0, image: 1, file: 2, audio: 3, video: 4, location: 5, custom: 6 } as const
const MessageTypeSchema = Schema.Literals([0, 1, 2, 3, 4, 5, 6])
export type MessageType = typeof MessageTypeSchema.Type
const ChatTypeSchema = Schema.Literals([ChatType.group, ChatType.single])

/** Payload of `conversation.chat`. `sendId` and `conversationID` are not needed; where present they must be true. */
export const ChatPayload = Schema.Struct({
  conversationID: Schema.optionalKey(Schema.String),
  chatType: ChatTypeSchema,
  sendId: Schema.optionalKey(Schema.String),
  receiveId: UserId,
  sendTime: Schema.optionalKey(Schema.Unknown),
  message: Schema.Struct({
    messageType: MessageTypeSchema,
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
  receiveId: UserId,
  /** Server time at which the gateway took it, Unix milliseconds. */
  sendTime: Schema.Int,
  messageType: MessageTypeSchema,
  content: Schema.String,
  /** The connection that sent it, which gets an ack and no push. */
  origin: Schema.optional(ConnectionId),
  /** Sent again because nothing was heard of it: a copy is on its way already, or was. */
  repeated: Schema.optionalKey(Schema.Boolean)
})
export type Draft = typeof Draft.Type

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
  content: Schema.String
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

const Url = Schema.String.check(Schema.isBetweenLength(1, 4096))
const Bytes = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Seconds = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/** What the JSON content of each structured message type must hold; more fields are allowed. */
const structuredContent = {
  [MessageType.image]: Schema.Struct({ url: Url, width: Schema.optionalKey(Bytes), height: Schema.optionalKey(Bytes) }),
  [MessageType.file]: Schema.Struct({ url: Url, name: Schema.String, size: Schema.optionalKey(Bytes) }),
  [MessageType.audio]: Schema.Struct({ url: Url, duration: Schema.optionalKey(Seconds) }),
  [MessageType.video]: Schema.Struct({ url: Url, duration: Schema.optionalKey(Seconds) }),
  [MessageType.location]: Schema.Struct({
    latitude: Schema.Finite.check(Schema.isBetween({ minimum: -90, maximum: 90 })),
    longitude: Schema.Finite.check(Schema.isBetween({ minimum: -180, maximum: 180 })),
    title: Schema.optionalKey(Schema.String)
  }),
  [MessageType.custom]: Schema.Unknown
}

const contentChecks: { readonly [T in MessageType]?: (content: string) => boolean } = Object.fromEntries(
  Object.entries(structuredContent).map(([type, schema]) => [type, Schema.is(Schema.toEncoded(schema))])
)

const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

/** Whether the content is well-formed Unicode and fits its type: any text, or JSON of the type's shape. */
export const isContentValid = (type: MessageType, content: string): boolean => {
  // Half of a surrogate pair has no UTF-8: what is stored would not be what was sent.
  if (!content.isWellFormed()) return false
  const check = contentChecks[type] as ((value: unknown) => boolean) | undefined
  if (check === undefined) return true
  const parsed = parseJson(content)
  return parsed._tag === "Success" && check(parsed.success)
}

const utf8 = new TextEncoder()

/** Whether the content is within {@link contentBytesMax}; most texts are decided by their length alone. */
export const isContentSmall = (content: string): boolean =>
  content.length * 3 <= contentBytesMax ||
  (content.length <= contentBytesMax && utf8.encode(content).length <= contentBytesMax)
