/** {@link GroupInvitations} on SQL. */
import { createHash, randomBytes } from "node:crypto"
import { Clock, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import {
  GroupInvitation,
  GroupInvitations,
  InvitedGroup,
  invitationsMax
} from "../../../domain/groups/GroupInvitation.ts"
import { failure } from "../../../domain/shared/Failure.ts"
import type { GroupId, GroupInvitationId, UserId } from "../../../domain/shared/Ids.ts"
import { CountRow, rowAs, rowsAs } from "../database/Rows.ts"
import { inTransaction, nextVersion, storeFailure } from "../database/Sql.ts"
import { requireManager } from "./GroupRoles.ts"

const InvitationRow: Schema.Codec<GroupInvitation, unknown> = GroupInvitation.pipe(
  Schema.encodeKeys({
    groupId: "group_id",
    createdBy: "created_by",
    createdAt: "created_at",
    expiresAt: "expires_at",
    usesMax: "uses_max"
  })
)

/** 63 bits of a digest: members see it in the group's messages, and join nothing by it. */
const idOf = (code: string): GroupInvitationId => {
  const digest = createHash("sha256").update(code).digest().readBigUInt64BE()
  return String((digest >> 1n) | 1n) as GroupInvitationId
}

export const layer = Layer.effect(
  GroupInvitations,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const columns = sql.literal("id, code, group_id, created_by, created_at, expires_at, uses_max, uses")

    const requireInviting = (groupId: GroupId, userId: UserId) =>
      requireManager(sql, groupId, userId, "only managers invite by a code")

    const isGood = (now: number) => sql`expires_at > ${now} AND uses < uses_max`

    return GroupInvitations.of({
      create: Effect.fn("GroupInvitations.create")(
        function* (managerId, groupId, { validForMillis, usesMax }) {
          // The lock under which members change, and join by invitations.
          yield* nextVersion(sql)
          yield* requireInviting(groupId, managerId)
          const createdAt = yield* Clock.currentTimeMillis
          yield* sql`DELETE FROM group_invitations WHERE group_id = ${groupId} AND NOT (${isGood(createdAt)})`
          const kept = yield* rowAs(CountRow)(
            sql`SELECT COUNT(*) AS count FROM group_invitations WHERE group_id = ${groupId}`
          )
          if ((kept?.count ?? 0) >= invitationsMax) {
            return yield* failure("Conflict", { msg: `the group has ${invitationsMax} invitations` })
          }
          const code = randomBytes(16).toString("base64url")
          const invitation: GroupInvitation = {
            id: idOf(code),
            groupId,
            code,
            createdBy: managerId,
            createdAt,
            expiresAt: createdAt + validForMillis,
            usesMax,
            uses: 0
          }
          yield* sql`INSERT INTO group_invitations ${sql.insert({
            id: invitation.id,
            code: invitation.code,
            group_id: groupId,
            created_by: managerId,
            created_at: createdAt,
            expires_at: invitation.expiresAt,
            uses_max: usesMax,
            uses: 0
          })}`
          return invitation
        },
        inTransaction(sql),
        Effect.catchTag("SqlError", storeFailure)
      ),

      list: Effect.fn("GroupInvitations.list")(
        function* (managerId, groupId) {
          yield* requireInviting(groupId, managerId)
          const now = yield* Clock.currentTimeMillis
          return yield* rowsAs(InvitationRow)(sql`
          SELECT ${columns} FROM group_invitations WHERE group_id = ${groupId} AND ${isGood(now)}
          ORDER BY created_at DESC, id DESC`)
        },
        Effect.catchTag("SqlError", storeFailure)
      ),

      revoke: Effect.fn("GroupInvitations.revoke")(
        function* (managerId, groupId, id) {
          yield* nextVersion(sql)
          yield* requireInviting(groupId, managerId)
          yield* sql`DELETE FROM group_invitations WHERE id = ${id} AND group_id = ${groupId}`
        },
        inTransaction(sql),
        Effect.catchTag("SqlError", storeFailure)
      ),

      find: Effect.fn("GroupInvitations.find")(
        function* (code) {
          const now = yield* Clock.currentTimeMillis
          const found = yield* rowAs(InvitedGroup)(sql`
          SELECT i.group_id AS groupId, g.name, g.icon, g.member_count AS memberCount
          FROM group_invitations i JOIN groups_ g ON g.id = i.group_id
          WHERE i.id = ${idOf(code)} AND i.code = ${code} AND g.member_count > 0 AND ${isGood(now)}`)
          return found ?? (yield* failure("BadInvitation"))
        },
        Effect.catchTag("SqlError", storeFailure)
      ),

      idOf
    })
  })
)
