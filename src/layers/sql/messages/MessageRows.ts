/** Rows of the table `messages`. */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { messageKey } from "../../../domain/messages/AppendFacts.ts"
import type { Message, Reaction } from "../../../domain/messages/Message.ts"
import type { Reader } from "../../../domain/messages/MessageStore.ts"
import type { ConversationId } from "../../../domain/shared/ConversationIds.ts"
import type { UserId } from "../../../domain/shared/Ids.ts"
import { joinInOrder, rowsOf } from "../database/SqlDialect.ts"

/** A row of {@link messageColumns}. */
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
  /** Bits of {@link MessageState}. */
  readonly state: number
  readonly target_seq: number | null
}

/** Bits of the changes of a message since it was sent. */
export const MessageState = { recalled: 1, edited: 2, reacted: 4 } as const

/** The columns of a message in a statement that calls the table `m`. */
export const messageColumns =
  "m.conversation_id, m.seq, m.message_id, m.sender_id, m.client_id, m.receive_id, m.chat_type, m.message_type, m.content, m.send_time, m.state, m.target_seq"

export const messageOf = (row: MessageRow): Message => {
  const message: Message = {
    messageId: row.message_id,
    clientId: row.client_id,
    conversationId: row.conversation_id,
    seq: row.seq,
    chatType: row.chat_type,
    senderId: row.sender_id,
    receiveId: row.receive_id,
    sendTime: row.send_time,
    messageType: row.message_type,
    content: row.content
  }
  if (row.state === 0 && row.target_seq === null) return message
  return {
    ...message,
    ...(row.target_seq === null ? {} : { targetSeq: row.target_seq }),
    ...(row.state & MessageState.recalled ? { recalled: true } : {}),
    ...(row.state & MessageState.edited ? { edited: true } : {})
  }
}

interface ReactionRow {
  readonly conversation_id: ConversationId
  readonly seq: number
  readonly reaction: string
  readonly reactors: number
  readonly own: number
}

/** Messages as a reader sees them, with the reactions that they have: one more statement, when any has. */
export const makeMessagesOf = (sql: SqlClient.SqlClient) => {
  const readReactions = (reader: Reader, rows: ReadonlyArray<MessageRow>) => {
    const places = rows.map((row) => ({ conversationId: row.conversation_id, seq: row.seq }))
    return sql<ReactionRow>`
      SELECT r.conversation_id, r.seq, r.reaction, COUNT(*) AS reactors,
        MAX(CASE WHEN r.user_id = ${reader ?? ""} THEN 1 ELSE 0 END) AS own
      FROM ${rowsOf(sql, places, { conversationId: "id", seq: "integer" })} w
      ${joinInOrder(sql)} reactions r ON r.conversation_id = w.conversationId AND r.seq = w.seq
      GROUP BY r.conversation_id, r.seq, r.reaction
      ORDER BY r.conversation_id, r.seq, reactors DESC, r.reaction`
  }

  return Effect.fnUntraced(function* (
    reader: Reader,
    rows: ReadonlyArray<MessageRow>
  ): Effect.fn.Return<ReadonlyArray<Message>, SqlError.SqlError> {
    const messages = rows.map(messageOf)
    const reacted = rows.filter(({ state }) => state & MessageState.reacted)
    if (reacted.length === 0) return messages
    const found = Map.groupBy(yield* readReactions(reader, reacted), (row) => messageKey(row.conversation_id, row.seq))
    return messages.map((message) => {
      const reactions = found
        .get(messageKey(message.conversationId, message.seq))
        ?.map(({ reaction, reactors, own }): Reaction => ({ reaction, count: reactors, own: own === 1 }))
      return reactions === undefined ? message : { ...message, reactions }
    })
  })
}
