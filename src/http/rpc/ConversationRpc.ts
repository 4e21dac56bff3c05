/** Conversations for other services, over RPC (protocol.md section 3). */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { GroupIcon, GroupNameInput, NamedUsers } from "../../domain/groups/Group.ts"
import { KeptRequests } from "../../domain/groups/Joining.ts"
import { ChatAck, ChatPayload, ClientId, Message } from "../../domain/messages/Message.ts"
import { historyMax } from "../../domain/messages/MessageStore.ts"
import { groupEventRefusals, messageRefusals, sendFailures } from "../../domain/messages/Refusals.ts"
import { ConversationId } from "../../domain/shared/ConversationIds.ts"
import { FailureSchema } from "../../domain/shared/Failure.ts"
import { UserId } from "../../domain/shared/Ids.ts"
import { Natural } from "../../domain/shared/Natural.ts"
import { ChatLog } from "../api/ChatLog.ts"
import { SetUpRequest } from "../api/ConversationApi.ts"
import { ConversationChanges, ConversationPage } from "../api/ConversationEntry.ts"

/** Failures of everything that reads the store. */
const storeFailures = ["DatabaseError"] as const

export class ConversationRpcs extends RpcGroup.make(
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
    error: FailureSchema(...storeFailures, "NoConversation")
  }),
  Rpc.make("SetUpUserConversation", {
    payload: SetUpRequest.fields,
    success: Schema.Struct({ conversationId: ConversationId }),
    error: FailureSchema(...storeFailures, "NoReceiver", "Blocked", "NotFriends", "NoConversation")
  }),
  Rpc.make("GetConversations", {
    payload: { userId: UserId, after: Schema.optionalKey(Schema.String) },
    success: ConversationPage,
    error: FailureSchema(...storeFailures, "BadParameters")
  }),
  Rpc.make("PutConversations", {
    payload: { userId: UserId, ...ConversationChanges.fields },
    success: Schema.Void,
    error: FailureSchema(...storeFailures, "BadParameters", "NoConversation")
  }),
  /** Creates a group in a user's name, with those who let that user bring them in; the others get a request. */
  Rpc.make("CreateGroupConversation", {
    payload: {
      creatorId: UserId,
      clientId: ClientId,
      name: GroupNameInput,
      icon: Schema.optionalKey(GroupIcon),
      isVerify: Schema.optionalKey(Schema.Boolean),
      userIds: Schema.optionalKey(NamedUsers)
    },
    success: Schema.Struct({ conversationId: ConversationId, requests: KeptRequests }),
    error: FailureSchema(...sendFailures(groupEventRefusals.created))
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
    error: FailureSchema(...sendFailures(messageRefusals))
  }),
  /** The messages after a seq, stored and new ones, in order and without a gap. Has no end. */
  Rpc.make("Messages", {
    payload: { conversationId: ConversationId, afterSeq: Schema.optionalKey(Natural) },
    success: Message,
    error: FailureSchema(...storeFailures, "NoConversation", "Overloaded", "Unauthenticated"),
    stream: true
  })
) {}
