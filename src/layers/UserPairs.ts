/** What is between two users: the lock under which it changes, blocks, friendship, and requests. */
import { Effect } from "effect"
import type { SqlClient, SqlError, Statement } from "effect/sql"
import { ApiError } from "../domain/ErrorTable.ts"
import type { FriendRequestId, UserId } from "../domain/Ids.ts"
import { HandleResult } from "../domain/Request.ts"
import { forUpdate } from "./SqlDialect.ts"

/**
 * Locks these users until the commit, and tells whether all of them exist. Taken before anything is read, so that facts
 * about them, and how much each of them has, stay true until they are written; always in the same order, so that two
 * transactions wait for each other and do not cross.
 */
export const lockUsers = (
  sql: SqlClient.SqlClient,
  ...ids: readonly [UserId, ...ReadonlyArray<UserId>]
): Effect.Effect<boolean, SqlError.SqlError> =>
  Effect.map(
    sql`SELECT id FROM users WHERE id IN ${sql.in(ids)} ORDER BY id ${forUpdate(sql)}`,
    (rows) => rows.length === new Set(ids).size
  )

/** The condition that neither this user, whose id may be in a column, too, nor the one in the column blocks the other. */
export const unblocked = (
  sql: SqlClient.SqlClient,
  user: UserId | Statement.Fragment,
  column: string
): Statement.Fragment => sql`
  NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = ${user} AND b.blocked_id = ${sql.literal(column)})
  AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = ${sql.literal(column)} AND b.blocked_id = ${user})`

/** Whether either of these two blocks the other. */
export const isBlocked = (
  sql: SqlClient.SqlClient,
  one: UserId,
  other: UserId
): Effect.Effect<boolean, SqlError.SqlError> =>
  Effect.map(
    sql`
      SELECT 1 FROM blocks
      WHERE (user_id = ${one} AND blocked_id = ${other}) OR (user_id = ${other} AND blocked_id = ${one})`,
    (rows) => rows.length > 0
  )

/** Why two users may not write to each other, if so: as `AppendState.barrier` decides for messages. */
export const barrierBetween = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  requireFriendship: boolean,
  one: UserId,
  other: UserId
) {
  if (yield* isBlocked(sql, one, other)) return ApiError.of("Blocked")
  if (!requireFriendship || one === other) return undefined
  const friends = yield* sql`SELECT 1 FROM contacts WHERE user_id = ${one} AND contact_id = ${other}`
  return friends.length === 0 ? ApiError.of("NotFriends") : undefined
})

/** A request between two users, and what became of it. */
export interface RequestRow {
  readonly id: FriendRequestId
  readonly requester_id: UserId
  readonly handle_result: HandleResult
}

/** The requests between two users that wait for an answer or were cancelled, in both directions. */
export const openOrCancelled = (sql: SqlClient.SqlClient, one: UserId, other: UserId) => sql<RequestRow>`
  SELECT id, requester_id, handle_result FROM contact_requests
  WHERE handle_result IN (${HandleResult.none}, ${HandleResult.cancel})
  AND ((requester_id = ${one} AND receiver_id = ${other}) OR (requester_id = ${other} AND receiver_id = ${one}))`

/** Writes down what became of a request. */
export const handleRequest = (sql: SqlClient.SqlClient, id: FriendRequestId, result: HandleResult, now: number) =>
  sql`UPDATE contact_requests SET handle_result = ${result}, handled_at = ${now} WHERE id = ${id}`
