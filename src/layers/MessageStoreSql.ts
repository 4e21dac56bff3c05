/**
 * {@link MessageStore} on SQL. A batch is one transaction of a handful of statements, whatever its size: look up what
 * the drafts depend on, decide in memory (`appendPlan`), write the result.
 */
import { Effect, Layer } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import { type AppendFacts, appendPlan, blockKey, clientKey } from "../domain/AppendPlan.ts"
import { type ConversationId, singleMembers } from "../domain/Conversation.ts"
import { ApiError } from "../domain/ErrorTable.ts"
import type { UserId } from "../domain/Ids.ts"
import type { Draft, Message } from "../domain/Message.ts"
import { MessageStore } from "../domain/MessageStore.ts"
import { type MessageRow, messageColumns, messageOf } from "./MessageRows.ts"
import { apiError, nextVersion, rowsOf } from "./Sql.ts"

export const layer = Layer.effect(
  MessageStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const columns = sql.literal(messageColumns)

    const readFacts = Effect.fnUntraced(function* (drafts: ReadonlyArray<Draft>) {
      const wanted = drafts.map((draft) => ({
        senderId: draft.senderId,
        clientId: draft.clientId,
        receiveId: draft.receiveId,
        conversationId: draft.conversationId
      }))
      const known = yield* sql<MessageRow>`
        SELECT ${columns} FROM ${rowsOf(sql, wanted, ["senderId", "clientId"])} w
        CROSS JOIN messages m ON m.sender_id = w.senderId AND m.client_id = w.clientId`
      const conversations = yield* sql<{ readonly id: ConversationId; readonly last_seq: number }>`
        SELECT DISTINCT c.id, c.last_seq FROM ${rowsOf(sql, wanted, ["conversationId"])} w
        CROSS JOIN conversations c ON c.id = w.conversationId`
      const blocks = yield* sql<{ readonly user_id: UserId; readonly blocked_id: UserId }>`
        SELECT b.user_id, b.blocked_id FROM ${rowsOf(sql, wanted, ["senderId", "receiveId"])} w
        CROSS JOIN blocks b
        ON (b.user_id = w.senderId AND b.blocked_id = w.receiveId)
        OR (b.user_id = w.receiveId AND b.blocked_id = w.senderId)`
      const lastSeqs = new Map(conversations.map((row) => [row.id, row.last_seq]))
      // Users are never removed, so a conversation that exists proves that its members do.
      const strangers = wanted.filter((row) => !lastSeqs.has(row.conversationId))
      const users =
        strangers.length === 0
          ? []
          : yield* sql<{ readonly id: UserId }>`
              SELECT DISTINCT u.id FROM ${rowsOf(sql, strangers, ["receiveId"])} w
              CROSS JOIN users u ON u.id = w.receiveId`
      const facts: AppendFacts = {
        known: new Map(known.map((row) => [clientKey(row.sender_id, row.client_id), messageOf(row)])),
        lastSeqs,
        blocks: new Set(blocks.map((row) => blockKey(row.user_id, row.blocked_id))),
        users: new Set(users.map((row) => row.id))
      }
      return facts
    })

    const write = Effect.fnUntraced(function* (stored: ReadonlyArray<Message>) {
      const version = yield* nextVersion(sql)
      yield* sql`
        INSERT INTO messages
          (conversation_id, seq, message_id, sender_id, client_id, receive_id, chat_type, message_type, content, send_time,
           version)
        SELECT *, ${version} FROM ${rowsOf(sql, stored, [
          "conversationID",
          "seq",
          "messageId",
          "sendId",
          "clientId",
          "receiveId",
          "chatType",
          "messageType",
          "content",
          "sendTime"
        ])}`
      const conversations = new Map<string, { id: string; chatType: number; lastSeq: number }>()
      const members = new Map<string, { conversationId: string; userId: string; ownSeq: number }>()
      for (const message of stored) {
        const id = message.conversationID
        conversations.set(id, { id, chatType: message.chatType, lastSeq: message.seq })
        for (const userId of singleMembers(id) ?? []) {
          const key = `${id}/${userId}`
          if (userId === message.sendId) members.set(key, { conversationId: id, userId, ownSeq: message.seq })
          else if (!members.has(key)) members.set(key, { conversationId: id, userId, ownSeq: 0 })
        }
      }
      // "WHERE true" keeps SQLite from reading ON CONFLICT as a join condition.
      yield* sql`
        INSERT INTO conversations (id, chat_type, last_seq, version)
        SELECT *, ${version} FROM ${rowsOf(sql, [...conversations.values()], ["id", "chatType", "lastSeq"])} WHERE true
        ON CONFLICT (id) DO UPDATE SET last_seq = excluded.last_seq, version = excluded.version`
      // Who writes has read what came before, and their own messages are never unread.
      yield* sql`
        INSERT INTO conversation_members (conversation_id, user_id, joined_seq, read_seq, sent_seq)
        SELECT conversationId, userId, 0, ownSeq, ownSeq
        FROM ${rowsOf(sql, [...members.values()], ["conversationId", "userId", "ownSeq"])} WHERE true
        ON CONFLICT (conversation_id, user_id) DO UPDATE SET
          read_seq = MAX(read_seq, excluded.read_seq), sent_seq = MAX(sent_seq, excluded.sent_seq)`
    })

    /** Runs `use` with the position from which the reader may read, or answers that there is no such conversation. */
    const asMember = <A>(
      reader: UserId,
      conversationId: ConversationId,
      use: (joinedSeq: number) => Effect.Effect<A, ApiError>
    ): Effect.Effect<A, ApiError> =>
      sql<{ readonly joined_seq: number }>`
        SELECT joined_seq FROM conversation_members WHERE conversation_id = ${conversationId} AND user_id = ${reader}
      `.pipe(
        Effect.catch(apiError),
        Effect.flatMap(([row]) =>
          row === undefined ? Effect.fail(ApiError.of("NoConversation")) : use(row.joined_seq)
        )
      )

    const select = (conditions: ReadonlyArray<Statement.Fragment>, order: "ASC" | "DESC", limit: number) =>
      sql<MessageRow>`
        SELECT ${columns} FROM messages m WHERE ${sql.and(conditions)} ORDER BY m.seq ${sql.literal(order)} LIMIT ${limit}
      `.pipe(
        Effect.map((rows) => rows.map(messageOf)),
        Effect.catch(apiError)
      )

    /** The conditions that bound a page by seq. */
    const within = (
      conversationId: ConversationId,
      joinedSeq: number,
      { beforeSeq, afterSeq }: { readonly beforeSeq?: number; readonly afterSeq?: number }
    ): Array<Statement.Fragment> => {
      const conditions = [
        sql`m.conversation_id = ${conversationId}`,
        sql`m.seq > ${Math.max(joinedSeq, afterSeq ?? 0)}`
      ]
      if (beforeSeq !== undefined) conditions.push(sql`m.seq < ${beforeSeq}`)
      return conditions
    }

    return MessageStore.of({
      appendBatch: (drafts) =>
        Effect.gen(function* () {
          const plan = appendPlan(drafts, yield* readFacts(drafts))
          if (plan.stored.length > 0) yield* write(plan.stored)
          return plan.results
        }).pipe(sql.withTransaction, Effect.catch(apiError), Effect.withTracerEnabled(false)),

      history: (reader, query) =>
        asMember(reader, query.conversationId, (joinedSeq) => {
          const ascending = query.afterSeq !== undefined
          const conditions = within(query.conversationId, joinedSeq, query)
          return Effect.map(select(conditions, ascending ? "ASC" : "DESC", query.limit + 1), (found) => {
            const messages = found.slice(0, query.limit)
            return { messages: ascending ? messages : messages.reverse(), hasMore: found.length > query.limit }
          })
        }),

      chatLog: (reader, query) =>
        asMember(reader, query.conversationId, (joinedSeq) => {
          const conditions = within(query.conversationId, joinedSeq, query)
          if (query.startSendTime !== undefined) conditions.push(sql`m.send_time <= ${query.startSendTime}`)
          if (query.endSendTime !== undefined) conditions.push(sql`m.send_time > ${query.endSendTime}`)
          if (query.messageId !== undefined) conditions.push(sql`m.message_id = ${query.messageId}`)
          return select(conditions, "DESC", query.limit)
        })
    })
  })
)
