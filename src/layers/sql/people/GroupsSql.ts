/** {@link Groups} on SQL. */
import { Effect, Layer, Schema } from "effect"
import { SqlClient, type SqlError, type Statement } from "effect/sql"
import { checkContact, pairKey } from "../../../domain/contacts/UserPair.ts"
import { Role, RoleLevel } from "../../../domain/groups/Group.ts"
import {
  decideRequests,
  decideResponse,
  type GroupRequest,
  groupRequestPageMax,
  type KeptRequest,
  type NewRequest,
  type RequestView
} from "../../../domain/groups/GroupRequest.ts"
import { type GroupInfo, Groups, groupPageMax } from "../../../domain/groups/Groups.ts"
import { MessagePolicy } from "../../../domain/messages/MessagePolicy.ts"
import { ChatType } from "../../../domain/shared/ConversationIds.ts"
import { failure } from "../../../domain/shared/Failure.ts"
import { GroupId, GroupRequestId, UserId } from "../../../domain/shared/Ids.ts"
import { AnyHandleResult, HandleResult } from "../../../domain/shared/Request.ts"
import { CountRow, Nullable, rowAs, rowsAs } from "../database/Rows.ts"
import { inTransaction, nextVersion, storeFailure } from "../database/Sql.ts"
import { joinInOrder, limitTo, rowsOf } from "../database/SqlDialect.ts"
import { requireManager, roleIn } from "./GroupRoles.ts"
import { contactsRank } from "./PrivacyRows.ts"
import { newestFirst, olderThan } from "./RequestPages.ts"
import { admittingAmong, pairFacts, unblocked } from "./UserPairs.ts"

const RequestRow: Schema.Codec<GroupRequest, unknown> = Schema.Struct({
  id: GroupRequestId,
  groupId: GroupId,
  userId: UserId,
  inviterId: UserId,
  awaitsUser: Schema.BooleanFromBit,
  groupName: Schema.optionalKey(Nullable(Schema.String)),
  message: Schema.String,
  requestedAt: Schema.Int,
  handleResult: AnyHandleResult,
  handledBy: Nullable(UserId),
  handledAt: Nullable(Schema.Int)
}).pipe(
  Schema.encodeKeys({
    groupId: "group_id",
    userId: "user_id",
    inviterId: "inviter_id",
    awaitsUser: "awaits_user",
    groupName: "group_name",
    requestedAt: "requested_at",
    handleResult: "handle_result",
    handledBy: "handled_by",
    handledAt: "handled_at"
  })
)

const GroupRow: Schema.Codec<GroupInfo, unknown> = Schema.Struct({
  id: GroupId,
  name: Schema.String,
  icon: Schema.String,
  isVerify: Schema.BooleanFromBit,
  role: RoleLevel,
  memberCount: Schema.Int
}).pipe(Schema.encodeKeys({ isVerify: "is_verify", memberCount: "member_count" }))

const VerifyRow = Schema.Struct({ is_verify: Schema.BooleanFromBit })
const TakenRow = Schema.Struct({ user_id: UserId, isMember: Schema.BooleanFromBit })
const IdRow = Schema.Struct({ id: Schema.String })
const AwaitingRow = Schema.Struct({ id: GroupRequestId, userId: UserId })

const requestColumns =
  "id, group_id, user_id, inviter_id, awaits_user, message, requested_at, handle_result, handled_by, handled_at"

export const layer = Layer.effect(
  Groups,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { requireFriendship } = yield* MessagePolicy
    const join = joinInOrder(sql)
    const columns = sql.literal(requestColumns)

    const requestBy = (id: GroupRequestId) =>
      rowAs(RequestRow)(sql`SELECT ${columns} FROM group_requests WHERE id = ${id}`)

    /** The newest requests that meet a condition. */
    const newest = (whose: Statement.Fragment, older: Statement.Fragment) => sql`
      SELECT ${columns} FROM group_requests WHERE ${whose} AND ${older}
      ${sql.literal(newestFirst)} ${limitTo(sql, groupRequestPageMax)}`

    /** The facts for `decideRequests`. */
    const requestView = Effect.fnUntraced(function* (
      requests: ReadonlyArray<NewRequest>,
      groupId: GroupId,
      inviterId: UserId
    ): Effect.fn.Return<RequestView, SqlError.SqlError> {
      const wanted = rowsOf(sql, requests, { userId: "id" })
      const known = yield* rowsAs(IdRow)(sql`SELECT u.id FROM ${wanted} w ${join} users u ON u.id = w.userId`)
      const pairs = requests.map(({ userId }) => ({ userId: inviterId, otherId: userId }))
      const facts = yield* pairFacts(sql, requireFriendship, pairs)
      const admitting = yield* admittingAmong(sql, requireFriendship, pairs)
      const taken = yield* rowsAs(TakenRow)(sql`
        SELECT m.user_id, 1 AS isMember FROM ${wanted} w ${join} conversation_members m
        ON m.conversation_id = ${groupId} AND m.user_id = w.userId AND m.role > ${Role.former}
        UNION
        SELECT r.user_id, 0 AS isMember FROM ${wanted} w ${join} group_requests r
        ON r.user_id = w.userId AND r.handle_result = ${HandleResult.none} AND r.group_id = ${groupId}`)
      const pending = yield* rowAs(CountRow)(sql`
        SELECT COUNT(*) AS count FROM group_requests
        WHERE group_id = ${groupId} AND handle_result = ${HandleResult.none}`)
      const users = new Set<string>(known.map(({ id }) => id))
      const idsOf = (isMember: boolean) =>
        new Set(taken.flatMap((row) => (row.isMember === isMember ? [row.user_id] : [])))
      const [members, awaiting] = [idsOf(true), idsOf(false)]
      return {
        isUser: (userId) => users.has(userId),
        checkContact: (inviter, userId) => checkContact(facts, requireFriendship, inviter, userId),
        admits: (userId, inviter) => admitting.has(pairKey(userId, inviter)),
        isMember: (userId) => members.has(userId),
        isPending: (userId) => awaiting.has(userId),
        pending: pending?.count ?? 0
      }
    })

    /** A request that was cancelled before is forgotten: requesting again and again leaves one row. */
    const insertRequests = Effect.fnUntraced(function* (requests: ReadonlyArray<KeptRequest>) {
      const forgotten = yield* rowsAs(IdRow)(sql`
        SELECT r.id FROM ${rowsOf(sql, requests, { userId: "id", groupId: "id", inviterId: "id" })} w
        ${join} group_requests r ON r.user_id = w.userId AND r.handle_result = ${HandleResult.cancel}
        AND r.group_id = w.groupId AND r.inviter_id = w.inviterId`)
      if (forgotten.length > 0) {
        yield* sql`DELETE FROM group_requests WHERE id IN ${sql.in(forgotten.map(({ id }) => id))}`
      }
      const rows = requests.map((request) => ({ ...request, awaitsUser: Number(request.awaitsUser) }))
      yield* sql`
        INSERT INTO group_requests (id, group_id, user_id, inviter_id, awaits_user, message, requested_at, handle_result)
        SELECT w.*, ${HandleResult.none} FROM ${rowsOf(sql, rows, {
          id: "id",
          groupId: "id",
          userId: "id",
          inviterId: "id",
          awaitsUser: "integer",
          message: "text",
          requestedAt: "integer"
        })} w`
    })

    return Groups.of({
      membership: Effect.fn("Groups.membership")(function* (groupId, userId) {
        // A group that all members have left does not exist any more.
        const row = yield* rowAs(VerifyRow)(sql`
          SELECT is_verify FROM groups_ WHERE id = ${groupId} AND EXISTS (
            SELECT 1 FROM conversation_members WHERE conversation_id = ${groupId} AND role > ${Role.former})`)
        return row && { role: yield* roleIn(sql, groupId, userId), isVerify: row.is_verify }
      }, Effect.catch(storeFailure)),

      list: Effect.fn("Groups.list")(function* (userId, after) {
        return yield* rowsAs(GroupRow)(sql`
          SELECT g.id, g.name, g.icon, g.is_verify, own.role, g.member_count
          FROM conversation_members own JOIN groups_ g ON g.id = own.conversation_id
          WHERE own.user_id = ${userId} AND own.conversation_id > ${after ?? ""} AND own.role > ${Role.former}
          ORDER BY own.conversation_id ${limitTo(sql, groupPageMax)}`)
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
            SELECT m.user_id, (
              m.sent_seq > 0 AND u.show_presence >= ${contactsRank} AND ${unblocked(sql, reader, "m.user_id")}
            ) AS is_visible
            FROM conversation_members m ${join} users u ON u.id = m.user_id
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
          return yield* rowsAs(AwaitingRow)(sql`
            SELECT r.id, r.user_id AS userId FROM ${rowsOf(sql, requests, { userId: "id" })} w ${join} group_requests r
            ON r.user_id = w.userId AND r.handle_result = ${HandleResult.none} AND r.group_id = ${groupId} ORDER BY r.id`)
        },
        inTransaction(sql),
        Effect.catchTag("SqlError", storeFailure)
      ),

      requests: Effect.fn("Groups.requests")(
        function* (reader, groupId, before) {
          yield* requireManager(sql, groupId, reader, "only managers see requests")
          const whose = sql`group_id = ${groupId}`
          const older = yield* olderThan(sql, "group_requests", whose, before)
          return yield* rowsAs(RequestRow)(newest(whose, older))
        },
        Effect.catchTag("SqlError", storeFailure)
      ),

      ownRequests: Effect.fn("Groups.ownRequests")(
        function* (userId, before) {
          const older = yield* olderThan(
            sql,
            "group_requests",
            sql`(inviter_id = ${userId} OR user_id = ${userId})`,
            before
          )
          // Two pages, each by an index of its own.
          const asked = newest(sql`inviter_id = ${userId}`, older)
          const named = newest(sql`user_id = ${userId} AND inviter_id <> ${userId}`, older)
          return yield* rowsAs(RequestRow)(sql`
            SELECT r.*, CASE WHEN r.inviter_id = ${userId} THEN NULL ELSE g.name END AS group_name FROM (
              SELECT * FROM (${asked}) asked_page UNION ALL SELECT * FROM (${named}) named_page
              ${sql.literal(newestFirst)} ${limitTo(sql, groupRequestPageMax)}
            ) r JOIN groups_ g ON g.id = r.group_id
            ORDER BY r.requested_at DESC, r.id DESC`)
        },
        Effect.catchTag("SqlError", storeFailure)
      ),

      request: Effect.fn("Groups.request")(requestBy, Effect.catch(storeFailure)),

      awaiting: Effect.fn("Groups.awaiting")(function* (groupId, userId) {
        return yield* rowAs(RequestRow)(sql`
          SELECT ${columns} FROM group_requests WHERE user_id = ${userId} AND handle_result = ${HandleResult.none}
          AND group_id = ${groupId} AND awaits_user = 1`)
      }, Effect.catch(storeFailure)),

      consent: Effect.fn("Groups.consent")(
        function* (id) {
          yield* nextVersion(sql)
          yield* sql`
            UPDATE group_requests SET awaits_user = 0 WHERE id = ${id} AND handle_result = ${HandleResult.none}`
        },
        inTransaction(sql),
        Effect.catchTag("SqlError", storeFailure)
      ),

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
