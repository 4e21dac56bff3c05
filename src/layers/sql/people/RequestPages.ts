/** Pages of requests, newest first: those of friends and those of groups go by the same columns. */
import { Effect, Schema } from "effect"
import type { SqlClient, SqlError, Statement } from "effect/sql"
import { type Failure, failure } from "../../../domain/shared/Failure.ts"
import { rowAs } from "../database/Rows.ts"

const TimeRow = Schema.Struct({ time: Schema.Int })

/**
 * The condition for requests older than `before`, which must be one of those that meet the condition `whose`; without it no
 * condition.
 */
export const olderThan = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  table: "contact_requests" | "group_requests",
  whose: Statement.Fragment,
  before: string | undefined
): Effect.fn.Return<Statement.Fragment, Failure<"NoRequest"> | SqlError.SqlError> {
  if (before === undefined) return sql`1 = 1`
  const last = yield* rowAs(TimeRow)(
    sql`SELECT requested_at AS time FROM ${sql.literal(table)} WHERE id = ${before} AND ${whose}`
  )
  if (last === undefined) return yield* failure("NoRequest")
  return sql`requested_at <= ${last.time} AND (requested_at < ${last.time} OR id < ${before})`
})

/** The order of {@link olderThan}. */
export const newestFirst = "ORDER BY requested_at DESC, id DESC"
