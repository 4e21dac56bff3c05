/** Messages as the Go project's chat log has them, over HTTP and RPC (protocol.md section 2.2). */
import { Schema } from "effect"
import { Message } from "../../domain/messages/Message.ts"

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
}).annotate({ identifier: "ChatLog" })
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
