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
import { historyMax, MessageStore } from "../domain/MessageStore.ts"
import { type MessageRow, messageColumns, messageOf } from "./MessageRows.ts"
import { apiError, inTransaction, nextVersion } from "./Sql.ts"
import { joinInOrder, limitTo, onExisting, rowsOf } from "./SqlDialect.ts"

/** So many rows are read for a page, the least of these that is enough; one more than a page says that more follow. */
const readMaxes = [16, 64, historyMax + 1]

interface ConversationRow {
  readonly id: ConversationId
  readonly last_seq: number
  readonly last_time: number
}

export const layer = Layer.effect(
  MessageStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const columns = sql.literal(messageColumns)
    const join = joinInOrder(sql)

    const readFacts = Effect.fnUntraced(function* (drafts: ReadonlyArray<Draft>) {
      const wanted = drafts.map(({ senderId, clientId, receiveId, conversationId }) => ({
        senderId,
        clientId,
        receiveId,
        conversationId
      }))
      const known = yield* sql<MessageRow>`
        SELECT ${columns} FROM ${rowsOf(sql, wanted, { senderId: "id", clientId: "id" })} w
        ${join} messages m ON m.sender_id = w.senderId AND m.client_id = w.clientId`
      const conversations = yield* sql<ConversationRow>`
        SELECT DISTINCT c.id, c.last_seq, c.last_time FROM ${rowsOf(sql, wanted, { conversationId: "id" })} w
        ${join} conversations c ON c.id = w.conversationId`
      const pairs = wanted.flatMap(({ senderId, receiveId }) => [
        { userId: senderId, blockedId: receiveId },
        { userId: receiveId, blockedId: senderId }
      ])
      const blocks = yield* sql<{ readonly user_id: UserId; readonly blocked_id: UserId }>`
        SELECT b.user_id, b.blocked_id FROM ${rowsOf(sql, pairs, { userId: "id", blockedId: "id" })} w
        ${join} blocks b ON b.user_id = w.userId AND b.blocked_id = w.blockedId`
      const ends = new Map(
        conversations.map((row) => [row.id, { seq: row.last_seq, sendTime: row.last_time }] as const)
      )
      // Users are never removed, so a conversation that exists proves that its members do.
      const strangers = wanted
        .filter((row) => !ends.has(row.conversationId))
        .flatMap(({ senderId, receiveId }) => [{ userId: senderId }, { userId: receiveId }])
      const users =
        strangers.length === 0
          ? []
          : yield* sql<{ readonly id: UserId }>`
              SELECT DISTINCT u.id FROM ${rowsOf(sql, strangers, { userId: "id" })} w
              ${join} users u ON u.id = w.userId`
      const facts: AppendFacts = {
        known: new Map(known.map((row) => [clientKey(row.sender_id, row.client_id), messageOf(row)])),
        ends,
        blocks: new Set(blocks.map((row) => blockKey(row.user_id, row.blocked_id))),
        users: new Set(users.map((row) => row.id))
      }
      return facts
    })

    const write = Effect.fnUntraced(function* (stored: ReadonlyArray<Message>, version: number) {
      const rows = rowsOf(sql, stored, {
        conversationID: "id",
        seq: "integer",
        messageId: "id",
        sendId: "id",
        clientId: "id",
        receiveId: "id",
        chatType: "integer",
        messageType: "integer",
        content: "text",
        sendTime: "integer"
      })
      yield* sql`
        INSERT INTO messages
          (conversation_id, seq, message_id, sender_id, client_id, receive_id, chat_type, message_type, content, send_time,
           version)
        SELECT w.*, ${version} FROM ${rows} w`
      const conversations = new Map<string, { id: string; chatType: number; lastSeq: number; lastTime: number }>()
      const members = new Map<string, { conversationId: string; userId: string; ownSeq: number }>()
      for (const message of stored) {
        const id = message.conversationID
        const { chatType, seq, sendTime } = message
        conversations.set(id, { id, chatType, lastSeq: seq, lastTime: sendTime })
        for (const userId of singleMembers(id) ?? []) {
          const key = `${id}/${userId}`
          if (userId === message.sendId) members.set(key, { conversationId: id, userId, ownSeq: message.seq })
          else if (!members.has(key)) members.set(key, { conversationId: id, userId, ownSeq: 0 })
        }
      }
      yield* sql`
        INSERT INTO conversations (id, chat_type, last_seq, last_time, version)
        SELECT w.*, ${version}
        FROM ${rowsOf(sql, [...conversations.values()], {
          id: "id",
          chatType: "integer",
          lastSeq: "integer",
          lastTime: "integer"
        })} w
        ${onExisting(sql, ["id"], { last_seq: "replace", last_time: "replace", version: "replace" })}`
      // Who writes has read what came before, and their own messages are never unread.
      yield* sql`
        INSERT INTO conversation_members (conversation_id, user_id, joined_seq, read_seq, sent_seq)
        SELECT w.conversationId, w.userId, 0, w.ownSeq, w.ownSeq
        FROM ${rowsOf(sql, [...members.values()], { conversationId: "id", userId: "id", ownSeq: "integer" })} w
        ${onExisting(sql, ["conversation_id", "user_id"], { read_seq: "raise", sent_seq: "raise" })}`
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
        SELECT ${columns} FROM messages m WHERE ${sql.and(conditions)} ORDER BY m.seq ${sql.literal(order)}
        ${limitTo(sql, readMaxes.find((rows) => rows >= limit) ?? limit)}
      `.pipe(
        Effect.map((rows) => rows.slice(0, limit).map(messageOf)),
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

    /** The last seq whose message is not newer than that time: times rise with seqs, so that it is found by halving. */
    const seqAt = (conversationId: ConversationId, time: number): Effect.Effect<number, ApiError> =>
      sql<{ readonly low: number }>`
        WITH RECURSIVE halving(low, high) AS (
          SELECT 0, last_seq FROM conversations WHERE id = ${conversationId}
          UNION ALL
          SELECT
            CASE WHEN m.send_time <= ${time} THEN m.seq ELSE h.low END,
            CASE WHEN m.send_time <= ${time} THEN h.high ELSE m.seq - 1 END
          FROM halving h JOIN messages m ON m.conversation_id = ${conversationId} AND m.seq = (h.low + h.high + 1) >> 1
          WHERE h.low < h.high
        )
        SELECT low FROM halving WHERE low = high
      `.pipe(
        Effect.map(([row]) => row?.low ?? 0),
        Effect.catch(apiError)
      )

    return MessageStore.of({
      appendBatch: (drafts) =>
        Effect.gen(function* () {
          // First of all, because it is the lock under which facts stay true until they are written.
          const version = yield* nextVersion(sql)
          const plan = appendPlan(drafts, yield* readFacts(drafts))
          if (plan.stored.length > 0) yield* write(plan.stored, version)
          return plan.results
        }).pipe(inTransaction(sql), Effect.catch(apiError), Effect.withTracerEnabled(false)),

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
        asMember(
          reader,
          query.conversationId,
          Effect.fnUntraced(function* (joinedSeq) {
            const { conversationId, startSendTime, endSendTime, messageId } = query
            const conditions = within(conversationId, joinedSeq, query)
            if (startSendTime !== undefined)
              conditions.push(sql`m.seq <= ${yield* seqAt(conversationId, startSendTime)}`)
            if (endSendTime !== undefined) conditions.push(sql`m.seq > ${yield* seqAt(conversationId, endSendTime)}`)
            if (messageId !== undefined) conditions.push(sql`m.message_id = ${messageId}`)
            return yield* select(conditions, "DESC", query.limit)
          })
        )
    })
  })
)
