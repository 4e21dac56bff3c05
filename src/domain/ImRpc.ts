/** Conversations for other services, over RPC (protocol.md section 3). */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { ChatLog } from "./ChatLog.ts"
import { ConversationId } from "./Conversation.ts"
import { ConversationChanges, ConversationPage } from "./ConversationEntry.ts"
import { ApiError } from "./ErrorTable.ts"
import { GroupIcon, GroupName, NamedUsers } from "./Group.ts"
import { UserId } from "./Ids.ts"
import { SetUpRequest } from "./ImApi.ts"
import { ChatAck, ChatPayload, ClientId, Message } from "./Message.ts"
import { historyMax } from "./MessageStore.ts"
import { Natural } from "./Natural.ts"

export class ImRpcs extends RpcGroup.make(
  /** As `GET /v1/im/chatlog`, of any conversation and from its beginning. */
  Rpc.make("GetChatLog", {
    payload: {
      conversationId: ConversationId,
      startSendTime: Schema.optionalKey(Natural),
      endSendTime: Schema.optionalKey(Natural),
      beforeSeq: Schema.optionalKey(Natural),
      afterSeq: Schema.optionalKey(Natural),
      msgId: Schema.optionalKey(Schema.String),
      count: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: historyMax })))
    },
    success: Schema.Array(ChatLog),
    error: ApiError
  }),
  Rpc.make("SetUpUserConversation", {
    payload: SetUpRequest.fields,
    success: Schema.Struct({ conversationId: ConversationId }),
    error: ApiError
  }),
  Rpc.make("GetConversations", {
    payload: { userId: UserId, after: Schema.optionalKey(Schema.String) },
    success: ConversationPage,
    error: ApiError
  }),
  Rpc.make("PutConversations", {
    payload: { userId: UserId, ...ConversationChanges.fields },
    success: Schema.Void,
    error: ApiError
  }),
  /** Founds a group in a user's name. */
  Rpc.make("CreateGroupConversation", {
    payload: {
      creatorId: UserId,
      clientId: ClientId,
      name: GroupName,
      icon: Schema.optionalKey(GroupIcon),
      isVerify: Schema.optionalKey(Schema.Boolean),
      userIds: Schema.optionalKey(NamedUsers)
    },
    success: Schema.Struct({ conversationId: ConversationId }),
    error: ApiError
  }),
  /** Sends a message in a user's name; answered when it is durable. */
  Rpc.make("SendMessage", {
    payload: {
      sendId: UserId,
      clientId: ClientId,
      chatType: ChatPayload.fields.chatType,
      receiveId: UserId,
      message: ChatPayload.fields.message
    },
    success: ChatAck,
    error: ApiError
  }),
  /** The messages after a seq, those that there are and those that come, in order and without a gap. Has no end. */
  Rpc.make("Messages", {
    payload: { conversationId: ConversationId, afterSeq: Schema.optionalKey(Natural) },
    success: Message,
    error: ApiError,
    stream: true
  })
) {}
