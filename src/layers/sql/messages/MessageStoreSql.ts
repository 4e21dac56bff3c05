/**
 * {@link MessageStore} on SQL. A batch of any size is one transaction of a handful of statements: read the facts, decide in
 * memory (`appendPlan`), write the plan.
 */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Role } from "../../../domain/groups/Group.ts"
import { clientKey } from "../../../domain/messages/AppendFacts.ts"
import { appendPlan, decidedBefore } from "../../../domain/messages/AppendPlan.ts"
import { MessagePolicy } from "../../../domain/messages/MessagePolicy.ts"
import { historyMax, MessageStore, type Reader } from "../../../domain/messages/MessageStore.ts"
import type { ConversationId } from "../../../domain/shared/ConversationIds.ts"
import { type Failure, failure } from "../../../domain/shared/Failure.ts"
import { appendFailure, inTransaction, nextVersion, storeFailure } from "../database/Sql.ts"
import { greatest, joinInOrder, limitTo } from "../database/SqlDialect.ts"
import { digestOf } from "./AppendChangesSql.ts"
import { makeReadFacts, readKnown } from "./AppendFactsSql.ts"
import { makeWritePlan } from "./AppendWriteSql.ts"
import { type MessageRow, makeMessagesOf, messageColumns } from "./MessageRows.ts"
import { readRefused } from "./RefusedDrafts.ts"

/** A page reads the smallest of these numbers of rows that suffices. One row more than the page tells that more follow. */
const readMaxes = [16, 64, historyMax + 1]

/** No message has a seq above it. */
const everything = Number.MAX_SAFE_INTEGER
const throughOf = (beforeSeq: number | undefined): number => (beforeSeq === undefined ? everything : beforeSeq - 1)

/** The messages of a conversation with `after < seq <= through`, and this id if there is one. */
interface Bounds {
  readonly conversationId: ConversationId
  readonly after: number
  readonly through: number
  readonly messageId?: string
}

/** Where the part of a conversation that a reader sees begins. */
interface PartRow {
  readonly joined_seq: number
}

export const layer = Layer.effect(
  MessageStore,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const columns = sql.literal(messageColumns)
    const join = joinInOrder(sql)

    const policy = yield* MessagePolicy
    const rules = { policy, digestOf }
    const readFacts = makeReadFacts(sql, policy.requireFriendship)
    const writePlan = makeWritePlan(sql)
    const messagesOf = makeMessagesOf(sql)

    /** Where the reader's part of the conversation begins: one row, or none where there is no such conversation. */
    const partOf = (reader: Reader, conversationId: ConversationId) =>
      reader === undefined
        ? sql`(SELECT 0 AS joined_seq FROM conversations WHERE id = ${conversationId})`
        : sql`(
            SELECT joined_seq FROM conversation_members
            WHERE conversation_id = ${conversationId} AND user_id = ${reader} AND role > ${Role.former}
          )`

    /** Messages of a conversation that the reader sees; none where they see no such conversation. */
    const select = (
      reader: Reader,
      { conversationId, after, through, messageId }: Bounds,
      order: "ASC" | "DESC",
      limit: number
    ) => {
      const conditions = [
        sql`m.conversation_id = ${conversationId}`,
        // One lower bound and one upper one: of several SQLite takes one to the index, and passes over the rest one by one.
        sql`m.seq > ${greatest(sql)}(own.joined_seq, ${after})`,
        sql`m.seq <= ${through}`,
        ...(messageId === undefined ? [] : [sql`m.message_id = ${messageId}`])
      ]
      return Effect.flatMap(
        sql<MessageRow & PartRow>`
          SELECT ${columns}, own.joined_seq FROM ${partOf(reader, conversationId)} own ${join} messages m ON ${sql.and(conditions)}
          ORDER BY m.seq ${sql.literal(order)} ${limitTo(sql, readMaxes.find((rows) => rows >= limit) ?? limit)}`,
        (rows) =>
          Effect.map(messagesOf(reader, rows.slice(0, limit)), (messages) => ({
            messages,
            joinedSeq: rows[0]?.joined_seq
          }))
      )
    }

    /**
     * The page, or `NoConversation`. One statement reads messages and membership, so that a member who leaves meanwhile gets
     * only messages from before that. An empty page does not tell whether the user is a member: another statement does. An
     * outer join would tell both at once, but MariaDB sorts the whole conversation for it.
     */
    const page = Effect.fnUntraced(
      function* (...wanted: Parameters<typeof select>) {
        const found = yield* select(...wanted)
        if (found.joinedSeq !== undefined) return { messages: found.messages, joinedSeq: found.joinedSeq }
        const [reader, { conversationId }] = wanted
        const [part] = yield* sql<PartRow>`SELECT joined_seq FROM ${partOf(reader, conversationId)} own`
        if (part === undefined) return yield* failure("NoConversation")
        // They may have come in since the first look.
        const { messages, joinedSeq = part.joined_seq } = yield* select(...wanted)
        return { messages, joinedSeq }
      },
      Effect.catchTag("SqlError", storeFailure)
    )

    /** The last seq whose message is not newer than that time: times rise with seqs, so that a binary search finds it. */
    const seqAt = (conversationId: ConversationId, time: number): Effect.Effect<number, Failure<"DatabaseError">> =>
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
        Effect.catch(storeFailure)
      )

    return MessageStore.of({
      appendBatch: (drafts) =>
        Effect.gen(function* () {
          // First of all, because it is the lock under which facts stay true until they are written.
          const version = yield* nextVersion(sql)
          const plan = appendPlan(drafts, yield* readFacts(drafts), rules)
          yield* writePlan(plan, version)
          return plan.results
        }).pipe(inTransaction(sql), Effect.catch(appendFailure), Effect.withTracerEnabled(false)),

      decided: Effect.fnUntraced(function* (drafts) {
        if (drafts.length === 0) return new Map()
        const refused = yield* readRefused(
          sql,
          drafts.map(({ messageId }) => ({ draftId: messageId }))
        )
        const known = yield* readKnown(sql, drafts)
        return new Map(
          drafts.flatMap((draft) => {
            const { messageId, senderId, clientId } = draft
            const result = decidedBefore(
              draft,
              refused.get(messageId),
              known.get(clientKey(senderId, clientId)),
              digestOf
            )
            return result === undefined ? [] : [[messageId, result] as const]
          })
        )
      }, Effect.catch(storeFailure)),

      history: (reader, { conversationId, beforeSeq, afterSeq, limit }) => {
        const isAscending = afterSeq !== undefined
        const bounds = { conversationId, after: afterSeq ?? 0, through: throughOf(beforeSeq) }
        return Effect.map(
          page(reader, bounds, isAscending ? "ASC" : "DESC", limit + 1),
          ({ messages: found, joinedSeq }) => {
            const messages = found.slice(0, limit)
            return {
              messages: isAscending ? messages : messages.toReversed(),
              hasMore: found.length > limit,
              joinedSeq
            }
          }
        )
      },

      chatLog: Effect.fnUntraced(function* (reader, query) {
        const { conversationId, startSendTime, endSendTime, beforeSeq, afterSeq = 0, messageId } = query
        const start = startSendTime === undefined ? everything : yield* seqAt(conversationId, startSendTime)
        const end = endSendTime === undefined ? 0 : yield* seqAt(conversationId, endSendTime)
        const bounds = {
          conversationId,
          after: Math.max(afterSeq, end),
          through: Math.min(throughOf(beforeSeq), start),
          ...(messageId === undefined ? {} : { messageId })
        }
        return (yield* page(reader, bounds, "DESC", query.limit)).messages
      })
    })
  })
)
