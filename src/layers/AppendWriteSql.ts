/** Writes what a plan says: a statement for each kind of thing that it has any of. */
import { createHash } from "node:crypto"
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { MemberChange, MessageChange } from "../domain/AppendChanges.ts"
import { memberKey, messageKey, reactionKey } from "../domain/AppendFacts.ts"
import type { AppendPlan } from "../domain/AppendPlan.ts"
import { ChatType, type ConversationId, singleMembers } from "../domain/Conversation.ts"
import { Role } from "../domain/Group.ts"
import type { UserId } from "../domain/Ids.ts"
import { isChange, type Message, MessageType } from "../domain/Message.ts"
import { HandleResult } from "../domain/Request.ts"
import { MessageState } from "./MessageRows.ts"
import { onExisting, rowsOf, updateFrom } from "./SqlDialect.ts"

/** Tells contents apart that are not kept. */
export const digestOf = (content: string): string => createHash("sha256").update(content).digest("base64")

/** What a message that was changed has in the end. */
interface ChangedMessage {
  readonly conversationId: ConversationId
  readonly seq: number
  content: string
  state: number
  firstDigest: string
}

const stateOf: { readonly [Kind in MessageChange["kind"]]: number } = {
  [MessageType.recall]: MessageState.recalled,
  [MessageType.edit]: MessageState.edited,
  [MessageType.reaction]: MessageState.reacted
}

/** A conversation and a member of it. */
interface Place {
  readonly conversationId: ConversationId
  readonly userId: UserId
}

const isOfGroup = ({ chatType }: Message): boolean => chatType === ChatType.group

export const makeWritePlan = (sql: SqlClient.SqlClient) => {
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
        conversationID: "id",
        seq: "integer",
        messageId: "id",
        sendId: "id",
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
    for (const { conversationID, chatType, seq, sendTime, messageType } of stored) {
      const shownSeq = isChange(messageType) ? (ends.get(conversationID)?.shownSeq ?? 0) : seq
      ends.set(conversationID, { id: conversationID, chatType, lastSeq: seq, lastTime: sendTime, shownSeq })
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

  /** Who writes has read what came before, and their own messages are never unread. */
  const raisePositions = (stored: ReadonlyArray<Message>) => {
    const positions = new Map<string, Place & { readonly ownSeq: number }>()
    for (const message of stored) {
      const { conversationID: conversationId, sendId, seq } = message
      positions.set(memberKey(conversationId, sendId), { conversationId, userId: sendId, ownSeq: seq })
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

  /**
   * A new member has read nothing of what they see; who is a member has no request pending. In a group, `sent_seq` is
   * above 0 once a member has done something there, or has asked to get in, since they came: who leaves and is brought
   * in again begins anew (`Groups.companions`).
   */
  const changeMembers = Effect.fnUntraced(function* (members: AppendPlan["memberChanges"], version: number) {
    const last = new Map<string, MemberChange>()
    for (const change of members) {
      const key = memberKey(change.conversationId, change.userId)
      last.set(key, { ...change, readSeq: Math.max(change.readSeq, last.get(key)?.readSeq ?? 0) })
    }
    yield* sql`
      INSERT INTO conversation_members
        (conversation_id, user_id, role, joined_seq, read_seq, sent_seq, version)
      SELECT w.conversationId, w.userId, w.role, w.joinedSeq, w.readSeq, EXISTS (
        SELECT 1 FROM group_requests r WHERE r.user_id = w.userId AND r.handle_result = ${HandleResult.none}
        AND r.group_id = w.conversationId AND r.inviter_id = w.userId
      ), ${version}
      FROM ${rowsOf(sql, [...last.values()], {
        conversationId: "id",
        userId: "id",
        role: "integer",
        joinedSeq: "integer",
        readSeq: "integer"
      })} w
      ${onExisting(sql, ["conversation_id", "user_id"], {
        role: "replace",
        joined_seq: "replace",
        read_seq: "raise",
        sent_seq: "raise",
        version: "replace"
      })}`
    const leaving = members.filter(({ role }) => role === Role.former)
    if (leaving.length > 0) {
      // Their leaving was a message of theirs, too.
      yield* sql`
        UPDATE ${updateFrom(
          sql,
          "conversation_members",
          rowsOf(sql, leaving, { conversationId: "id", userId: "id" }),
          "m.conversation_id = w.conversationId AND m.user_id = w.userId",
          { sent_seq: "0" }
        )}`
    }
    // Whoever became one in this batch, even if they have left since.
    const joined = new Map<string, MemberChange>()
    for (const change of members) {
      const key = memberKey(change.conversationId, change.userId)
      if (change.role !== Role.former && !joined.has(key)) joined.set(key, change)
    }
    if (joined.size === 0) return
    yield* sql`
      UPDATE ${updateFrom(
        sql,
        "group_requests",
        rowsOf(sql, [...joined.values()], {
          conversationId: "id",
          userId: "id",
          changedBy: "id",
          changedAt: "integer"
        }),
        `m.user_id = w.userId AND m.handle_result = ${HandleResult.none} AND m.group_id = w.conversationId`,
        { handle_result: String(HandleResult.pass), handled_by: "w.changedBy", handled_at: "w.changedAt" }
      )}`
  })

  const changeGroups = Effect.fnUntraced(function* (groups: AppendPlan["groupChanges"]) {
    for (const { groupId, event } of groups) {
      const columns = {
        ...(event.name === undefined ? {} : { name: event.name }),
        ...(event.icon === undefined ? {} : { icon: event.icon }),
        ...(event.isVerify === undefined ? {} : { is_verify: Number(event.isVerify) })
      }
      if (event.event === "created") {
        yield* sql`INSERT INTO groups_ ${sql.insert({ id: groupId, ...columns, member_count: 0 })}`
      } else if (Object.keys(columns).length > 0) {
        yield* sql`UPDATE groups_ SET ${sql.update(columns)} WHERE id = ${groupId}`
      }
    }
  })

  const countMembers = (counts: AppendPlan["memberCounts"]) => {
    const rows = [...counts].map(([id, memberCount]) => ({ id, memberCount }))
    return sql`
      UPDATE ${updateFrom(sql, "groups_", rowsOf(sql, rows, { id: "id", memberCount: "integer" }), "m.id = w.id", {
        member_count: "w.memberCount"
      })}`
  }

  const changeMessages = Effect.fnUntraced(function* (changes: ReadonlyArray<MessageChange>) {
    const changed = new Map<string, ChangedMessage>()
    for (const { kind, conversationId, targetSeq, content, before } of changes) {
      const key = messageKey(conversationId, targetSeq)
      const message = changed.get(key) ?? {
        conversationId,
        seq: targetSeq,
        content: before.content,
        state: 0,
        firstDigest: ""
      }
      message.state |= stateOf[kind]
      if (kind !== MessageType.reaction) {
        message.content = kind === MessageType.edit ? content : ""
        message.firstDigest ||= digestOf(before.content)
      }
      changed.set(key, message)
    }
    yield* sql`
      UPDATE ${updateFrom(
        sql,
        "messages",
        rowsOf(sql, [...changed.values()], {
          conversationId: "id",
          seq: "integer",
          content: "text",
          state: "integer",
          firstDigest: "id"
        }),
        "m.conversation_id = w.conversationId AND m.seq = w.seq",
        {
          first_digest: "CASE WHEN m.first_digest = '' THEN w.firstDigest ELSE m.first_digest END",
          content: "w.content",
          state: "m.state | w.state"
        }
      )}`
    yield* writeEdits(changes.filter(({ kind }) => kind === MessageType.edit))
    yield* writeReactions(changes.filter(({ kind }) => kind === MessageType.reaction))
    yield* clearRecalled(changes.filter(({ kind }) => kind === MessageType.recall))
  })

  const writeEdits = (edits: ReadonlyArray<MessageChange>) =>
    edits.length === 0
      ? Effect.void
      : sql`
          INSERT INTO message_edits (conversation_id, target_seq, seq)
          SELECT w.* FROM ${rowsOf(sql, edits, { conversationId: "id", targetSeq: "integer", seq: "integer" })} w`

  /** Of a recalled message nothing is left: neither what it was edited to nor what others have made of it. */
  const clearRecalled = (recalls: ReadonlyArray<MessageChange>): Effect.Effect<void, SqlError.SqlError> =>
    Effect.gen(function* () {
      if (recalls.length === 0) return
      const places = rowsOf(sql, recalls, { conversationId: "id", targetSeq: "integer" })
      const former = yield* sql<{ readonly conversationId: ConversationId; readonly seq: number }>`
        SELECT DISTINCT e.conversation_id AS conversationId, e.seq FROM ${places} w
        JOIN message_edits e ON e.conversation_id = w.conversationId AND e.target_seq = w.targetSeq`
      if (former.length > 0) {
        yield* sql`
          UPDATE ${updateFrom(
            sql,
            "messages",
            rowsOf(sql, former, { conversationId: "id", seq: "integer" }),
            "m.conversation_id = w.conversationId AND m.seq = w.seq",
            { content: "''" }
          )}`
      }
      for (const { conversationId, targetSeq } of recalls) {
        yield* sql`DELETE FROM reactions WHERE conversation_id = ${conversationId} AND seq = ${targetSeq}`
      }
    })

  /** The last reaction of each user to each message counts. */
  const writeReactions = Effect.fnUntraced(function* (given: ReadonlyArray<MessageChange>) {
    const last = new Map(
      given.map((change) => [reactionKey(change.conversationId, change.targetSeq, change.userId), change])
    )
    const kept = [...last.values()].filter(({ content }) => content !== "")
    for (const { conversationId, targetSeq, userId, content } of last.values()) {
      if (content !== "") continue
      yield* sql`
        DELETE FROM reactions WHERE conversation_id = ${conversationId} AND seq = ${targetSeq} AND user_id = ${userId}`
    }
    if (kept.length === 0) return
    yield* sql`
      INSERT INTO reactions (conversation_id, seq, user_id, reaction)
      SELECT w.* FROM ${rowsOf(sql, kept, {
        conversationId: "id",
        targetSeq: "integer",
        userId: "id",
        content: "id"
      })} w
      ${onExisting(sql, ["conversation_id", "seq", "user_id"], { reaction: "replace" })}`
  })

  return Effect.fnUntraced(function* (plan: AppendPlan, version: number) {
    const { stored, memberChanges, groupChanges, memberCounts, messageChanges } = plan
    if (stored.length === 0) return
    yield* insertMessages(stored, version)
    yield* endConversations(stored, version)
    yield* raisePositions(stored)
    if (groupChanges.length > 0) yield* changeGroups(groupChanges)
    if (memberChanges.length > 0) yield* changeMembers(memberChanges, version)
    if (memberCounts.size > 0) yield* countMembers(memberCounts)
    if (messageChanges.length > 0) yield* changeMessages(messageChanges)
  })
}
