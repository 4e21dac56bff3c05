/** {@link Contacts} on SQL. */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Contacts, contactsMax } from "../domain/Contacts.ts"
import { ChatType } from "../domain/Conversation.ts"
import { ApiError } from "../domain/ErrorTable.ts"
import type { UserId } from "../domain/Ids.ts"
import { apiError } from "./Sql.ts"
import { limitTo, onExisting, rowsOf } from "./SqlDialect.ts"

export const layer = Layer.effect(
  Contacts,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return Contacts.of({
      list: (userId) =>
        sql<{ readonly user_id: UserId }>`
          SELECT other.user_id FROM conversation_members own
          JOIN conversations c ON c.id = own.conversation_id AND c.chat_type = ${ChatType.single}
          JOIN conversation_members other ON other.conversation_id = own.conversation_id AND other.user_id <> own.user_id
          WHERE own.user_id = ${userId} AND own.sent_seq > 0 AND other.sent_seq > 0 AND NOT EXISTS (
            SELECT 1 FROM blocks b
            WHERE (b.user_id = own.user_id AND b.blocked_id = other.user_id)
               OR (b.user_id = other.user_id AND b.blocked_id = own.user_id)
          )
          ORDER BY other.user_id ${limitTo(sql, contactsMax)}
        `.pipe(
          Effect.map((rows) => rows.map((row) => row.user_id)),
          Effect.catch(apiError)
        ),

      block: Effect.fn("Contacts.block")(
        function* (userId, blocked) {
          const known = yield* sql`SELECT 1 FROM users WHERE id = ${blocked}`
          if (known.length === 0) return yield* ApiError.of("UserNotFound")
          yield* sql`
            INSERT INTO blocks (user_id, blocked_id)
            SELECT w.userId, w.blocked FROM ${rowsOf(sql, [{ userId, blocked }], { userId: "id", blocked: "id" })} w
            ${onExisting(sql, ["user_id", "blocked_id"], {})}`
        },
        Effect.catchTag("SqlError", apiError)
      ),

      unblock: Effect.fn("Contacts.unblock")(function* (userId, blocked) {
        yield* sql`DELETE FROM blocks WHERE user_id = ${userId} AND blocked_id = ${blocked}`
      }, Effect.catch(apiError))
    })
  })
)
