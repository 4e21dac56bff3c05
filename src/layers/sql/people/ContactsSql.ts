/** {@link Contacts} on SQL. */
import { Clock, Effect, Layer, Schema } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import type { PrivacySetting } from "../../../domain/accounts/Privacy.ts"
import { blocksMax, Contacts, contactsMax } from "../../../domain/contacts/Contacts.ts"
import type { UserPair } from "../../../domain/contacts/UserPair.ts"
import { MessagePolicy } from "../../../domain/messages/MessagePolicy.ts"
import { ChatType, singleConversationId } from "../../../domain/shared/ConversationIds.ts"
import { type Failure, failure } from "../../../domain/shared/Failure.ts"
import type { UserId } from "../../../domain/shared/Ids.ts"
import { HandleResult } from "../../../domain/shared/Request.ts"
import { rowAs } from "../database/Rows.ts"
import { inTransaction, nextVersion, storeFailure } from "../database/Sql.ts"
import { joinInOrder, limitTo, rowsOf } from "../database/SqlDialect.ts"
import { admits, isKnown } from "./PrivacyRows.ts"
import { cancelBringing, handleRequest, lockUsers, openOrCancelled, unblocked } from "./UserPairs.ts"

interface UserRow {
  readonly user_id: UserId
}

/** Whether the user is blocked, 0 or 1, and how many are. */
const BlocksRow = Schema.Struct({ known: Schema.Int, all_blocks: Schema.Int })

const idsOf = (rows: ReadonlyArray<UserRow>): ReadonlyArray<UserId> => rows.map((row) => row.user_id)

export const layer = Layer.effect(
  Contacts,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { requireFriendship } = yield* MessagePolicy

    /**
     * Users with whom messages went both ways; friends come first where the limit cuts the list. The distance of each is the
     * rank in `audiences` above which a setting admits them.
     */
    const acquainted = (userId: UserId) =>
      requireFriendship
        ? sql.literal("")
        : sql`
          UNION ALL
          SELECT other.user_id, 1 FROM conversation_members own
          JOIN conversations c ON c.id = own.conversation_id AND c.chat_type = ${ChatType.single}
          JOIN conversation_members other ON other.conversation_id = own.conversation_id AND other.user_id <> own.user_id
          WHERE own.user_id = ${userId} AND own.sent_seq > 0 AND other.sent_seq > 0`

    /** Those of these pairs that meet a condition on them (`w`) and on the row of the other user (`u`). */
    const those = (
      asked: ReadonlyArray<UserPair>,
      condition: Statement.Fragment
    ): Effect.Effect<ReadonlyArray<UserPair>, Failure<"DatabaseError">> => {
      if (asked.length === 0) return Effect.succeed([])
      const rows = asked.map(({ userId, otherId }) => ({
        userId,
        otherId,
        conversationId: singleConversationId(userId, otherId)
      }))
      return sql<UserPair>`
        SELECT w.userId, w.otherId
        FROM ${rowsOf(sql, rows, { userId: "id", otherId: "id", conversationId: "id" })} w
        ${joinInOrder(sql)} users u ON u.id = w.otherId
        WHERE ${condition}
      `.pipe(Effect.catch(storeFailure))
    }

    const admitted = (setting: PrivacySetting) => admits(sql, requireFriendship, setting)
    const pairs: Contacts["Service"]["pairs"] = (asked, setting) =>
      those(asked, sql`${admitted(setting)} AND ${unblocked(sql, sql.literal("w.userId"), "w.otherId")}`)

    /** The other users of pairs with one user. */
    const others = (
      userId: UserId,
      userIds: ReadonlyArray<UserId>,
      read: (asked: ReadonlyArray<UserPair>) => Effect.Effect<ReadonlyArray<UserPair>, Failure<"DatabaseError">>
    ) =>
      Effect.map(read([...new Set(userIds)].map((otherId) => ({ userId, otherId }))), (found) =>
        found.map(({ otherId }) => otherId)
      )

    const block = Effect.fn("Contacts.block")(
      function* (userId: UserId, blocked: UserId) {
        if (userId === blocked) return yield* failure("BadParameters", { msg: "users cannot block themselves" })
        // The lock under which messages and requests are accepted: none of them is between this read and the block.
        yield* nextVersion(sql)
        if (!(yield* lockUsers(sql, userId, blocked))) return yield* failure("UserNotFound")
        const row = yield* rowAs(BlocksRow)(sql`SELECT
          (SELECT COUNT(*) FROM blocks WHERE user_id = ${userId} AND blocked_id = ${blocked}) AS known,
          (SELECT COUNT(*) FROM blocks WHERE user_id = ${userId}) AS all_blocks`)
        if (row?.known === 1) return
        if ((row?.all_blocks ?? 0) >= blocksMax) {
          return yield* failure("RateLimited", {
            msg: `at most ${blocksMax} users are blocked`,
            retryAfter: 60_000
          })
        }
        yield* sql`INSERT INTO blocks ${sql.insert({ user_id: userId, blocked_id: blocked })}`
        const now = yield* Clock.currentTimeMillis
        const requests = yield* openOrCancelled(sql, userId, blocked)
        // At most one waits: a request back passes the first one.
        const waiting = requests.find(({ handleResult }) => handleResult === HandleResult.none)
        if (waiting !== undefined) yield* handleRequest(sql, waiting.id, HandleResult.cancel, now)
        // Requests of the two to bring each other into groups end, too.
        yield* cancelBringing(sql, { userId, otherId: blocked }, now)
      },
      inTransaction(sql),
      Effect.catchTag("SqlError", storeFailure)
    )

    return Contacts.of({
      list: (userId) =>
        sql<UserRow>`
          SELECT known.user_id FROM (
            SELECT contact_id AS user_id, 0 AS distance FROM contacts WHERE user_id = ${userId}
            ${acquainted(userId)}
          ) known
          JOIN users u ON u.id = known.user_id
          WHERE u.show_presence > known.distance AND ${unblocked(sql, userId, "known.user_id")}
          GROUP BY known.user_id ORDER BY MIN(known.distance), known.user_id ${limitTo(sql, contactsMax)}
        `.pipe(Effect.map(idsOf), Effect.catch(storeFailure)),

      pairs,
      among: (userId, userIds, setting) => others(userId, userIds, (asked) => pairs(asked, setting)),
      findable: (userId, userIds, setting) => others(userId, userIds, (asked) => those(asked, admitted(setting))),
      known: (userId, userIds) => others(userId, userIds, (asked) => those(asked, sql.literal(isKnown))),

      block,

      unblock: Effect.fn("Contacts.unblock")(function* (userId, blocked) {
        yield* sql`DELETE FROM blocks WHERE user_id = ${userId} AND blocked_id = ${blocked}`
      }, Effect.catch(storeFailure)),

      blocks: (userId) =>
        sql<UserRow>`
          SELECT blocked_id AS user_id FROM blocks WHERE user_id = ${userId}
          ORDER BY blocked_id ${limitTo(sql, blocksMax)}
        `.pipe(Effect.map(idsOf), Effect.catch(storeFailure))
    })
  })
)
