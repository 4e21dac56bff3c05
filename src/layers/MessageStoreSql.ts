/**
 * {@link MessageStore} on SQL. A batch is one transaction of a handful of statements, whatever its size: look up what
 * the drafts depend on, decide in memory (`appendPlan`), write the result.
 */
import { Effect, Layer } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import { appendPlan } from "../domain/AppendPlan.ts"
import type { ConversationId } from "../domain/Conversation.ts"
import { ApiError } from "../domain/ErrorTable.ts"
import { Role } from "../domain/Group.ts"
import { MessagePolicy } from "../domain/MessagePolicy.ts"
import { historyMax, MessageStore, type Reader } from "../domain/MessageStore.ts"
import { digestOf } from "./AppendChangesSql.ts"
import { makeReadFacts } from "./AppendFactsSql.ts"
import { makeWritePlan } from "./AppendWriteSql.ts"
import { type MessageRow, makeMessagesOf, messageColumns } from "./MessageRows.ts"
import { apiError, inTransaction, nextVersion } from "./Sql.ts"
import { limitTo } from "./SqlDialect.ts"

/** So many rows are read for a page, the least of these that is enough; one more than a page says that more follow. */
const readMaxes = [16, 64, historyMax + 1]

/** What of a conversation somebody sees: the messages after the first of these seqs, up to the other. */
interface Seen {
  readonly joined_seq: number
  readonly last_seq: number
}

export const layer = Layer.effect(
  MessageStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const columns = sql.literal(messageColumns)

    const policy = yield* MessagePolicy
    const rules = { policy, digestOf }
    const readFacts = makeReadFacts(sql, policy.requireFriendship)
    const writePlan = makeWritePlan(sql)
    const messagesOf = makeMessagesOf(sql)

    /**
     * Runs `use` with what the reader may read, or answers that there is no such conversation. It ends with the last
     * message of now: when that of `use` is read, the reader may have left, and more may have come.
     */
    const asMember = <A>(
      reader: Reader,
      conversationId: ConversationId,
      use: (seen: Seen) => Effect.Effect<A, ApiError>
    ): Effect.Effect<A, ApiError> =>
      (reader === undefined
        ? sql<Seen>`SELECT 0 AS joined_seq, last_seq FROM conversations WHERE id = ${conversationId}`
        : sql<Seen>`
            SELECT m.joined_seq, c.last_seq FROM conversation_members m JOIN conversations c ON c.id = m.conversation_id
            WHERE m.conversation_id = ${conversationId} AND m.user_id = ${reader} AND m.role > ${Role.former}`
      ).pipe(
        Effect.catch(apiError),
        Effect.flatMap(([seen]) => (seen === undefined ? Effect.fail(ApiError.of("NoConversation")) : use(seen)))
      )

    const select = (
      reader: Reader,
      conditions: ReadonlyArray<Statement.Fragment>,
      order: "ASC" | "DESC",
      limit: number
    ) =>
      sql<MessageRow>`
        SELECT ${columns} FROM messages m WHERE ${sql.and(conditions)} ORDER BY m.seq ${sql.literal(order)}
        ${limitTo(sql, readMaxes.find((rows) => rows >= limit) ?? limit)}
      `.pipe(
        Effect.flatMap((rows) => messagesOf(reader, rows.slice(0, limit))),
        Effect.catch(apiError)
      )

    /** The conditions that bound a page by seq. */
    const within = (
      conversationId: ConversationId,
      { joined_seq, last_seq }: Seen,
      { beforeSeq, afterSeq }: { readonly beforeSeq?: number; readonly afterSeq?: number }
    ): Array<Statement.Fragment> => [
      sql`m.conversation_id = ${conversationId}`,
      sql`m.seq > ${Math.max(joined_seq, afterSeq ?? 0)}`,
      sql`m.seq <= ${Math.min(last_seq, (beforeSeq ?? Number.POSITIVE_INFINITY) - 1)}`
    ]

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
          const plan = appendPlan(drafts, yield* readFacts(drafts), rules)
          yield* writePlan(plan, version)
          return plan.results
        }).pipe(inTransaction(sql), Effect.catch(apiError), Effect.withTracerEnabled(false)),

      history: (reader, query) =>
        asMember(reader, query.conversationId, (seen) => {
          const ascending = query.afterSeq !== undefined
          const conditions = within(query.conversationId, seen, query)
          return Effect.map(select(reader, conditions, ascending ? "ASC" : "DESC", query.limit + 1), (found) => {
            const messages = found.slice(0, query.limit)
            return { messages: ascending ? messages : messages.reverse(), hasMore: found.length > query.limit }
          })
        }),

      chatLog: (reader, query) =>
        asMember(
          reader,
          query.conversationId,
          Effect.fnUntraced(function* (seen) {
            const { conversationId, startSendTime, endSendTime, messageId } = query
            const conditions = within(conversationId, seen, query)
            if (startSendTime !== undefined)
              conditions.push(sql`m.seq <= ${yield* seqAt(conversationId, startSendTime)}`)
            if (endSendTime !== undefined) conditions.push(sql`m.seq > ${yield* seqAt(conversationId, endSendTime)}`)
            if (messageId !== undefined) conditions.push(sql`m.message_id = ${messageId}`)
            return yield* select(reader, conditions, "DESC", query.limit)
          })
        )
    })
  })
)
