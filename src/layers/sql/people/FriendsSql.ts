/** {@link Friends} on SQL. */
import { Clock, Effect, Layer, Schema } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import {
  decideRequest,
  decideResponse,
  FriendRequest,
  mayRespond,
  type Relation,
  requestPageMax
} from "../../../domain/contacts/FriendRequest.ts"
import { type Friend, Friends } from "../../../domain/contacts/Friends.ts"
import { MessagePolicy } from "../../../domain/messages/MessagePolicy.ts"
import { failure } from "../../../domain/shared/Failure.ts"
import { type FriendRequestId, Ids, type UserId } from "../../../domain/shared/Ids.ts"
import { HandleResult } from "../../../domain/shared/Request.ts"
import { rowAs, rowsAs } from "../database/Rows.ts"
import { inTransaction, nextVersion, storeFailure } from "../database/Sql.ts"
import { limitTo } from "../database/SqlDialect.ts"
import { friendsRank } from "./PrivacyRows.ts"
import { newestFirst, olderThan } from "./RequestPages.ts"
import { cancelBringing, handleRequest, lockUsers, openOrCancelled, unblocked } from "./UserPairs.ts"

const CountsRow = Schema.Struct({
  blocks: Schema.Int,
  friendships: Schema.Int,
  own_friends: Schema.Int,
  other_friends: Schema.Int,
  sent: Schema.Int,
  received: Schema.Int
})

const RequestRow: Schema.Codec<FriendRequest, unknown> = FriendRequest.pipe(
  Schema.encodeKeys({
    userId: "receiver_id",
    reqUid: "requester_id",
    reqMsg: "message",
    reqTime: "requested_at",
    handleResult: "handle_result"
  })
)

export const layer = Layer.effect(
  Friends,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const ids = yield* Ids
    const { requireFriendship } = yield* MessagePolicy
    const columns = sql.literal("id, requester_id, receiver_id, message, requested_at, handle_result")

    const countsOf = (own: UserId, other: UserId) =>
      Effect.map(
        rowAs(CountsRow)(sql`SELECT
          (SELECT COUNT(*) FROM blocks WHERE user_id = ${own} AND blocked_id = ${other})
            + (SELECT COUNT(*) FROM blocks WHERE user_id = ${other} AND blocked_id = ${own}) AS blocks,
          (SELECT COUNT(*) FROM contacts WHERE user_id = ${own} AND contact_id = ${other}) AS friendships,
          (SELECT COUNT(*) FROM contacts WHERE user_id = ${own}) AS own_friends,
          (SELECT COUNT(*) FROM contacts WHERE user_id = ${other}) AS other_friends,
          (SELECT COUNT(*) FROM contact_requests
            WHERE requester_id = ${own} AND handle_result = ${HandleResult.none}) AS sent,
          (SELECT COUNT(*) FROM contact_requests
            WHERE receiver_id = ${other} AND handle_result = ${HandleResult.none}) AS received`),
        (row) => ({
          isBlocked: (row?.blocks ?? 0) > 0,
          areFriends: (row?.friendships ?? 0) > 0,
          ownFriends: row?.own_friends ?? 0,
          otherFriends: row?.other_friends ?? 0,
          sentPending: row?.sent ?? 0,
          receivedPending: row?.received ?? 0
        })
      )

    const befriend = (one: UserId, other: UserId, since: number) =>
      sql`INSERT INTO contacts ${sql.insert([
        { user_id: one, contact_id: other, since },
        { user_id: other, contact_id: one, since }
      ])}`

    const request: Friends["Service"]["request"] = Effect.fn("Friends.request")(
      function* (userId, other, message) {
        if (userId === other) return yield* failure("BadParameters", { msg: "users cannot be friends of themselves" })
        if (!(yield* lockUsers(sql, userId, other))) return yield* failure("UserNotFound")
        const requests = yield* openOrCancelled(sql, userId, other)
        const pending = (requester: UserId) =>
          requests.find((row) => row.requesterId === requester && row.handleResult === HandleResult.none)?.id
        const relation: Relation = {
          ...(yield* countsOf(userId, other)),
          sent: pending(userId),
          received: pending(other)
        }
        const decision = yield* Effect.fromResult(decideRequest(relation))
        if (decision._tag === "Waiting") return { friendReqId: decision.id, handleResult: HandleResult.none }
        const now = yield* Clock.currentTimeMillis
        if (decision._tag === "Passed") {
          yield* handleRequest(sql, decision.id, HandleResult.pass, now)
          yield* befriend(userId, other, now)
          return { friendReqId: decision.id, handleResult: HandleResult.pass }
        }
        // A user who requests and cancels repeatedly leaves one row, not one each time.
        const cancelled = requests.filter(
          (row) => row.requesterId === userId && row.handleResult === HandleResult.cancel
        )
        if (cancelled.length > 0) {
          yield* sql`DELETE FROM contact_requests WHERE id IN ${sql.in(cancelled.map(({ id }) => id))}`
        }
        const friendReqId = ids.friendRequestId()
        yield* sql`INSERT INTO contact_requests ${sql.insert({
          id: friendReqId,
          requester_id: userId,
          receiver_id: other,
          message,
          requested_at: now,
          handle_result: HandleResult.none,
          handled_at: null
        })}`
        return { friendReqId, handleResult: HandleResult.none }
      },
      inTransaction(sql),
      Effect.catchTag("SqlError", storeFailure)
    )

    const find = (id: FriendRequestId) =>
      rowAs(RequestRow)(sql`SELECT ${columns} FROM contact_requests WHERE id = ${id}`)

    const respond: Friends["Service"]["respond"] = Effect.fn("Friends.respond")(
      function* (userId, id, response) {
        // The two users of a request do not change: they are locked before the rest is read.
        const seen = yield* find(id)
        if (seen === undefined || !mayRespond(userId, response, seen)) return yield* failure("NoRequest")
        yield* Effect.gen(function* () {
          yield* lockUsers(sql, seen.userId, seen.reqUid)
          const request = yield* find(id)
          if (request === undefined) return yield* failure("NoRequest")
          const counts = yield* countsOf(seen.userId, seen.reqUid)
          const decision = yield* Effect.fromResult(decideResponse(response, request.handleResult, counts))
          if (decision === "Repeats") return
          const now = yield* Clock.currentTimeMillis
          yield* handleRequest(sql, id, response, now)
          if (response === HandleResult.pass) yield* befriend(seen.userId, seen.reqUid, now)
        }).pipe(inTransaction(sql))
      },
      Effect.catchTag("SqlError", storeFailure)
    )

    /** The newest requests in which the user has this part and which meet the condition. */
    const newest = (part: "requester_id" | "receiver_id", userId: UserId, older: Statement.Fragment) => sql`
      SELECT * FROM (
        SELECT ${columns} FROM contact_requests WHERE ${sql.literal(part)} = ${userId} AND ${older}
        ${sql.literal(newestFirst)} ${limitTo(sql, requestPageMax)}
      ) ${sql.literal(part)}_page`

    const requests = Effect.fn("Friends.requests")(
      function* (userId: UserId, before: FriendRequestId | undefined) {
        const whose = sql`(requester_id = ${userId} OR receiver_id = ${userId})`
        const older = yield* olderThan(sql, "contact_requests", whose, before)
        return yield* rowsAs(RequestRow)(sql`
          ${newest("requester_id", userId, older)} UNION ALL ${newest("receiver_id", userId, older)}
          ${sql.literal(newestFirst)} ${limitTo(sql, requestPageMax)}`)
      },
      Effect.catchTag("SqlError", storeFailure)
    )

    const list = (userId: UserId) =>
      sql<Friend>`
        SELECT c.contact_id AS friendUid, u.nickname, u.avatar
        FROM contacts c JOIN users u ON u.id = c.contact_id
        WHERE c.user_id = ${userId} ORDER BY c.contact_id`.pipe(Effect.catch(storeFailure))

    const visible = (userId: UserId) =>
      sql<{ readonly id: UserId }>`
        SELECT c.contact_id AS id FROM contacts c JOIN users u ON u.id = c.contact_id
        WHERE c.user_id = ${userId} AND u.show_presence >= ${friendsRank} AND ${unblocked(sql, userId, "c.contact_id")} ORDER BY c.contact_id`.pipe(
        Effect.map((rows) => rows.map(({ id }) => id)),
        Effect.catch(storeFailure)
      )

    const remove = Effect.fn("Friends.remove")(
      function* (userId: UserId, friend: UserId) {
        // As for a block: everything that the friendship allowed comes before its end.
        if (requireFriendship) yield* nextVersion(sql)
        yield* lockUsers(sql, userId, friend)
        yield* sql`DELETE FROM contacts WHERE user_id = ${userId} AND contact_id = ${friend}`
        yield* sql`DELETE FROM contacts WHERE user_id = ${friend} AND contact_id = ${userId}`
        if (requireFriendship) {
          yield* cancelBringing(sql, { userId, otherId: friend }, yield* Clock.currentTimeMillis)
        }
      },
      inTransaction(sql),
      Effect.catchTag("SqlError", storeFailure),
      Effect.asVoid
    )

    return Friends.of({ request, respond, requests, list, visible, remove })
  })
)
