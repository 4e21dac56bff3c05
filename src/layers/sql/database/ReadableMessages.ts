/**
 * The migration for what is unread. Each message keeps how many messages that people read (types 0 to 6) its conversation has
 * up to it: the difference of two such counts, less the recalled messages between them, cannot drift.
 */
import { Effect } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { addColumn, createTable } from "./SchemaSteps.ts"
import { updateFrom } from "./SqlDialect.ts"

/** The messages that there are already are counted in one statement; it can run twice. */
export const readableMessages: Effect.Effect<void, SqlError.SqlError, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* addColumn("messages", "readable_count", "BIGINT NOT NULL DEFAULT 0")
  // Those of its last message; the last message of types 0 to 6, and the version by which lists are ordered.
  yield* addColumn("conversations", "readable_count", "BIGINT NOT NULL DEFAULT 0")
  yield* addColumn("conversations", "readable_seq", "BIGINT NOT NULL DEFAULT 0")
  yield* addColumn("conversations", "listed_version", "BIGINT NOT NULL DEFAULT 0")
  yield* createTable(
    "recalls",
    "conversation_id VARCHAR(41) NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (conversation_id, seq)",
    {
      clustered: true
    }
  )
  const counts = sql`(
    SELECT conversation_id AS conversationId, seq,
      SUM(CASE WHEN message_type <= 6 THEN 1 ELSE 0 END) OVER (PARTITION BY conversation_id ORDER BY seq) AS readableCount
    FROM messages
  )`
  yield* sql`
    UPDATE ${updateFrom(sql, "messages", counts, "m.conversation_id = w.conversationId AND m.seq = w.seq", {
      readable_count: "w.readableCount"
    })}`
  const ends = sql`(
    SELECT conversation_id AS conversationId, MAX(readable_count) AS readableCount,
      MAX(CASE WHEN message_type <= 6 THEN seq ELSE 0 END) AS readableSeq,
      MAX(CASE WHEN message_type <= 6 OR seq = 1 THEN version ELSE 0 END) AS listedVersion
    FROM messages GROUP BY conversation_id
  )`
  yield* sql`UPDATE conversations SET listed_version = version`
  yield* sql`
    UPDATE ${updateFrom(sql, "conversations", ends, "m.id = w.conversationId", {
      readable_count: "w.readableCount",
      readable_seq: "w.readableSeq",
      listed_version: "w.listedVersion"
    })}`
  yield* sql`DELETE FROM recalls`
  yield* sql`
    INSERT INTO recalls (conversation_id, seq)
    SELECT conversation_id, seq FROM messages WHERE (state & 1) <> 0`
})
