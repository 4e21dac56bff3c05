/** The roles of members, read for what only managers may do. */
import { Effect, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { isManager, Role, RoleLevel } from "../../../domain/groups/Group.ts"
import { type Failure, failure } from "../../../domain/shared/Failure.ts"
import type { GroupId, UserId } from "../../../domain/shared/Ids.ts"
import { rowAs } from "../database/Rows.ts"

const RoleRow = Schema.Struct({ role: Schema.Literals([Role.former, ...RoleLevel.literals]) })

/** The role of a user in a group; {@link Role.former} for a stranger. */
export const roleIn = (
  sql: SqlClient.SqlClient,
  groupId: GroupId,
  userId: UserId
): Effect.Effect<Role, SqlError.SqlError> =>
  Effect.map(
    rowAs(RoleRow)(
      sql`SELECT role FROM conversation_members WHERE conversation_id = ${groupId} AND user_id = ${userId}`
    ),
    (row) => row?.role ?? Role.former
  )

/** Fails where this user is no manager of the group, with `msg` for its other members. */
export const requireManager = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  groupId: GroupId,
  userId: UserId,
  msg: string
): Effect.fn.Return<void, Failure<"NoConversation" | "Forbidden"> | SqlError.SqlError> {
  const role = yield* roleIn(sql, groupId, userId)
  if (role === Role.former) return yield* failure("NoConversation")
  if (!isManager(role)) return yield* failure("Forbidden", { msg })
})
