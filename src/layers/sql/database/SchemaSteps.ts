/**
 * The steps that migrations are made of, for both dialects. MySQL commits each of them by itself, so that a crash can
 * leave a migration half done. The steps can be repeated: one that has been taken has no effect the next time.
 */
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { rowAs } from "./Rows.ts"

const VersionRow = Schema.Struct({ version: Schema.String })

/** Compares texts byte by byte, with trailing spaces: MariaDB and MySQL have no name for it in common. */
const mysqlCollation = Effect.map(
  Effect.flatMap(SqlClient.SqlClient, (sql) => rowAs(VersionRow)(sql`SELECT VERSION() AS version`)),
  (row) => (row?.version.includes("MariaDB") ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin")
)

/**
 * Creates a table. SQLite keeps rows in the order of their arrival, or of the primary key where `clustered` is asked
 * for; MySQL always in that of the primary key.
 */
export const createTable = (
  name: string,
  columns: string,
  options: {
    readonly clustered?: boolean
    /** The column that is the primary key on MySQL, of which some servers want one in each table. */
    readonly mysqlKey?: string
  } = {}
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const key = sql.onDialectOrElse({
      mysql: () => (options.mysqlKey === undefined ? "" : `, PRIMARY KEY (${options.mysqlKey})`),
      orElse: () => ""
    })
    const end = yield* sql.onDialectOrElse({
      mysql: () =>
        Effect.map(mysqlCollation, (collation) => `ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = ${collation}`),
      orElse: () => Effect.succeed(options.clustered === true ? "WITHOUT ROWID" : "")
    })
    yield* sql`CREATE TABLE IF NOT EXISTS ${sql(name)} (${sql.literal(columns + key)}) ${sql.literal(end)}`
  })

const hasIndex = (sql: SqlClient.SqlClient, name: string, table: string) =>
  Effect.map(
    sql.onDialectOrElse({
      mysql: () => sql`
        SELECT 1 FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = ${table} AND index_name = ${name} LIMIT 1`,
      orElse: () => sql`SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ${name}`
    }),
    (rows) => rows.length > 0
  )

/** Creates an index; `columns` in their order, separated by commas. */
export const createIndex = (
  name: string,
  table: string,
  columns: string,
  options: { readonly unique?: boolean } = {}
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    if (yield* hasIndex(sql, name, table)) return
    const kind = sql.literal(options.unique === true ? "UNIQUE INDEX" : "INDEX")
    yield* sql`CREATE ${kind} ${sql(name)} ON ${sql(table)} (${sql.literal(columns)})`
  })

export const dropIndex = (name: string, table: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    if (!(yield* hasIndex(sql, name, table))) return
    yield* sql.onDialectOrElse({
      mysql: () => sql`DROP INDEX ${sql(name)} ON ${sql(table)}`,
      orElse: () => sql`DROP INDEX ${sql(name)}`
    })
  })

/** Adds a column to a table that may have rows. */
export const addColumn = (table: string, column: string, definition: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const known = yield* sql.onDialectOrElse({
      mysql: () => sql`
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = ${table} AND column_name = ${column}`,
      orElse: () => sql`SELECT 1 FROM pragma_table_info(${table}) WHERE name = ${column}`
    })
    if (known.length > 0) return
    yield* sql`ALTER TABLE ${sql(table)} ADD COLUMN ${sql(column)} ${sql.literal(definition)}`
  })
