/** Where SQLite and MySQL (or MariaDB) want other words for the same. */
import type { SqlClient, Statement } from "effect/sql"

/** The kinds of columns of {@link rowsOf}: a short text, an integer, or any text. */
type ColumnKind = "id" | "integer" | "text"

/** Wider than any column of a table: the table refuses a value that is too long, a table expression would cut it silently. */
const mysqlTypes: Record<ColumnKind, string> = { id: "VARCHAR(255)", integer: "BIGINT", text: "LONGTEXT" }

/**
 * A batch of rows as one table expression with one parameter, so that the statement's text, and with it the prepared
 * statement, is the same whatever the size of the batch. `columns` are keys of the rows, in camel case, none of which
 * may be missing from a row.
 */
export const rowsOf = <Row extends object>(
  sql: SqlClient.SqlClient,
  rows: ReadonlyArray<Row>,
  columns: { readonly [Column in keyof Row & string]?: ColumnKind }
): Statement.Fragment => {
  const json = JSON.stringify(rows)
  const kinds = Object.entries(columns) as ReadonlyArray<readonly [string, ColumnKind]>
  return sql.onDialectOrElse({
    mysql: () => {
      const selected = kinds.map(([column, kind]) => `${column} ${mysqlTypes[kind]} PATH '$.${column}' ERROR ON ERROR`)
      return sql`JSON_TABLE(${json}, '$[*]' COLUMNS (${sql.literal(selected.join(", "))}))`
    },
    orElse: () => {
      const selected = kinds.map(([column]) => `value->>'$.${column}' AS ${column}`)
      return sql`(SELECT ${sql.literal(selected.join(", "))} FROM json_each(${json}))`
    }
  })
}

/**
 * The body of a common table expression with positions by id, which a join looks up by an index that the database makes for
 * it: in {@link rowsOf} it goes through all rows for each lookup. SQLite makes one for a column that is declared as a text.
 */
export const positionsById = (
  sql: SqlClient.SqlClient,
  positions: ReadonlyArray<{ readonly id: string; readonly seq: number }>
): Statement.Fragment => {
  const rows = rowsOf(sql, positions, { id: "id", seq: "integer" })
  return sql.onDialectOrElse({
    // Without DISTINCT the rows would become part of the join.
    mysql: () => sql`(SELECT DISTINCT id, seq FROM ${rows} w)`,
    orElse: () => sql`MATERIALIZED (SELECT CAST(id AS TEXT) AS id, seq FROM ${rows})`
  })
}

/** A join that reads its left side first: planners cannot know how short a batch is. */
export const joinInOrder = (sql: SqlClient.SqlClient): Statement.Fragment =>
  sql.literal(sql.onDialectOrElse({ mysql: () => "STRAIGHT_JOIN", orElse: () => "CROSS JOIN" }))

/**
 * The end of `INSERT … SELECT …`, for a row whose key exists: columns take the value of the new row (`replace`) or the
 * larger of both (`raise`); without columns the old row stays.
 */
export const onExisting = (
  sql: SqlClient.SqlClient,
  key: readonly [string, ...ReadonlyArray<string>],
  columns: { readonly [column: string]: "replace" | "raise" }
): Statement.Fragment => {
  const kinds = Object.entries(columns)
  const text = sql.onDialectOrElse({
    mysql: () => {
      const updates = kinds.map(([column, kind]) =>
        kind === "replace" ? `${column} = VALUES(${column})` : `${column} = GREATEST(${column}, VALUES(${column}))`
      )
      return `ON DUPLICATE KEY UPDATE ${updates.join(", ") || `${key[0]} = VALUES(${key[0]})`}`
    },
    orElse: () => {
      const updates = kinds.map(([column, kind]) =>
        kind === "replace" ? `${column} = excluded.${column}` : `${column} = MAX(${column}, excluded.${column})`
      )
      const action = updates.length === 0 ? "NOTHING" : `UPDATE SET ${updates.join(", ")}`
      // "WHERE true" keeps SQLite from reading ON CONFLICT as a join condition.
      return `WHERE true ON CONFLICT (${key.join(", ")}) DO ${action}`
    }
  })
  return sql.literal(text)
}

/**
 * The end of `UPDATE` for a batch: each row of `rows`, called `w`, sets columns of the row of `table`, called `m`, to
 * which `on` joins it.
 */
export const updateFrom = (
  sql: SqlClient.SqlClient,
  table: string,
  rows: Statement.Fragment,
  on: string,
  columns: { readonly [column: string]: string }
): Statement.Fragment => {
  const updates = Object.entries(columns)
  const setting = (prefix: string) => updates.map(([column, value]) => `${prefix}${column} = ${value}`).join(", ")
  return sql.onDialectOrElse({
    mysql: () => sql`${rows} w STRAIGHT_JOIN ${sql(table)} m ON ${sql.literal(on)} SET ${sql.literal(setting("m."))}`,
    orElse: () => sql`${sql(table)} AS m SET ${sql.literal(setting(""))} FROM ${rows} w WHERE ${sql.literal(on)}`
  })
}

/** Locks the selected rows until the commit. SQLite has one writer at a time and needs no such words. */
export const forUpdate = (sql: SqlClient.SqlClient): Statement.Fragment =>
  sql.literal(sql.onDialectOrElse({ mysql: () => "FOR UPDATE", orElse: () => "" }))

/** The function that gives the greatest of its arguments. */
export const greatest = (sql: SqlClient.SqlClient): Statement.Fragment =>
  sql.literal(sql.onDialectOrElse({ mysql: () => "GREATEST", orElse: () => "MAX" }))

/**
 * `LIMIT` with its number in the text: MySQL takes no floating-point parameter there, and numbers are sent as such. For
 * numbers of which there are few: each makes a statement of its own, which is kept prepared.
 */
export const limitTo = (sql: SqlClient.SqlClient, rows: number): Statement.Fragment => sql.literal(`LIMIT ${rows}`)
