/** {@link Conversations} on SQL. A page of `sync` takes two statements, and one for reactions, whatever its size. */
import { Effect, Layer } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import { Conversations } from "../../../domain/conversations/Conversations.ts"
import type { ChangesQuery, StoredChange } from "../../../domain/conversations/SyncPage.ts"
import { Role } from "../../../domain/groups/Group.ts"
import { MessagePolicy } from "../../../domain/messages/MessagePolicy.ts"
import { ChatType, type ConversationId, singleMembers } from "../../../domain/shared/ConversationIds.ts"
import { failure } from "../../../domain/shared/Failure.ts"
import type { UserId } from "../../../domain/shared/Ids.ts"
import { inTransaction, nextVersion, storeFailure } from "../database/Sql.ts"
import { forUpdate, joinInOrder, limitTo, positionsById, rowsOf } from "../database/SqlDialect.ts"
import { type MessageRow, makeMessagesOf, messageColumns } from "../messages/MessageRows.ts"
import { blockedAmong, checkContactOf, unblocked } from "../people/UserPairs.ts"
import { unreadOf } from "./Unread.ts"

interface ChangedRow {
  readonly id: ConversationId
  readonly last_seq: number
  readonly joined_seq: number
  readonly read_seq: number
  readonly readable_seq: number
  readonly unread: number
  readonly peer_read_seq: number | null
  readonly role: Role
  readonly hidden_seq: number
  readonly pinned: number
  readonly muted: number
  readonly known_seq: number | null
  readonly low: number
}

/** A row of a page: with the version of the store, and of nothing else where nothing has changed. */
type PageRow = { readonly now: number; readonly term: string | null; readonly term_as_of: string | null } & (
  | ChangedRow
  | { readonly id: null }
)

const isChanged = (row: PageRow): row is PageRow & ChangedRow => row.id !== null

const changeOf = (row: ChangedRow): StoredChange => ({
  conversationId: row.id,
  lastSeq: row.last_seq,
  readSeq: row.read_seq,
  unread: row.unread,
  peerReadSeq: row.peer_read_seq ?? undefined,
  joinedSeq: row.joined_seq,
  sinceSeq: row.low,
  knownSeq: row.known_seq ?? undefined,
  hasLeft: row.role === Role.former,
  marks: {
    ...(row.hidden_seq >= row.readable_seq ? { isHidden: true } : {}),
    ...(row.pinned === 1 ? { isPinned: true } : {}),
    ...(row.muted === 1 ? { isMuted: true } : {})
  }
})

/** The term of a version (`StoreTerms.ts`). */
const termOf = (sql: SqlClient.SqlClient, version: number | Statement.Fragment): Statement.Fragment =>
  sql`(SELECT term FROM store_terms WHERE first_version <= ${version} ORDER BY first_version DESC ${limitTo(sql, 1)})`

export const layer = Layer.effect(
  Conversations,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { requireFriendship } = yield* MessagePolicy
    const messagesOf = makeMessagesOf(sql)

    /**
     * Conversations in the order of their ids with a change newer than `since`, and in `low` the last message that is not
     * newer. Versions rise with seq and seqs have no gaps, so that a binary search finds this message without an index. Each row
     * has the version of the store and its terms, which saves a statement for every page.
     */
    const changedRows = (reader: UserId, { since, asOf, from, known, limit }: ChangesQuery) => {
      const positions = Object.entries(known).map(([id, seq]) => ({ id, seq }))
      // Only of conversations that have changed is it asked for blocks.
      const isPeerVisible = unblocked(sql, reader, "p.user_id")
      const after = sql.literal(from?.isIncluded === true ? ">=" : ">")
      return sql<PageRow>`
        WITH RECURSIVE known AS ${positionsById(sql, positions)},
        changed AS (
          SELECT c.id, c.last_seq, c.readable_seq, c.readable_count, m.joined_seq, m.read_seq, m.role, m.hidden_seq,
            m.pinned, m.muted, k.seq AS known_seq, CASE WHEN ${isPeerVisible} THEN p.read_seq END AS peer_read_seq
          FROM conversation_members m
          JOIN conversations c ON c.id = m.conversation_id
          LEFT JOIN known k ON k.id = c.id
          LEFT JOIN conversation_members p ON p.conversation_id = c.id AND c.chat_type = ${ChatType.single}
            AND p.user_id <> ${reader}
          WHERE m.user_id = ${reader} AND m.conversation_id ${after} ${from?.conversationId ?? ""}
          AND (
            (m.role > ${Role.former} AND (m.version > ${since} OR c.version > ${since} OR k.seq < c.last_seq
              OR (p.version > ${since} AND ${isPeerVisible})))
            -- A new device need not know what its user has left.
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
        SELECT v.version AS now, ${termOf(sql, sql.literal("(SELECT version FROM store_version)"))} AS term,
          ${termOf(sql, asOf)} AS term_as_of, c.*, h.low, ${unreadOf(sql, "c")} AS unread
        FROM store_version v
        LEFT JOIN (changed c JOIN halving h ON h.id = c.id AND h.low = h.high) ON 1 = 1
        ORDER BY c.id`
    }

    return Conversations.of({
      changedSince: Effect.fn("Conversations.changedSince")(
        function* (reader, query) {
          const rows = yield* changedRows(reader, query)
          const [row] = rows
          if (row === undefined) return yield* Effect.die(new Error("the store has no version: its row is missing"))
          const { now: version, term, term_as_of } = row
          return {
            version,
            term: term ?? undefined,
            termAsOf: term_as_of ?? undefined,
            changes: rows.filter(isChanged).map(changeOf)
          }
        },
        Effect.catchTag("SqlError", storeFailure)
      ),

      messagesIn: Effect.fn("Conversations.messagesIn")(
        function* (reader, ranges) {
          const found = yield* sql<MessageRow>`
          SELECT ${sql.literal(messageColumns)}
          FROM ${rowsOf(sql, ranges, { conversationId: "id", fromSeq: "integer", toSeq: "integer" })} w
          ${joinInOrder(sql)} messages m
          ON m.conversation_id = w.conversationId AND m.seq > w.fromSeq AND m.seq <= w.toSeq
          ORDER BY m.conversation_id, m.seq`
          return yield* messagesOf(reader, found)
        },
        Effect.catchTag("SqlError", storeFailure)
      ),

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
          // A reader who sees the message is among the members.
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
