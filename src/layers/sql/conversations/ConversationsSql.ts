/** {@link Conversations} on SQL. A page of `sync` takes two statements, however many conversations it has. */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Conversations, type SyncQuery } from "../../../domain/conversations/Conversations.ts"
import {
  type ChangedConversation,
  pageOf,
  rangesOf,
  type SyncPosition,
  widthOf
} from "../../../domain/conversations/Sync.ts"
import { Role } from "../../../domain/groups/Group.ts"
import { MessagePolicy } from "../../../domain/messages/MessagePolicy.ts"
import { fitting } from "../../../domain/messages/Page.ts"
import { ChatType, type ConversationId, singleMembers } from "../../../domain/shared/ConversationIds.ts"
import { failure } from "../../../domain/shared/Failure.ts"
import type { UserId } from "../../../domain/shared/Ids.ts"
import { inTransaction, nextVersion, storeFailure } from "../database/Sql.ts"
import { forUpdate, joinInOrder, limitTo, rowsOf } from "../database/SqlDialect.ts"
import { type MessageRow, makeMessagesOf, messageColumns } from "../messages/MessageRows.ts"
import { blockedAmong, checkContactOf } from "../people/UserPairs.ts"

interface ChangedRow {
  readonly id: ConversationId
  readonly last_seq: number
  readonly joined_seq: number
  readonly read_seq: number
  readonly role: Role
  readonly hidden_seq: number
  readonly pinned: number
  readonly muted: number
  readonly known_seq: number | null
  readonly low: number
}

/** A row of a page: with the version of the store, and of nothing else where nothing has changed. */
type PageRow = { readonly now: number } & (ChangedRow | { readonly id: null })

const isChanged = (row: PageRow): row is PageRow & ChangedRow => row.id !== null

/** From where the device misses messages of a conversation. */
const changedOf = (row: ChangedRow, { since, walk }: SyncPosition, newest: number | undefined): ChangedConversation => {
  const isNew = since < 0 && newest !== undefined
  const missedFrom = row.known_seq ?? (isNew ? row.last_seq - newest : row.low)
  const resumedFrom = walk?.conversationId === row.id ? (walk.seq ?? 0) : 0
  return {
    conversationId: row.id,
    lastSeq: row.last_seq,
    readSeq: row.read_seq,
    joinedSeq: row.joined_seq,
    hasLeft: row.role === Role.former,
    marks: {
      ...(row.hidden_seq >= row.last_seq ? { isHidden: true } : {}),
      ...(row.pinned === 1 ? { isPinned: true } : {}),
      ...(row.muted === 1 ? { isMuted: true } : {})
    },
    fromSeq: Math.min(row.last_seq, Math.max(row.joined_seq, missedFrom, resumedFrom))
  }
}

export const layer = Layer.effect(
  Conversations,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { requireFriendship } = yield* MessagePolicy
    const messagesOf = makeMessagesOf(sql)

    /**
     * Conversations in the order of their ids with something newer than `since`, and in `low` the last message that is
     * not newer. Versions rise with seq and seqs have no gaps, so that this message is found by halving: no index has
     * to be kept for it. Tells the version of the store, too: a trip to the database less for every page.
     */
    const changedSince = (reader: UserId, { position: { since, walk }, known }: SyncQuery, limit: number) => {
      const positions = Object.entries(known).map(([id, seq]) => ({ id, seq }))
      const after = sql.literal(walk?.seq === undefined ? ">" : ">=")
      return sql<PageRow>`
        WITH RECURSIVE changed AS (
          SELECT c.id, c.last_seq, m.joined_seq, m.read_seq, m.role, m.hidden_seq, m.pinned, m.muted,
            k.seq AS known_seq
          FROM conversation_members m
          JOIN conversations c ON c.id = m.conversation_id
          LEFT JOIN ${rowsOf(sql, positions, { id: "id", seq: "integer" })} k ON k.id = c.id
          WHERE m.user_id = ${reader} AND m.conversation_id ${after} ${walk?.conversationId ?? ""}
          AND (
            (m.role > ${Role.former} AND (m.version > ${since} OR c.version > ${since} OR k.seq < c.last_seq))
            -- A device that has nothing need not hear of what its user has left.
            OR (m.role = ${Role.former} AND m.version > ${since} AND ${since} >= 0)
          )
          ORDER BY m.conversation_id ${limitTo(sql, limit)}
        ),
        halving(id, low, high) AS (
          SELECT id, joined_seq, last_seq FROM changed
          UNION ALL
          SELECT h.id,
            CASE WHEN m.version <= ${since} THEN m.seq ELSE h.low END,
            CASE WHEN m.version <= ${since} THEN h.high ELSE m.seq - 1 END
          FROM halving h JOIN messages m ON m.conversation_id = h.id AND m.seq = (h.low + h.high + 1) >> 1
          WHERE h.low < h.high
        )
        SELECT v.version AS now, c.*, h.low
        FROM store_version v
        LEFT JOIN (changed c JOIN halving h ON h.id = c.id AND h.low = h.high) ON 1 = 1
        ORDER BY c.id`
    }

    const readPage = Effect.fnUntraced(function* (reader: UserId, query: SyncQuery) {
      const { since, walk } = query.position
      const width = widthOf(query.position)
      const read = yield* changedSince(reader, query, width + 1)
      const now = read[0]?.now
      if (now === undefined) return yield* Effect.die(new Error("the store has no version: its row is missing"))
      // A store that was set back must not leave the device waiting for what it has seen already.
      if (Math.max(since, walk?.until ?? since) > now) {
        return yield* failure("BadParameters", { msg: "this cursor is newer than the store" })
      }
      const until = walk?.until ?? now
      const newest = walk === undefined ? query.newest : walk.newest
      const rows = read.filter(isChanged)
      const changed = rows.slice(0, width).map((row) => changedOf(row, query.position, newest))
      const ranges = rangesOf(changed, query.limit)
      const found =
        ranges.length === 0
          ? []
          : yield* sql<MessageRow>`
              SELECT ${sql.literal(messageColumns)}
              FROM ${rowsOf(sql, ranges, { conversationId: "id", fromSeq: "integer", toSeq: "integer" })} w
              ${joinInOrder(sql)} messages m
              ON m.conversation_id = w.conversationId AND m.seq > w.fromSeq AND m.seq <= w.toSeq
              ORDER BY m.conversation_id, m.seq`
      const messages = fitting(yield* messagesOf(reader, found))
      const page = pageOf(changed, messages, rows.length === changed.length)
      const next: SyncPosition =
        page.last === undefined
          ? { since: until, walk: undefined }
          : { since, walk: { until, newest, width: page.conversations.length, ...page.last } }
      return { ...page, next }
    })

    return Conversations.of({
      sync: (reader, query) => Effect.catchTag(readPage(reader, query), "SqlError", storeFailure),

      isVisibleToOthers: Effect.fn("Conversations.isVisibleToOthers")(
        function* (userId, conversationId) {
          const [row] = yield* sql<{ readonly last_seq: number }>`
            SELECT c.last_seq FROM conversation_members m JOIN conversations c ON c.id = m.conversation_id
            WHERE m.conversation_id = ${conversationId} AND m.user_id = ${userId} AND m.role > ${Role.former}`
          if (row === undefined) return yield* failure("NoConversation")
          const both = singleMembers(conversationId)
          if (both !== undefined) yield* checkContactOf(sql, requireFriendship, ...both)
          return row.last_seq > 0
        },
        Effect.catchTag("SqlError", storeFailure)
      ),

      readRecords: Effect.fn("Conversations.readRecords")(
        function* (reader, messageId) {
          const members = yield* sql<{
            readonly user_id: UserId
            readonly is_read: number
            readonly is_sender: number
            readonly conversation_id: ConversationId
            readonly chat_type: ChatType
          }>`
            SELECT msg.conversation_id, msg.chat_type, other.user_id, other.read_seq >= msg.seq AS is_read, other.user_id = msg.sender_id AS is_sender
            FROM messages msg
            JOIN conversation_members own ON own.conversation_id = msg.conversation_id AND own.user_id = ${reader}
            JOIN conversation_members other ON other.conversation_id = msg.conversation_id
            WHERE msg.message_id = ${messageId} AND own.role > ${Role.former} AND own.joined_seq < msg.seq
            AND other.role > ${Role.former} AND other.joined_seq < msg.seq
            ORDER BY other.user_id`
          // A reader who sees the message is one of them.
          if (members.length === 0) return yield* failure("NoMessage")
          const others = members.filter((row) => row.is_sender === 0)
          const [first] = members
          // Where one blocks the other neither sees the read position of the other.
          if (first?.chat_type === ChatType.single && (yield* blockedAmong(sql, [first.conversation_id])).size > 0) {
            return { reads: [], unReads: others.map((row) => row.user_id) }
          }
          return {
            reads: others.filter((row) => row.is_read === 1).map((row) => row.user_id),
            unReads: others.filter((row) => row.is_read === 0).map((row) => row.user_id)
          }
        },
        Effect.catchTag("SqlError", storeFailure)
      ),

      markRead: (reader, conversationId, seq) =>
        Effect.gen(function* () {
          const [row] = yield* sql<{ readonly read_seq: number; readonly last_seq: number }>`
            SELECT m.read_seq, c.last_seq FROM conversation_members m JOIN conversations c ON c.id = m.conversation_id
            WHERE m.conversation_id = ${conversationId} AND m.user_id = ${reader} AND m.role > ${Role.former}`
          if (row === undefined) return yield* failure("NoConversation")
          if (seq > row.last_seq) {
            return yield* failure("BadParameters", {
              msg: `the last message of the conversation is ${row.last_seq}`
            })
          }
          if (seq <= row.read_seq) return { seq: row.read_seq, moved: false, isBlocked: false }
          const version = yield* nextVersion(sql)
          // Since the look above, which has locked nothing, another device may have read further, or the reader left.
          const [now] = yield* sql<{ readonly read_seq: number }>`
            SELECT read_seq FROM conversation_members
            WHERE conversation_id = ${conversationId} AND user_id = ${reader} AND role > ${Role.former} ${forUpdate(sql)}`
          if (now === undefined) return yield* failure("NoConversation")
          if (seq <= now.read_seq) return { seq: now.read_seq, moved: false, isBlocked: false }
          yield* sql`
            UPDATE conversation_members SET read_seq = ${seq}, version = ${version}
            WHERE conversation_id = ${conversationId} AND user_id = ${reader}`
          return { seq, moved: true, isBlocked: (yield* blockedAmong(sql, [conversationId])).size > 0 }
        }).pipe(inTransaction(sql), Effect.catchTag("SqlError", storeFailure))
    })
  })
)
