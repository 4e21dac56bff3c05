/** Writes the changes of members that group events make. */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import { Role } from "../../../domain/groups/Group.ts"
import type { MemberChange } from "../../../domain/messages/AppendChanges.ts"
import { memberKey } from "../../../domain/messages/AppendFacts.ts"
import type { AppendPlan } from "../../../domain/messages/AppendPlan.ts"
import type { Message } from "../../../domain/messages/Message.ts"
import { HandleResult } from "../../../domain/shared/Request.ts"
import { onExisting, rowsOf, updateFrom } from "../database/SqlDialect.ts"

const keyOf = ({ conversationId, userId }: MemberChange): string => memberKey(conversationId, userId)

export const makeChangeMembers = (sql: SqlClient.SqlClient) => {
  /**
   * A new member has read nothing of what they see. In a group, `sent_seq` is above 0 once a member has been active there, or
   * has requested to join, since joining (`Groups.membersWithVisibility`).
   */
  const writeMembers = (changes: AppendPlan["memberChanges"], version: number) => {
    const last = new Map<string, MemberChange>()
    for (const change of changes) {
      const key = keyOf(change)
      last.set(key, { ...change, readSeq: Math.max(change.readSeq, last.get(key)?.readSeq ?? 0) })
    }
    return sql`
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
  }

  /** A member who leaves and joins again starts anew: only activity in this batch since then counts. */
  const beginAnew = (leaving: AppendPlan["memberChanges"], stored: ReadonlyArray<Message>) => {
    const last = new Map(leaving.map((change) => [keyOf(change), change]))
    const rows = [...last.values()].map(({ conversationId, userId, seq }) => {
      const isSince = (one: Message) =>
        one.seq > seq && one.senderId === userId && one.conversationId === conversationId
      return { conversationId, userId, ownSeq: stored.findLast(isSince)?.seq ?? 0 }
    })
    return sql`
      UPDATE ${updateFrom(
        sql,
        "conversation_members",
        rowsOf(sql, rows, { conversationId: "id", userId: "id", ownSeq: "integer" }),
        "m.conversation_id = w.conversationId AND m.user_id = w.userId",
        { sent_seq: "w.ownSeq" }
      )}`
  }

  /** Closes the pending requests of users who joined in this batch, even if they have left since. */
  const passRequests = (joined: AppendPlan["memberChanges"]) => {
    const first = new Map(joined.toReversed().map((change) => [keyOf(change), change]))
    return sql`
      UPDATE ${updateFrom(
        sql,
        "group_requests",
        rowsOf(sql, [...first.values()], {
          conversationId: "id",
          userId: "id",
          changedBy: "id",
          changedAt: "integer"
        }),
        `m.user_id = w.userId AND m.handle_result = ${HandleResult.none} AND m.group_id = w.conversationId`,
        { handle_result: String(HandleResult.pass), handled_by: "w.changedBy", handled_at: "w.changedAt" }
      )}`
  }

  const countMembers = (counts: AppendPlan["memberCounts"]) => {
    const rows = [...counts].map(([id, memberCount]) => ({ id, memberCount }))
    return sql`
      UPDATE ${updateFrom(sql, "groups_", rowsOf(sql, rows, { id: "id", memberCount: "integer" }), "m.id = w.id", {
        member_count: "w.memberCount"
      })}`
  }

  return Effect.fnUntraced(function* ({ stored, memberChanges, memberCounts }: AppendPlan, version: number) {
    if (memberChanges.length === 0) return
    yield* writeMembers(memberChanges, version)
    const leaving = memberChanges.filter(({ role }) => role === Role.former)
    const joined = memberChanges.filter(({ role }) => role !== Role.former)
    if (leaving.length > 0) yield* beginAnew(leaving, stored)
    if (joined.length > 0) yield* passRequests(joined)
    yield* countMembers(memberCounts)
  })
}
