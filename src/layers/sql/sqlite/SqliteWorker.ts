/**
 * The inside of a thread with one connection to SQLite (`SqliteThread.ts`): answers one statement after the other. A
 * commit waits for the disk here.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { parentPort, workerData } from "node:worker_threads"

export interface Opening {
  readonly filename: string
  /** Statements that change something are refused. */
  readonly readsOnly: boolean
}

export interface StatementRequest {
  readonly id: number
  /** The connection ends when this is absent. */
  readonly sql?: string
  readonly params: ReadonlyArray<SQLInputValue>
}

export type StatementResponse =
  | ({ readonly id: number } & Rows)
  /** An error of `node:sqlite`: an `Error` would lose its own fields between threads. */
  | { readonly id: number; readonly problem: { readonly message: string; readonly errcode: number | undefined } }

/**
 * Rows on their way from thread to thread. Copying objects would take longer than reading them from the database; a text
 * is copied at once. It can carry all that the store has: texts, numbers and NULL, no BLOB.
 */
export interface Rows {
  readonly names: ReadonlyArray<string>
  /** JSON: an array of values for each row. */
  readonly rows: string
}

/** Prepared statements that are kept; the one that was not used for longest goes first. */
const statementsMax = 200

const { filename, readsOnly } = workerData as Opening
const database = new DatabaseSync(filename)
// A commit is on the disk when it returns, so that an ack survives `kill -9` and power loss.
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
// Another process may be writing: in this one a single connection does.
database.exec("PRAGMA busy_timeout = 5000")
// In KiB: enough for the pages of the indexes that a batch touches.
database.exec("PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY")
if (readsOnly) database.exec("PRAGMA query_only = ON")

const statements = new Map<string, StatementSync>()

const prepared = (sql: string): StatementSync => {
  const statement = statements.get(sql) ?? database.prepare(sql)
  statements.delete(sql)
  statements.set(sql, statement)
  const [oldest] = statements.keys()
  if (statements.size > statementsMax && oldest !== undefined) statements.delete(oldest)
  return statement
}

const run = (sql: string, { params }: StatementRequest): Rows => {
  const statement = prepared(sql)
  const names = statement.columns().map(({ name }) => name)
  if (names.length === 0) {
    statement.run(...params)
    return { names, rows: "[]" }
  }
  statement.setReturnArrays(true)
  return { names, rows: JSON.stringify(statement.all(...params)) }
}

const responseTo = (request: StatementRequest, sql: string): StatementResponse => {
  const { id } = request
  try {
    return { id, ...run(sql, request) }
  } catch (error) {
    const { message, errcode } = error as { readonly message: string; readonly errcode?: number }
    return { id, problem: { message, errcode } }
  }
}

parentPort?.on("message", (request: StatementRequest) => {
  if (request.sql !== undefined) return parentPort?.postMessage(responseTo(request, request.sql))
  database.close()
  parentPort?.close()
})
