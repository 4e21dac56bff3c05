/** Conversations over HTTP (protocol.md section 2.2). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { ConversationId } from "./Conversation.ts"
import { listChangesMax } from "./ConversationLists.ts"
import { failures, Success } from "./Envelope.ts"
import { MessageId, UserId } from "./Ids.ts"
import { ChatTypeSchema, Message } from "./Message.ts"
import { historyMax } from "./MessageStore.ts"
import { Natural, NaturalFromString } from "./Natural.ts"

/** A message as the Go project's `ChatLog` names its fields, with the seq that it lacks. */
export const ChatLog = Schema.Struct({
  id: Message.fields.messageId,
  conversationId: Message.fields.conversationID,
  sendId: Message.fields.sendId,
  recvId: Message.fields.receiveId,
  msgType: Message.fields.messageType,
  msgContent: Message.fields.content,
  chatType: Message.fields.chatType,
  sendTime: Message.fields.sendTime,
  seq: Message.fields.seq,
  clientId: Message.fields.clientId,
  targetSeq: Message.fields.targetSeq,
  recalled: Message.fields.recalled,
  edited: Message.fields.edited,
  reactions: Message.fields.reactions
})
export type ChatLog = typeof ChatLog.Type

export const chatLog = (message: Message): ChatLog => {
  const { messageId, conversationID, receiveId, messageType, content, ...same } = message
  return {
    ...same,
    id: messageId,
    conversationId: conversationID,
    recvId: receiveId,
    msgType: messageType,
    msgContent: content
  }
}

/** `endSendTime < sendTime ≤ startSendTime` (Unix milliseconds), newest first; `0` leaves a bound out, as in Go. */
export const ChatLogRequest = {
  conversationId: Schema.String,
  startSendTime: Schema.optionalKey(NaturalFromString),
  endSendTime: Schema.optionalKey(NaturalFromString),
  beforeSeq: Schema.optionalKey(NaturalFromString),
  afterSeq: Schema.optionalKey(NaturalFromString),
  msgId: Schema.optionalKey(Schema.String),
  count: Schema.optionalKey(NaturalFromString.check(Schema.isBetween({ minimum: 1, maximum: historyMax })))
}

export const SetUpRequest = Schema.Struct({ sendId: UserId, recvId: UserId, chatType: ChatTypeSchema })

/**
 * A conversation of the caller's list. `total` and `seq` are the position of its last message, `read` is how far the
 * caller has read; `unread` is what lies between, one's own never.
 */
export const ConversationEntry = Schema.Struct({
  conversationId: ConversationId,
  chatType: Message.fields.chatType,
  /** The other user, or the group. */
  targetId: UserId,
  isShow: Schema.Boolean,
  pinned: Schema.Boolean,
  muted: Schema.Boolean,
  seq: Schema.Int,
  read: Schema.Int,
  total: Schema.Int,
  unread: Schema.Int,
  /** What the caller sees comes after this message. */
  joinedSeq: Schema.Int,
  /** The last message, recalls, edits and reactions left out. */
  msg: Schema.NullOr(ChatLog)
})
export type ConversationEntry = typeof ConversationEntry.Type

/** One page of a list. */
export const ConversationPage = Schema.Struct({
  userId: UserId,
  conversationList: Schema.Record(ConversationId, ConversationEntry),
  /** Where the next page begins: `?after=`. Absent on the last one. */
  next: Schema.optionalKey(Schema.String)
})

/** What the caller makes of conversations in their list; `read` moves forward only. */
export const ConversationChanges = Schema.Struct({
  conversationList: Schema.Record(
    // Checked below: a key that does not fit its schema would be left out without a word.
    Schema.String,
    Schema.Struct({
      isShow: Schema.optionalKey(Schema.Boolean),
      read: Schema.optionalKey(Natural),
      pinned: Schema.optionalKey(Schema.Boolean),
      muted: Schema.optionalKey(Schema.Boolean)
    })
  ).check(
    Schema.isMaxProperties(listChangesMax),
    Schema.makeFilter((list: object) => Object.keys(list).every(Schema.is(ConversationId)), {
      expected: "ids of conversations as keys"
    })
  )
})

export const ReadRecordsAnswer = Schema.Struct({ reads: Schema.Array(UserId), unReads: Schema.Array(UserId) })

export class ImGroup extends HttpApiGroup.make("im")
  .add(
    HttpApiEndpoint.get("chatlog", "/chatlog", {
      query: ChatLogRequest,
      success: Success(Schema.Struct({ list: Schema.Array(ChatLog) })),
      error: failures
    }),
    HttpApiEndpoint.get("readRecords", "/chatlog/readRecords", {
      query: { msgId: MessageId },
      success: Success(ReadRecordsAnswer),
      error: failures
    }),
    HttpApiEndpoint.post("setUp", "/setup/conversation", {
      payload: SetUpRequest,
      success: Success(Schema.Struct({ conversationId: ConversationId })),
      error: failures
    }),
    HttpApiEndpoint.get("conversations", "/conversation", {
      query: { after: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256))) },
      success: Success(ConversationPage),
      error: failures
    }),
    HttpApiEndpoint.put("change", "/conversation", {
      payload: ConversationChanges,
      success: Success(Schema.Struct({})),
      error: failures
    })
  )
  .middleware(Authorization)
  .prefix("/v1/im")
  .annotateMerge(OpenApi.annotations({ title: "Conversations" })) {}
