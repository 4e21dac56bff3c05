/** Writes a plan, in as many statements for much as for little. */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import { memberKey } from "../../../domain/messages/AppendFacts.ts"
import type { AppendPlan } from "../../../domain/messages/AppendPlan.ts"
import { isChange, type Message, MessageType } from "../../../domain/messages/Message.ts"
import { ChatType, type ConversationId, singleMembers } from "../../../domain/shared/ConversationIds.ts"
import type { UserId } from "../../../domain/shared/Ids.ts"
import { onExisting, rowsOf } from "../database/SqlDialect.ts"
import { digestOf, makeChangeMessages } from "./AppendChangesSql.ts"
import { makeChangeMembers } from "./AppendMembersSql.ts"

/** A conversation and a member of it. */
interface ConversationMember {
  readonly conversationId: ConversationId
  readonly userId: UserId
}

const isOfGroup = ({ chatType }: Message): boolean => chatType === ChatType.group

export const makeWritePlan = (sql: SqlClient.SqlClient) => {
  const changeMembers = makeChangeMembers(sql)
  const changeMessages = makeChangeMessages(sql)

  const insertMessages = (stored: ReadonlyArray<Message>, version: number) => {
    const rows = stored.map((message) => ({
      ...message,
      targetSeq: message.targetSeq ?? null,
      // The content of an edit goes when its target is recalled.
      firstDigest: message.messageType === MessageType.edit ? digestOf(message.content) : ""
    }))
    return sql`
      INSERT INTO messages
        (conversation_id, seq, message_id, sender_id, client_id, receive_id, chat_type, message_type, content, send_time,
         target_seq, first_digest, version)
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
        firstDigest: "id"
      })} w`
  }

  const endConversations = (stored: ReadonlyArray<Message>, version: number) => {
    const ends = new Map<
      string,
      { id: string; chatType: number; lastSeq: number; lastTime: number; shownSeq: number }
    >()
    for (const { conversationId, chatType, seq, sendTime, messageType } of stored) {
      const shownSeq = isChange(messageType) ? (ends.get(conversationId)?.shownSeq ?? 0) : seq
      ends.set(conversationId, { id: conversationId, chatType, lastSeq: seq, lastTime: sendTime, shownSeq })
    }
    return sql`
      INSERT INTO conversations (id, chat_type, last_seq, last_time, shown_seq, version)
      SELECT w.*, ${version}
      FROM ${rowsOf(sql, [...ends.values()], {
        id: "id",
        chatType: "integer",
        lastSeq: "integer",
        lastTime: "integer",
        shownSeq: "integer"
      })} w
      ${onExisting(sql, ["id"], { last_seq: "replace", last_time: "replace", shown_seq: "raise", version: "replace" })}`
  }

  /** A sender has read everything before the message, and own messages are never unread. */
  const raisePositions = (stored: ReadonlyArray<Message>) => {
    const positions = new Map<string, ConversationMember & { readonly ownSeq: number }>()
    for (const message of stored) {
      const { conversationId, senderId, seq } = message
      positions.set(memberKey(conversationId, senderId), { conversationId, userId: senderId, ownSeq: seq })
      if (isOfGroup(message)) continue
      for (const userId of singleMembers(conversationId) ?? []) {
        const key = memberKey(conversationId, userId)
        if (!positions.has(key)) positions.set(key, { conversationId, userId, ownSeq: 0 })
      }
    }
    return sql`
      INSERT INTO conversation_members (conversation_id, user_id, joined_seq, read_seq, sent_seq)
      SELECT w.conversationId, w.userId, 0, w.ownSeq, w.ownSeq
      FROM ${rowsOf(sql, [...positions.values()], { conversationId: "id", userId: "id", ownSeq: "integer" })} w
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

  return Effect.fnUntraced(function* (plan: AppendPlan, version: number) {
    const { stored, groupChanges, messageChanges } = plan
    if (stored.length === 0) return
    yield* insertMessages(stored, version)
    yield* endConversations(stored, version)
    yield* raisePositions(stored)
    if (groupChanges.length > 0) yield* changeGroups(groupChanges)
    yield* changeMembers(plan, version)
    if (messageChanges.length > 0) yield* changeMessages(messageChanges)
  })
}
