/** Conversations over HTTP (protocol.md section 2.2). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { historyMax } from "../../domain/messages/MessageStore.ts"
import { ChatTypeSchema, ConversationId, ReceiverId } from "../../domain/shared/ConversationIds.ts"
import { MessageId, UserId } from "../../domain/shared/Ids.ts"
import { NaturalFromString } from "../../domain/shared/Natural.ts"
import { Authorization } from "./Authorization.ts"
import { ChatLog } from "./ChatLog.ts"
import { ConversationChanges, ConversationPage } from "./ConversationEntry.ts"
import { Done, failuresOf, Success } from "./Envelope.ts"

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

export const SetUpRequest = Schema.Struct({ sendId: UserId, recvId: ReceiverId, chatType: ChatTypeSchema })

export const ReadRecords = Schema.Struct({ reads: Schema.Array(UserId), unReads: Schema.Array(UserId) })

export class ImGroup extends HttpApiGroup.make("im")
  .add(
    HttpApiEndpoint.get("chatlog", "/chatlog", {
      query: ChatLogRequest,
      success: Success(Schema.Struct({ list: Schema.Array(ChatLog) })),
      error: failuresOf("NoConversation")
    }).annotate(OpenApi.Summary, "Messages of a conversation by time or seq, the newest first"),
    HttpApiEndpoint.get("readRecords", "/chatlog/readRecords", {
      query: { msgId: MessageId },
      success: Success(ReadRecords),
      error: failuresOf("NoMessage")
    }).annotate(OpenApi.Summary, "The users who have read a message, and those who have not"),
    HttpApiEndpoint.post("setUp", "/setup/conversation", {
      payload: SetUpRequest,
      success: Success(Schema.Struct({ conversationId: ConversationId })),
      error: failuresOf("Forbidden", "NoReceiver", "Blocked", "NotFriends", "NoConversation")
    }).annotate(OpenApi.Summary, "Put a conversation into the caller's list"),
    HttpApiEndpoint.get("conversations", "/conversation", {
      query: { after: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256))) },
      success: Success(ConversationPage),
      error: failuresOf()
    }).annotate(OpenApi.Summary, "The caller's conversations, the last changed first"),
    HttpApiEndpoint.put("change", "/conversation", {
      payload: ConversationChanges,
      success: Done,
      error: failuresOf("NoConversation")
    }).annotate(OpenApi.Summary, "Show, hide, pin, mute or read conversations, all or none of them")
  )
  .middleware(Authorization)
  .prefix("/v1/im")
  .annotateMerge(
    OpenApi.annotations({
      title: "Conversations",
      description: "The caller's conversations, and messages by time or seq"
    })
  ) {}
