/** Messages as the Go project's chat log has them, over HTTP and RPC (protocol.md section 2.2). */
import { Schema } from "effect"
import { type Message, MessageFields } from "../../domain/messages/Message.ts"
import type { ChatLogQuery } from "../../domain/messages/MessageStore.ts"
import type { ConversationId } from "../../domain/shared/ConversationIds.ts"

/** A message as the Go project's `ChatLog` names its fields, with the seq that it lacks. */
export const ChatLog = Schema.Struct({
  id: MessageFields.messageId,
  conversationId: MessageFields.conversationId,
  sendId: MessageFields.senderId,
  recvId: MessageFields.receiveId,
  msgType: MessageFields.messageType,
  msgContent: MessageFields.content,
  chatType: MessageFields.chatType,
  sendTime: MessageFields.sendTime,
  seq: MessageFields.seq,
  clientId: MessageFields.clientId,
  targetSeq: MessageFields.targetSeq,
  recalled: MessageFields.recalled,
  edited: MessageFields.edited,
  reactions: MessageFields.reactions
}).annotate({ identifier: "ChatLog" })
export type ChatLog = typeof ChatLog.Type

const chatLogDefault = 100

/** The window of a request. The Go project's clients write `0` for a bound that they leave out. */
export const chatLogQuery = (
  conversationId: ConversationId,
  request: {
    readonly startSendTime?: number
    readonly endSendTime?: number
    readonly beforeSeq?: number
    readonly afterSeq?: number
    readonly msgId?: string
    readonly count?: number
  }
): ChatLogQuery => {
  const { startSendTime, endSendTime, beforeSeq, afterSeq, msgId, count = chatLogDefault } = request
  return {
    conversationId,
    limit: count,
    ...(startSendTime ? { startSendTime } : {}),
    ...(endSendTime ? { endSendTime } : {}),
    ...(beforeSeq ? { beforeSeq } : {}),
    ...(afterSeq ? { afterSeq } : {}),
    ...(msgId ? { messageId: msgId } : {})
  }
}

export const chatLog = (message: Message): ChatLog => {
  const { messageId, senderId, receiveId, messageType, content, ...same } = message
  return {
    ...same,
    id: messageId,
    sendId: senderId,
    recvId: receiveId,
    msgType: messageType,
    msgContent: content
  }
}
