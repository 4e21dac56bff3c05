/** The relation of two users: its lock, blocks, friendship, and requests. */
import { Effect, Schema } from "effect"
import type { SqlClient, SqlError, Statement } from "effect/sql"
import {
  type ContactRefusal,
  checkContact,
  type PairFacts,
  pairKey,
  type UserPair
} from "../../../domain/contacts/UserPair.ts"
import { type ConversationId, singleConversationId, singleMembers } from "../../../domain/shared/ConversationIds.ts"
import type { Failure } from "../../../domain/shared/Failure.ts"
import { FriendRequestId, UserId } from "../../../domain/shared/Ids.ts"
import { AnyHandleResult, HandleResult } from "../../../domain/shared/Request.ts"
import { rowsAs } from "../database/Rows.ts"
import { forUpdate, joinInOrder, rowsOf } from "../database/SqlDialect.ts"
import { admits } from "./PrivacyRows.ts"

/**
 * Locks these users until the commit, and returns whether all of them exist. Taken before any read, so that facts and counts
 * of these users stay true until the write; always in the same order, so that two transactions cannot deadlock. A transaction
 * that also needs the lock on the version takes that first.
 */
export const lockUsers = (
  sql: SqlClient.SqlClient,
  ...ids: readonly [UserId, ...ReadonlyArray<UserId>]
): Effect.Effect<boolean, SqlError.SqlError> =>
  Effect.map(
    sql`SELECT id FROM users WHERE id IN ${sql.in(ids)} ORDER BY id ${forUpdate(sql)}`,
    (rows) => rows.length === new Set(ids).size
  )

/** The condition that neither of two users blocks the other: `user`, an id or a column with one, and the user in `column`. */
export const unblocked = (
  sql: SqlClient.SqlClient,
  user: UserId | Statement.Fragment,
  column: string
): Statement.Fragment => sql`
  NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = ${user} AND b.blocked_id = ${sql.literal(column)})
  AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = ${sql.literal(column)} AND b.blocked_id = ${user})`

/** The blocks among these pairs, in both directions. */
const blocksAmong = (
  sql: SqlClient.SqlClient,
  pairs: ReadonlyArray<UserPair>
): Effect.Effect<ReadonlySet<string>, SqlError.SqlError> => {
  const both = pairs.flatMap(({ userId, otherId }) => [
    { userId, otherId },
    { userId: otherId, otherId: userId }
  ])
  return Effect.map(
    sql<{ readonly user_id: UserId; readonly blocked_id: UserId }>`
      SELECT b.user_id, b.blocked_id FROM ${rowsOf(sql, both, { userId: "id", otherId: "id" })} w
      ${joinInOrder(sql)} blocks b ON b.user_id = w.userId AND b.blocked_id = w.otherId`,
    (rows) => new Set(rows.map((row) => pairKey(row.user_id, row.blocked_id)))
  )
}

/** Which of these are friends. A friendship has a row for each of the two. */
const friendsAmong = (
  sql: SqlClient.SqlClient,
  pairs: ReadonlyArray<UserPair>
): Effect.Effect<ReadonlySet<string>, SqlError.SqlError> =>
  Effect.map(
    sql<{ readonly user_id: UserId; readonly contact_id: UserId }>`
      SELECT c.user_id, c.contact_id FROM ${rowsOf(sql, pairs, { userId: "id", otherId: "id" })} w
      ${joinInOrder(sql)} contacts c ON c.user_id = w.userId AND c.contact_id = w.otherId`,
    (rows) => new Set(rows.map((row) => pairKey(row.user_id, row.contact_id)))
  )

/** Those of these pairs in which the other user lets the user bring them into groups, by the key of both, the other first. */
export const admittingAmong = (
  sql: SqlClient.SqlClient,
  requireFriendship: boolean,
  pairs: ReadonlyArray<UserPair>
): Effect.Effect<ReadonlySet<string>, SqlError.SqlError> => {
  const rows = pairs.map((pair) => ({ ...pair, conversationId: singleConversationId(pair.userId, pair.otherId) }))
  return Effect.map(
    sql<UserPair>`
      SELECT w.userId, w.otherId
      FROM ${rowsOf(sql, rows, { userId: "id", otherId: "id", conversationId: "id" })} w
      ${joinInOrder(sql)} users u ON u.id = w.otherId WHERE ${admits(sql, requireFriendship, "addToGroups")}`,
    (found) => new Set(found.map(({ userId, otherId }) => pairKey(otherId, userId)))
  )
}

/** The facts about these pairs, at least one: friendships only where messages need them. */
export const pairFacts = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  requireFriendship: boolean,
  pairs: ReadonlyArray<UserPair>
): Effect.fn.Return<PairFacts, SqlError.SqlError> {
  const blocks = yield* blocksAmong(sql, pairs)
  return { blocks, friends: requireFriendship ? yield* friendsAmong(sql, pairs) : new Set() }
})

/** Fails where these two may not write to each other. */
export const checkContactOf = (
  sql: SqlClient.SqlClient,
  requireFriendship: boolean,
  userId: UserId,
  otherId: UserId
): Effect.Effect<void, Failure<ContactRefusal> | SqlError.SqlError> =>
  Effect.flatMap(pairFacts(sql, requireFriendship, [{ userId, otherId }]), (facts) =>
    Effect.fromResult(checkContact(facts, requireFriendship, userId, otherId))
  )

/** The private conversations among these in which one of the two blocks the other. */
export const blockedAmong = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  ids: ReadonlyArray<ConversationId>
): Effect.fn.Return<ReadonlySet<ConversationId>, SqlError.SqlError> {
  const pairs = ids.flatMap((conversationId) => {
    const both = singleMembers(conversationId)
    return both === undefined ? [] : [{ userId: both[0], otherId: both[1], conversationId }]
  })
  if (pairs.length === 0) return new Set()
  const blocks = yield* blocksAmong(sql, pairs)
  const isBlocked = ({ userId, otherId }: UserPair) =>
    blocks.has(pairKey(userId, otherId)) || blocks.has(pairKey(otherId, userId))
  return new Set(pairs.filter(isBlocked).map(({ conversationId }) => conversationId))
})

/** Cancels pending requests to bring one of these two into a group by the other. */
export const cancelBringing = (sql: SqlClient.SqlClient, { userId, otherId }: UserPair, now: number) => sql`
  UPDATE group_requests SET handle_result = ${HandleResult.cancel}, handled_by = ${userId}, handled_at = ${now}
  WHERE handle_result = ${HandleResult.none} AND (
    (user_id = ${userId} AND inviter_id = ${otherId}) OR (user_id = ${otherId} AND inviter_id = ${userId})
  )`

/** A request between two users, and its response. */
const OpenRequestRow = Schema.Struct({
  id: FriendRequestId,
  requesterId: UserId,
  handleResult: AnyHandleResult
}).pipe(Schema.encodeKeys({ requesterId: "requester_id", handleResult: "handle_result" }))

/** The requests between two users that wait for an answer or were cancelled, in both directions. */
export const openOrCancelled = (sql: SqlClient.SqlClient, one: UserId, other: UserId) =>
  rowsAs(OpenRequestRow)(sql`
    SELECT id, requester_id, handle_result FROM contact_requests
    WHERE handle_result IN (${HandleResult.none}, ${HandleResult.cancel})
    AND ((requester_id = ${one} AND receiver_id = ${other}) OR (requester_id = ${other} AND receiver_id = ${one}))`)

/** Writes the response to a request. */
export const handleRequest = (sql: SqlClient.SqlClient, id: FriendRequestId, result: HandleResult, now: number) =>
  sql`UPDATE contact_requests SET handle_result = ${result}, handled_at = ${now} WHERE id = ${id}`
