/** Rows of the table `messages`. */
import type { ConversationId } from "../domain/Conversation.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Message } from "../domain/Message.ts"

/** What {@link messageColumns} select. */
export interface MessageRow {
  readonly conversation_id: ConversationId
  readonly seq: number
  readonly message_id: Message["messageId"]
  readonly sender_id: UserId
  readonly client_id: string
  readonly receive_id: UserId
  readonly chat_type: Message["chatType"]
  readonly message_type: Message["messageType"]
  readonly content: string
  readonly send_time: number
}

/** The columns of a message in a statement that calls the table `m`. */
export const messageColumns =
  "m.conversation_id, m.seq, m.message_id, m.sender_id, m.client_id, m.receive_id, m.chat_type, m.message_type, m.content, m.send_time"

export const messageOf = (row: MessageRow): Message => ({
  messageId: row.message_id,
  clientId: row.client_id,
  conversationID: row.conversation_id,
  seq: row.seq,
  chatType: row.chat_type,
  sendId: row.sender_id,
  receiveId: row.receive_id,
  sendTime: row.send_time,
  messageType: row.message_type,
  content: row.content
})
