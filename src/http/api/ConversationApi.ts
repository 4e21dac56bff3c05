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
import { about, Done, failuresOf, Success } from "./Envelope.ts"

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
    }).annotateMerge(
      about(
        "Messages of a conversation by time or seq, the newest first",
        "The messages with `endSendTime < sendTime ≤ startSendTime` and the given seqs. A bound of 0 counts as absent. Only what the caller may see."
      )
    ),
    HttpApiEndpoint.get("readRecords", "/chatlog/readRecords", {
      query: { msgId: MessageId },
      success: Success(ReadRecords),
      error: failuresOf("NoMessage")
    }).annotateMerge(
      about(
        "The users who have read a message, and those who have not",
        "Of the users who see the message, without its sender. In a private chat in which one user blocks the other, `reads` is empty."
      )
    ),
    HttpApiEndpoint.post("setUp", "/setup/conversation", {
      payload: SetUpRequest,
      success: Success(Schema.Struct({ conversationId: ConversationId })),
      error: failuresOf("Forbidden", "NoReceiver", "Blocked", "NotFriends", "NoConversation")
    }).annotateMerge(
      about("Put a conversation into the caller's list", "The other user sees the conversation with its first message.")
    ),
    HttpApiEndpoint.get("conversations", "/conversation", {
      query: { after: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256))) },
      success: Success(ConversationPage),
      error: failuresOf()
    }).annotateMerge(
      about(
        "The caller's conversations, the last changed first",
        "Pages of at most 1 000: while there is a `next`, it is the next request's `after`."
      )
    ),
    HttpApiEndpoint.put("change", "/conversation", {
      payload: ConversationChanges,
      success: Done,
      error: failuresOf("NoConversation")
    }).annotateMerge(
      about(
        "Show, hide, pin, mute or read conversations, all or none of them",
        "At most 500 at once. A read position moves forward only; a hidden conversation comes back with its next message."
      )
    )
  )
  .middleware(Authorization)
  .prefix("/v1/im")
  .annotateMerge(
    OpenApi.annotations({
      title: "Conversations",
      description: "The caller's conversations, and messages by time or seq"
    })
  ) {}
