/** Writes a plan, in as many statements for much as for little. */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import { memberKey } from "../../../domain/messages/AppendFacts.ts"
import type { AppendPlan } from "../../../domain/messages/AppendPlan.ts"
import { isChange, isWritten, type Message, MessageType } from "../../../domain/messages/Message.ts"
import { ChatType, type ConversationId, singleMembers } from "../../../domain/shared/ConversationIds.ts"
import type { UserId } from "../../../domain/shared/Ids.ts"
import { onExisting, rowsOf, updateFrom } from "../database/SqlDialect.ts"
import { digestOf, makeChangeMessages } from "./AppendChangesSql.ts"
import { makeChangeMembers } from "./AppendMembersSql.ts"
import { writeRefused } from "./RefusedDrafts.ts"

/** How far a member has read, and where they have last sent. */
interface MemberPositions {
  readonly conversationId: ConversationId
  readonly userId: UserId
  readonly readSeq: number
  readonly sentSeq: number
}

/** The end of a conversation after the plan. */
interface ConversationEndRow {
  readonly id: ConversationId
  readonly chatType: ChatType
  readonly lastSeq: number
  readonly lastTime: number
  readonly shownSeq: number
  readonly readableSeq: number
  readonly readableCount: number
  readonly listedVersion: number
}

const isOfGroup = ({ chatType }: Message): boolean => chatType === ChatType.group

export const makeWritePlan = (sql: SqlClient.SqlClient) => {
  const changeMembers = makeChangeMembers(sql)
  const changeMessages = makeChangeMessages(sql)

  const insertMessages = ({ stored, readableCounts, firstContents }: AppendPlan, version: number) => {
    /** The content of an edit goes when its target is recalled; of some group events less is stored than was sent. */
    const firstContent = (message: Message) =>
      message.messageType === MessageType.edit ? message.content : firstContents.get(message)
    const rows = stored.map((message, index) => {
      const first = firstContent(message)
      return {
        ...message,
        readableCount: readableCounts[index],
        targetSeq: message.targetSeq ?? null,
        firstDigest: first === undefined ? "" : digestOf(first)
      }
    })
    return sql`
      INSERT INTO messages
        (conversation_id, seq, message_id, sender_id, client_id, receive_id, chat_type, message_type, content, send_time,
         target_seq, first_digest, readable_count, version)
      SELECT w.*, ${version} FROM ${rowsOf(sql, rows, {
        conversationId: "id",
        seq: "integer",
        messageId: "id",
        senderId: "id",
        clientId: "id",
        receiveId: "id",
        chatType: "integer",
        messageType: "integer",
        content: "text",
        sendTime: "integer",
        targetSeq: "integer",
        firstDigest: "id",
        readableCount: "integer"
      })} w`
  }

  const endConversations = ({ stored, readableCounts }: AppendPlan, version: number) => {
    const ends = new Map<ConversationId, ConversationEndRow>()
    for (const [index, { conversationId, chatType, seq, sendTime, messageType }] of stored.entries()) {
      const before = ends.get(conversationId)
      const isReadable = isWritten(messageType)
      ends.set(conversationId, {
        id: conversationId,
        chatType,
        lastSeq: seq,
        lastTime: sendTime,
        shownSeq: isChange(messageType) ? (before?.shownSeq ?? 0) : seq,
        readableSeq: isReadable ? seq : (before?.readableSeq ?? 0),
        readableCount: readableCounts[index] ?? 0,
        // A conversation moves up in lists when it begins, and with what people read.
        listedVersion: isReadable || seq === 1 ? version : (before?.listedVersion ?? 0)
      })
    }
    return sql`
      INSERT INTO conversations
        (id, chat_type, last_seq, last_time, shown_seq, readable_seq, readable_count, listed_version, version)
      SELECT w.*, ${version}
      FROM ${rowsOf(sql, [...ends.values()], {
        id: "id",
        chatType: "integer",
        lastSeq: "integer",
        lastTime: "integer",
        shownSeq: "integer",
        readableSeq: "integer",
        readableCount: "integer",
        listedVersion: "integer"
      })} w
      ${onExisting(sql, ["id"], {
        last_seq: "replace",
        last_time: "replace",
        shown_seq: "raise",
        readable_seq: "raise",
        readable_count: "replace",
        listed_version: "raise",
        version: "replace"
      })}`
  }

  /** The sender of a message has read everything before it; changes and group events move no read position. */
  const raisePositions = (stored: ReadonlyArray<Message>) => {
    const positions = new Map<string, MemberPositions>()
    for (const message of stored) {
      const { conversationId, senderId, seq, messageType } = message
      const key = memberKey(conversationId, senderId)
      const readSeq = isWritten(messageType) ? seq : (positions.get(key)?.readSeq ?? 0)
      positions.set(key, { conversationId, userId: senderId, readSeq, sentSeq: seq })
      if (isOfGroup(message)) continue
      for (const userId of singleMembers(conversationId) ?? []) {
        const key = memberKey(conversationId, userId)
        if (!positions.has(key)) positions.set(key, { conversationId, userId, readSeq: 0, sentSeq: 0 })
      }
    }
    const columns = { conversationId: "id", userId: "id", readSeq: "integer", sentSeq: "integer" } as const
    return sql`
      INSERT INTO conversation_members (conversation_id, user_id, joined_seq, read_seq, sent_seq)
      SELECT w.conversationId, w.userId, 0, w.readSeq, w.sentSeq
      FROM ${rowsOf(sql, [...positions.values()], columns)} w
      ${onExisting(sql, ["conversation_id", "user_id"], { read_seq: "raise", sent_seq: "raise" })}`
  }

  const changeGroups = Effect.fnUntraced(function* (groups: AppendPlan["groupChanges"]) {
    for (const { conversationId, event } of groups) {
      const columns = {
        ...(event.name === undefined ? {} : { name: event.name }),
        ...(event.icon === undefined ? {} : { icon: event.icon }),
        ...(event.isVerify === undefined ? {} : { is_verify: Number(event.isVerify) })
      }
      if (event.event === "created") {
        yield* sql`INSERT INTO groups_ ${sql.insert({ id: conversationId, ...columns, member_count: 0 })}`
      } else if (Object.keys(columns).length > 0) {
        yield* sql`UPDATE groups_ SET ${sql.update(columns)} WHERE id = ${conversationId}`
      }
    }
  })

  const useInvitations = (uses: AppendPlan["invitationUses"]) => {
    const rows = [...uses].map(([id, count]) => ({ id, count }))
    return sql`
      UPDATE ${updateFrom(sql, "group_invitations", rowsOf(sql, rows, { id: "id", count: "integer" }), "m.id = w.id", {
        uses: "m.uses + w.count"
      })}`
  }

  return Effect.fnUntraced(function* (plan: AppendPlan, version: number) {
    const { stored, refusals, groupChanges, invitationUses, messageChanges } = plan
    if (refusals.length > 0) yield* writeRefused(sql, refusals)
    if (stored.length === 0) return
    yield* insertMessages(plan, version)
    yield* endConversations(plan, version)
    yield* raisePositions(stored)
    if (groupChanges.length > 0) yield* changeGroups(groupChanges)
    yield* changeMembers(plan, version)
    if (invitationUses.size > 0) yield* useInvitations(invitationUses)
    if (messageChanges.length > 0) yield* changeMessages(messageChanges)
  })
}
