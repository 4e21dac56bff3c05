/** Conversations over HTTP (protocol.md section 2.2), as far as they exist. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { failures, Success } from "./Envelope.ts"
import { Message } from "./Message.ts"
import { historyMax } from "./MessageStore.ts"

const Natural = Schema.FiniteFromString.check(Schema.isInt(), Schema.isGreaterThanOrEqualTo(0))

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
  clientId: Message.fields.clientId
})
export type ChatLog = typeof ChatLog.Type

export const chatLog = (message: Message): ChatLog => ({
  id: message.messageId,
  conversationId: message.conversationID,
  sendId: message.sendId,
  recvId: message.receiveId,
  msgType: message.messageType,
  msgContent: message.content,
  chatType: message.chatType,
  sendTime: message.sendTime,
  seq: message.seq,
  clientId: message.clientId
})

/** `endSendTime < sendTime ≤ startSendTime` (Unix milliseconds), newest first; `0` leaves a bound out, as in Go. */
export const ChatLogRequest = {
  conversationId: Schema.String,
  startSendTime: Schema.optionalKey(Natural),
  endSendTime: Schema.optionalKey(Natural),
  beforeSeq: Schema.optionalKey(Natural),
  afterSeq: Schema.optionalKey(Natural),
  msgId: Schema.optionalKey(Schema.String),
  count: Schema.optionalKey(Natural.check(Schema.isBetween({ minimum: 1, maximum: historyMax })))
}

export class ImGroup extends HttpApiGroup.make("im")
  .add(
    HttpApiEndpoint.get("chatlog", "/chatlog", {
      query: ChatLogRequest,
      success: Success(Schema.Struct({ list: Schema.Array(ChatLog) })),
      error: failures
    })
  )
  .middleware(Authorization)
  .prefix("/v1/im")
  .annotateMerge(OpenApi.annotations({ title: "Conversations" })) {}
