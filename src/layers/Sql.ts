/** What the SQL repositories share: error mapping, batches as rows, and the few places where dialects differ. */
import { Effect } from "effect"
import type { SqlClient, SqlError, Statement } from "effect/sql"
import { ApiError } from "../domain/ErrorTable.ts"

/** Reasons that lie in the statement or its values: trying again cannot help. */
const faultyReasons = new Set(["UniqueViolation", "ConstraintError", "SqlSyntaxError"])

/** Logs what the database said, once, and fails with its number only. */
export const apiError = (error: SqlError.SqlError): Effect.Effect<never, ApiError> =>
  faultyReasons.has(error.reason._tag)
    ? Effect.andThen(
        Effect.logError("the database refused a statement", error),
        Effect.fail(ApiError.of("ServerError"))
      )
    : Effect.andThen(
        Effect.logError("the database failed", error),
        Effect.fail(ApiError.of("DatabaseError", { retryAfter: 1_000 }))
      )

/** Whether the failure is a violated unique key. SQLite reports one as a constraint error. */
export const isUniqueViolation = (error: SqlError.SqlError): boolean =>
  error.reason._tag === "UniqueViolation" || error.reason._tag === "ConstraintError"

/**
 * A batch of rows as one table expression with one parameter, so that the statement's text, and with it the prepared
 * statement, is the same whatever the size of the batch. `columns` are the keys of the rows, in camel case.
 */
export const rowsOf = <Row extends object>(
  sql: SqlClient.SqlClient,
  rows: ReadonlyArray<Row>,
  columns: ReadonlyArray<keyof Row & string>
): Statement.Fragment => {
  const selected = columns.map((column) => `value->>'$.${column}' AS ${column}`).join(", ")
  return sql`(SELECT ${sql.literal(selected)} FROM json_each(${JSON.stringify(rows)}))`
}

/**
 * The version that a transaction gives to all that it changes. Whoever takes one holds the lock on it until the commit:
 * versions become visible in their order, and who has seen one has seen all before it.
 */
export const nextVersion = (sql: SqlClient.SqlClient): Effect.Effect<number, SqlError.SqlError> =>
  Effect.map(
    sql<{ readonly version: number }>`UPDATE store_version SET version = version + 1 RETURNING version`,
    ([row]) => row?.version ?? 0
  )

/** The version of the last change. */
export const version = (sql: SqlClient.SqlClient): Effect.Effect<number, SqlError.SqlError> =>
  Effect.map(sql<{ readonly version: number }>`SELECT version FROM store_version`, ([row]) => row?.version ?? 0)
