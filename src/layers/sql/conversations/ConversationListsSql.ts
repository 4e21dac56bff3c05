/** {@link ConversationLists} on SQL. A page takes two statements, and one for reactions, whatever its size. */
import { Effect, Layer, Result } from "effect"
import { SqlClient } from "effect/sql"
import {
  ConversationLists,
  type ListChange,
  type ListedConversation,
  listMax
} from "../../../domain/conversations/ConversationLists.ts"
import { Role } from "../../../domain/groups/Group.ts"
import { MessagePolicy } from "../../../domain/messages/MessagePolicy.ts"
import { firstFitting } from "../../../domain/messages/Page.ts"
import { ChatType, type ConversationId, conversationWith } from "../../../domain/shared/ConversationIds.ts"
import { type Failure, failure } from "../../../domain/shared/Failure.ts"
import type { UserId } from "../../../domain/shared/Ids.ts"
import { inTransaction, nextVersion, storeFailure } from "../database/Sql.ts"
import { joinInOrder, limitTo, onExisting, rowsOf, updateFrom } from "../database/SqlDialect.ts"
import { type MessageRow, makeMessagesOf, messageColumns } from "../messages/MessageRows.ts"
import { blockedAmong, checkContactOf } from "../people/UserPairs.ts"
import { unreadOf } from "./Unread.ts"

/** Content of the last messages of one page, in bytes. */
const pageBytesMax = 512 * 1024

interface ListedRow {
  readonly id: ConversationId
  readonly chat_type: ChatType
  readonly last_seq: number
  readonly shown_seq: number
  readonly readable_seq: number
  readonly listed_version: number
  readonly unread: number
  readonly read_seq: number
  readonly joined_seq: number
  readonly hidden_seq: number
  readonly pinned: number
  readonly muted: number
  /** The size of the last message; `null` where there is none that the user sees. */
  readonly shown_bytes: number | null
}

interface MessagePosition {
  readonly conversationId: ConversationId
  readonly seq: number
}

export const layer = Layer.effect(
  ConversationLists,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { requireFriendship } = yield* MessagePolicy
    const messagesOf = makeMessagesOf(sql)
    const join = joinInOrder(sql)

    /** Fails where there can be no conversation between these two. */
    const checkPair = Effect.fnUntraced(function* (userId: UserId, other: UserId) {
      const known = yield* sql`SELECT id FROM users WHERE id IN ${sql.in([userId, other])}`
      if (known.length < new Set([userId, other]).size) return yield* failure("NoReceiver")
      yield* checkContactOf(sql, requireFriendship, userId, other)
    })

    const positionColumns = { conversationId: "id", seq: "integer" } as const

    /** The bytes of a text, without reading it. */
    const bytesOf = sql.literal(sql.onDialectOrElse({ mysql: () => "LENGTH", orElse: () => "octet_length" }))

    const lastMessages = (positions: ReadonlyArray<MessagePosition>) =>
      positions.length === 0
        ? Effect.succeed([])
        : sql<MessageRow>`
            SELECT ${sql.literal(messageColumns)} FROM ${rowsOf(sql, positions, positionColumns)} w
            ${join} messages m ON m.conversation_id = w.conversationId AND m.seq = w.seq`

    const memberOf = (userId: UserId, conversationId: ConversationId) =>
      Effect.map(
        sql<{ readonly hidden_seq: number; readonly readable_seq: number }>`
          SELECT m.hidden_seq, c.readable_seq FROM conversation_members m JOIN conversations c ON c.id = m.conversation_id
          WHERE m.conversation_id = ${conversationId} AND m.user_id = ${userId} AND m.role > ${Role.former}`,
        ([row]) => row
      )

    const show = (userId: UserId, conversationId: ConversationId) =>
      Effect.flatMap(
        nextVersion(sql),
        (version) => sql`
          UPDATE conversation_members SET hidden_seq = -1, version = ${version}
          WHERE conversation_id = ${conversationId} AND user_id = ${userId}`
      )

    /**
     * The other user sees the conversation with its first message. Existing rows stay: they may have come after this
     * transaction looked.
     */
    const begin = Effect.fnUntraced(function* (userId: UserId, conversationId: ConversationId) {
      const version = yield* nextVersion(sql)
      const row = rowsOf(sql, [{ conversationId, userId }], { conversationId: "id", userId: "id" })
      yield* sql`
        INSERT INTO conversations (id, chat_type, last_seq, last_time, listed_version, version)
        SELECT w.conversationId, ${ChatType.single}, 0, 0, ${version}, ${version} FROM ${row} w ${onExisting(sql, ["id"], {})}`
      yield* sql`
        INSERT INTO conversation_members (conversation_id, user_id, joined_seq, read_seq, sent_seq, version)
        SELECT w.conversationId, w.userId, 0, 0, 0, ${version} FROM ${row} w
        ${onExisting(sql, ["conversation_id", "user_id"], {})}`
    })

    return ConversationLists.of({
      setUp: Effect.fn("ConversationLists.setUp")(
        function* (userId, receiver) {
          const conversationId = conversationWith(userId, receiver)
          const member = yield* memberOf(userId, conversationId)
          if (member === undefined) {
            if (receiver.chatType === ChatType.group) return yield* failure("NoConversation")
            yield* checkPair(userId, receiver.receiveId)
            yield* begin(userId, conversationId)
          } else if (member.hidden_seq >= member.readable_seq) yield* show(userId, conversationId)
          return conversationId
        },
        inTransaction(sql),
        Effect.catchTag("SqlError", storeFailure)
      ),

      list: Effect.fn("ConversationLists.list")(function* (userId, after) {
        const bound =
          after === undefined
            ? sql.literal("1 = 1")
            : sql`(c.listed_version < ${after.version}
                OR (c.listed_version = ${after.version} AND c.id < ${after.conversationId}))`
        const rows = yield* sql<ListedRow>`
          SELECT l.*, ${unreadOf(sql, "l")} AS unread, (
            SELECT ${bytesOf}(msg.content) FROM messages msg
            WHERE msg.conversation_id = l.id AND msg.seq = l.shown_seq AND msg.seq > l.joined_seq
          ) AS shown_bytes
          FROM (
            SELECT c.id, c.chat_type, c.last_seq, c.shown_seq, c.readable_seq, c.readable_count, c.listed_version,
              m.read_seq, m.joined_seq, m.hidden_seq, m.pinned, m.muted
            FROM conversation_members m ${join} conversations c ON c.id = m.conversation_id
            WHERE m.user_id = ${userId} AND m.role > ${Role.former} AND ${bound}
            ORDER BY c.listed_version DESC, c.id DESC ${limitTo(sql, listMax + 1)}
          ) l
          ORDER BY l.listed_version DESC, l.id DESC`
        const shown = rows.slice(0, listMax)
        const listedRows = firstFitting(shown, ({ shown_bytes }) => shown_bytes ?? 0, pageBytesMax)
        const found = yield* lastMessages(
          listedRows.flatMap(({ id, shown_seq, shown_bytes }) =>
            shown_bytes === null ? [] : [{ conversationId: id, seq: shown_seq }]
          )
        )
        const messages = yield* messagesOf(userId, found)
        const byConversation = new Map(messages.map((message) => [message.conversationId, message]))
        const conversations = listedRows.map(
          (row): ListedConversation => ({
            conversationId: row.id,
            chatType: row.chat_type,
            lastSeq: row.last_seq,
            readSeq: row.read_seq,
            unread: row.unread,
            joinedSeq: row.joined_seq,
            isShown: row.hidden_seq < row.readable_seq,
            isPinned: row.pinned === 1,
            isMuted: row.muted === 1,
            lastMessage: byConversation.get(row.id)
          })
        )
        const last = rows[conversations.length - 1]
        const hasMore = rows.length > conversations.length && last !== undefined
        return { conversations, next: hasMore ? { version: last.listed_version, conversationId: last.id } : undefined }
      }, Effect.catch(storeFailure)),

      change: Effect.fn("ConversationLists.change")(
        function* (userId, changes) {
          if (changes.length === 0) return []
          // The lock under which positions and members change.
          const version = yield* nextVersion(sql)
          const wanted = changes.map(({ conversationId }) => ({ conversationId }))
          const rows = yield* sql<Pick<ListedRow, "id" | "last_seq" | "read_seq" | "hidden_seq" | "pinned" | "muted">>`
            SELECT c.id, c.last_seq, m.read_seq, m.hidden_seq, m.pinned, m.muted
            FROM ${rowsOf(sql, wanted, { conversationId: "id" })} w
            ${join} conversation_members m ON m.conversation_id = w.conversationId AND m.user_id = ${userId}
            ${join} conversations c ON c.id = m.conversation_id
            WHERE m.role > ${Role.former}`
          const before = new Map(rows.map((row) => [row.id, row]))
          const after: Array<Changed> = []
          for (const change of changes) {
            const row = before.get(change.conversationId)
            if (row === undefined) return yield* failure("NoConversation")
            after.push(yield* Effect.fromResult(changedOf(row, change)))
          }
          const marks = rowsOf(sql, after, {
            conversationId: "id",
            readSeq: "integer",
            hiddenSeq: "integer",
            pinned: "integer",
            muted: "integer"
          })
          yield* sql`
            UPDATE ${updateFrom(
              sql,
              "conversation_members",
              sql`(SELECT v.*, ${userId} AS userId, ${version} AS version FROM ${marks} v)`,
              "m.conversation_id = w.conversationId AND m.user_id = w.userId",
              {
                read_seq: "w.readSeq",
                hidden_seq: "w.hiddenSeq",
                pinned: "w.pinned",
                muted: "w.muted",
                version: "w.version"
              }
            )}`
          const moved = after.filter(({ conversationId, readSeq }) => readSeq !== before.get(conversationId)?.read_seq)
          const blocked = yield* blockedAmong(
            sql,
            moved.map(({ conversationId }) => conversationId)
          )
          return moved.map(({ conversationId, readSeq }) => ({
            conversationId,
            seq: readSeq,
            isBlocked: blocked.has(conversationId)
          }))
        },
        inTransaction(sql),
        Effect.catchTag("SqlError", storeFailure)
      )
    })
  })
)

/** The changed columns of a member's row. */
interface Changed {
  readonly conversationId: ConversationId
  readonly readSeq: number
  readonly hiddenSeq: number
  readonly pinned: number
  readonly muted: number
}

const changedOf = (
  row: Pick<ListedRow, "id" | "last_seq" | "read_seq" | "hidden_seq" | "pinned" | "muted">,
  { isShown, isPinned, isMuted, readSeq = 0 }: ListChange
): Result.Result<Changed, Failure<"BadParameters">> => {
  if (readSeq > row.last_seq) {
    return Result.fail(failure("BadParameters", { msg: `the last message of ${row.id} is ${row.last_seq}` }))
  }
  return Result.succeed({
    conversationId: row.id,
    readSeq: Math.max(readSeq, row.read_seq),
    hiddenSeq: isShown === undefined ? row.hidden_seq : isShown ? -1 : row.last_seq,
    pinned: isPinned === undefined ? row.pinned : Number(isPinned),
    muted: isMuted === undefined ? row.muted : Number(isMuted)
  })
}
