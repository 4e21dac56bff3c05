/** {@link Groups} on SQL. */
import { Effect, Layer } from "effect"
import { SqlClient, type SqlError, type Statement } from "effect/sql"
import { checkContact } from "../../../domain/contacts/UserPair.ts"
import { isManager, Role, type RoleLevel } from "../../../domain/groups/Group.ts"
import {
  decideRequests,
  decideResponse,
  type GroupRequest,
  groupRequestPageMax,
  type NewRequest,
  type RequestView
} from "../../../domain/groups/GroupRequest.ts"
import { Groups, groupPageMax } from "../../../domain/groups/Groups.ts"
import { MessagePolicy } from "../../../domain/messages/MessagePolicy.ts"
import { ChatType } from "../../../domain/shared/ConversationIds.ts"
import { failure } from "../../../domain/shared/Failure.ts"
import type { GroupId, GroupRequestId, UserId } from "../../../domain/shared/Ids.ts"
import { HandleResult } from "../../../domain/shared/Request.ts"
import { inTransaction, nextVersion, storeFailure } from "../database/Sql.ts"
import { joinInOrder, limitTo, rowsOf } from "../database/SqlDialect.ts"
import { newestFirst, olderThan } from "./RequestPages.ts"
import { pairFacts, unblocked } from "./UserPairs.ts"

interface RequestRow {
  readonly id: GroupRequestId
  readonly group_id: GroupId
  readonly user_id: UserId
  readonly inviter_id: UserId
  readonly message: string
  readonly requested_at: number
  readonly handle_result: HandleResult
  readonly handled_by: UserId | null
  readonly handled_at: number | null
}

const requestOf = (row: RequestRow): GroupRequest => ({
  id: row.id,
  groupId: row.group_id,
  userId: row.user_id,
  inviterId: row.inviter_id,
  message: row.message,
  requestedAt: row.requested_at,
  handleResult: row.handle_result,
  handledBy: row.handled_by ?? undefined,
  handledAt: row.handled_at ?? undefined
})

const requestColumns = "id, group_id, user_id, inviter_id, message, requested_at, handle_result, handled_by, handled_at"

export const layer = Layer.effect(
  Groups,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { requireFriendship } = yield* MessagePolicy
    const join = joinInOrder(sql)
    const columns = sql.literal(requestColumns)

    const roleIn = (groupId: GroupId, userId: UserId) =>
      Effect.map(
        sql<{ readonly role: Role }>`
          SELECT role FROM conversation_members WHERE conversation_id = ${groupId} AND user_id = ${userId}`,
        ([row]): Role => row?.role ?? Role.former
      )

    const requestBy = (id: GroupRequestId) =>
      Effect.map(
        sql<RequestRow>`SELECT ${columns} FROM group_requests WHERE id = ${id}`,
        ([row]) => row && requestOf(row)
      )

    /** Requests that meet a condition, newest first, before this one. */
    const page = Effect.fnUntraced(function* (whose: Statement.Fragment, before: string | undefined) {
      const older = yield* olderThan(sql, "group_requests", whose, before)
      const rows = yield* sql<RequestRow>`
        SELECT ${columns} FROM group_requests WHERE ${whose} AND ${older}
        ${sql.literal(newestFirst)} ${limitTo(sql, groupRequestPageMax)}`
      return rows.map(requestOf)
    })

    /** The facts for `decideRequests`. */
    const requestView = Effect.fnUntraced(function* (
      requests: ReadonlyArray<NewRequest>,
      groupId: GroupId,
      inviterId: UserId
    ): Effect.fn.Return<RequestView, SqlError.SqlError> {
      const wanted = rowsOf(sql, requests, { userId: "id" })
      const known = yield* sql<{ readonly id: UserId }>`
        SELECT u.id FROM ${wanted} w ${join} users u ON u.id = w.userId`
      const pairs = requests.map(({ userId }) => ({ userId: inviterId, otherId: userId }))
      const facts = yield* pairFacts(sql, requireFriendship, pairs)
      const taken = yield* sql<{ readonly user_id: UserId; readonly isMember: number }>`
        SELECT m.user_id, 1 AS isMember FROM ${wanted} w ${join} conversation_members m
        ON m.conversation_id = ${groupId} AND m.user_id = w.userId AND m.role > ${Role.former}
        UNION
        SELECT r.user_id, 0 AS isMember FROM ${wanted} w ${join} group_requests r
        ON r.user_id = w.userId AND r.handle_result = ${HandleResult.none} AND r.group_id = ${groupId}`
      const [pending] = yield* sql<{ readonly count: number }>`
        SELECT COUNT(*) AS count FROM group_requests
        WHERE group_id = ${groupId} AND handle_result = ${HandleResult.none}`
      const users = new Set(known.map(({ id }) => id))
      const idsOf = (isMember: number) =>
        new Set(taken.flatMap((row) => (row.isMember === isMember ? [row.user_id] : [])))
      const [members, awaiting] = [idsOf(1), idsOf(0)]
      return {
        isUser: (userId) => users.has(userId),
        checkContact: (inviter, userId) => checkContact(facts, requireFriendship, inviter, userId),
        isMember: (userId) => members.has(userId),
        isPending: (userId) => awaiting.has(userId),
        pending: pending?.count ?? 0
      }
    })

    /** A request that was cancelled before is forgotten: requesting again and again leaves one row. */
    const insertRequests = Effect.fnUntraced(function* (requests: ReadonlyArray<NewRequest>) {
      const forgotten = yield* sql<{ readonly id: string }>`
        SELECT r.id FROM ${rowsOf(sql, requests, { userId: "id", groupId: "id", inviterId: "id" })} w
        ${join} group_requests r ON r.user_id = w.userId AND r.handle_result = ${HandleResult.cancel}
        AND r.group_id = w.groupId AND r.inviter_id = w.inviterId`
      if (forgotten.length > 0) {
        yield* sql`DELETE FROM group_requests WHERE id IN ${sql.in(forgotten.map(({ id }) => id))}`
      }
      yield* sql`
        INSERT INTO group_requests (id, group_id, user_id, inviter_id, message, requested_at, handle_result)
        SELECT w.*, ${HandleResult.none} FROM ${rowsOf(sql, requests, {
          id: "id",
          groupId: "id",
          userId: "id",
          inviterId: "id",
          message: "text",
          requestedAt: "integer"
        })} w`
    })

    return Groups.of({
      membership: Effect.fn("Groups.membership")(function* (groupId, userId) {
        // A group that all members have left does not exist any more.
        const [row] = yield* sql<{ readonly is_verify: number }>`
          SELECT is_verify FROM groups_ WHERE id = ${groupId} AND EXISTS (
            SELECT 1 FROM conversation_members WHERE conversation_id = ${groupId} AND role > ${Role.former})`
        return row && { role: yield* roleIn(groupId, userId), isVerify: row.is_verify === 1 }
      }, Effect.catch(storeFailure)),

      list: Effect.fn("Groups.list")(function* (userId, after) {
        const rows = yield* sql<{
          readonly id: GroupId
          readonly name: string
          readonly icon: string
          readonly is_verify: number
          readonly role: RoleLevel
          readonly member_count: number
        }>`
          SELECT g.id, g.name, g.icon, g.is_verify, own.role, g.member_count
          FROM conversation_members own JOIN groups_ g ON g.id = own.conversation_id
          WHERE own.user_id = ${userId} AND own.conversation_id > ${after ?? ""} AND own.role > ${Role.former}
          ORDER BY own.conversation_id ${limitTo(sql, groupPageMax)}`
        return rows.map(({ is_verify, member_count, ...row }) => ({
          ...row,
          isVerify: is_verify === 1,
          memberCount: member_count
        }))
      }, Effect.catch(storeFailure)),

      members: Effect.fn("Groups.members")(
        function* (reader, groupId) {
          // One statement: a reader who leaves meanwhile must not see the group without themselves.
          const members = yield* sql<{
            readonly userId: UserId
            readonly nickname: string
            readonly avatar: string
            readonly role: RoleLevel
          }>`
            SELECT u.id AS userId, u.nickname, u.avatar, m.role
            FROM conversation_members m ${join} users u ON u.id = m.user_id
            WHERE m.conversation_id = ${groupId} AND m.role > ${Role.former} ORDER BY m.role, m.joined_seq, u.id`
          if (!members.some(({ userId }) => userId === reader)) return yield* failure("NoConversation")
          return members
        },
        Effect.catchTag("SqlError", storeFailure)
      ),

      membersWithVisibility: Effect.fn("Groups.membersWithVisibility")(
        function* (reader, groupId) {
          const rows = yield* sql<{ readonly user_id: UserId; readonly is_visible: number }>`
            SELECT m.user_id, (m.sent_seq > 0 AND ${unblocked(sql, reader, "m.user_id")}) AS is_visible
            FROM conversation_members m
            WHERE m.conversation_id = ${groupId} AND m.role > ${Role.former}`
          if (!rows.some(({ user_id }) => user_id === reader)) return yield* failure("NoConversation")
          return rows.map(({ user_id, is_visible }) => ({
            userId: user_id,
            isVisible: user_id === reader || is_visible === 1
          }))
        },
        Effect.catchTag("SqlError", storeFailure)
      ),

      audience: Effect.fnUntraced(function* (groupId) {
        // One statement, so that members and seq belong together.
        const rows = yield* sql<{
          readonly last_seq: number
          readonly user_id: UserId | null
          readonly joined_seq: number | null
        }>`
          SELECT c.last_seq, m.user_id, m.joined_seq FROM conversations c
          LEFT JOIN conversation_members m ON m.conversation_id = c.id AND m.role > ${Role.former}
          WHERE c.id = ${groupId} AND c.chat_type = ${ChatType.group}`
        return {
          seq: rows[0]?.last_seq ?? 0,
          members: rows.flatMap(({ user_id, joined_seq }) =>
            user_id === null ? [] : [{ userId: user_id, joinedSeq: joined_seq ?? 0 }]
          )
        }
      }, Effect.catch(storeFailure)),

      addRequests: Effect.fn("Groups.addRequests")(
        function* (requests) {
          const [first] = requests
          if (first === undefined) return []
          const { groupId, inviterId } = first
          // The lock under which members change, too.
          yield* nextVersion(sql)
          const view = yield* requestView(requests, groupId, inviterId)
          const added = yield* Effect.fromResult(decideRequests(requests, view))
          if (added.length > 0) yield* insertRequests(added)
          return yield* sql<{ readonly id: GroupRequestId; readonly userId: UserId }>`
            SELECT r.id, r.user_id AS userId FROM ${rowsOf(sql, requests, { userId: "id" })} w ${join} group_requests r
            ON r.user_id = w.userId AND r.handle_result = ${HandleResult.none} AND r.group_id = ${groupId} ORDER BY r.id`
        },
        inTransaction(sql),
        Effect.catchTag("SqlError", storeFailure)
      ),

      requests: Effect.fn("Groups.requests")(
        function* (reader, groupId, before) {
          const role = yield* roleIn(groupId, reader)
          if (role === Role.former) return yield* failure("NoConversation")
          if (!isManager(role)) return yield* failure("Forbidden", { msg: "only managers see requests" })
          return yield* page(sql`group_id = ${groupId}`, before)
        },
        Effect.catchTag("SqlError", storeFailure)
      ),

      ownRequests: Effect.fn("Groups.ownRequests")(
        (userId, before) => page(sql`inviter_id = ${userId}`, before),
        Effect.catchTag("SqlError", storeFailure)
      ),

      request: Effect.fn("Groups.request")(requestBy, Effect.catch(storeFailure)),

      close: Effect.fn("Groups.close")(
        function* (id, result, by, at) {
          yield* nextVersion(sql)
          const request = yield* requestBy(id)
          if (request === undefined) return yield* failure("NoRequest")
          const decision = yield* Effect.fromResult(decideResponse(result, request.handleResult))
          if (decision === "Repeats") return
          yield* sql`
            UPDATE group_requests SET ${sql.update({ handle_result: result, handled_by: by, handled_at: at })}
            WHERE id = ${id}`
        },
        inTransaction(sql),
        Effect.catchTag("SqlError", storeFailure)
      )
    })
  })
)
