/**
 * Connections to SQLite in threads of their own. `node:sqlite` is synchronous, and a commit takes as long as the disk
 * does: here the event loop goes on meanwhile, and reading does not wait for writing (docs/decisions/0007).
 */
import type { SQLInputValue } from "node:sqlite"
import { Worker } from "node:worker_threads"
import { Deferred, Effect, type Scope, Semaphore, Stream } from "effect"
import type { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"
import type { Answer, Question, Rows } from "./SqliteWorker.ts"

type Row = Record<string, unknown>
type Result = Effect.Effect<Rows, SqlError.SqlError>

const arraysOf = ({ rows }: Rows): ReadonlyArray<ReadonlyArray<unknown>> => JSON.parse(rows)

/** A loop over the columns by number: this is done for every row of every page. */
const objectsOf = (answer: Rows): ReadonlyArray<Row> =>
  arraysOf(answer).map((values) => {
    const row: Row = {}
    for (let column = 0; column < values.length; column++) row[answer.names[column] ?? ""] = values[column]
    return row
  })

const script = new URL("./SqliteWorker.ts", import.meta.url)

const failed = (cause: unknown): SqlError.SqlError =>
  new SqlError.SqlError({
    reason: SqlError.classifySqliteError(cause, { message: "SQLite has refused a statement", operation: "execute" })
  })

const ended = new SqlError.SqlError({
  reason: new SqlError.ConnectionError({
    message: "the thread of SQLite has ended",
    operation: "execute",
    cause: undefined
  })
})

/** A connection; statements run one after the other, in the order in which they come. */
class Thread implements SqlConnection.Connection {
  readonly ended = Deferred.makeUnsafe<void>()
  private readonly worker: Worker
  private readonly waiting = new Map<number, (result: Result) => void>()
  private asked = 0

  constructor(filename: string) {
    this.worker = new Worker(script, { workerData: filename })
    this.worker.on("message", (answer: Answer) => {
      const resume = this.waiting.get(answer.id)
      // Node itself speaks here, too: `node --watch` wants to know what the thread imports.
      if (resume === undefined) return
      this.waiting.delete(answer.id)
      if ("rows" in answer) return resume(Effect.succeed(answer))
      const { message, errcode } = answer.problem
      resume(Effect.fail(failed(Object.assign(new Error(message), { errno: errcode }))))
    })
    // What it could not open, or what nobody expected: it ends with it.
    this.worker.on("error", (error) => this.end(failed(error)))
    this.worker.on("exit", () => this.end(ended))
  }

  execute: SqlConnection.Connection["execute"] = (sql, params, transformRows) =>
    Effect.map(this.ask(sql, params), (answer) => {
      // The caller of a statement says what its rows are.
      const rows = objectsOf(answer) as ReadonlyArray<never>
      return transformRows === undefined ? rows : transformRows(rows)
    })
  executeUnprepared: SqlConnection.Connection["executeUnprepared"] = this.execute
  executeRaw: SqlConnection.Connection["executeRaw"] = (sql, params) => Effect.map(this.ask(sql, params), objectsOf)
  executeValues: SqlConnection.Connection["executeValues"] = (sql, params) =>
    Effect.map(this.ask(sql, params), arraysOf)
  executeValuesUnprepared: SqlConnection.Connection["executeValuesUnprepared"] = this.executeValues
  executeStream: SqlConnection.Connection["executeStream"] = (sql, params, transformRows) =>
    Stream.fromIterableEffect(this.execute(sql, params, transformRows))

  /** Ends the connection after what was asked before. */
  close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const question: Question = { id: 0, params: [] }
      this.worker.postMessage(question)
      return Deferred.await(this.ended)
    })
  }

  /** Cannot be interrupted: a statement runs to its end, and nobody else may have the connection meanwhile. */
  private ask(sql: string, params: ReadonlyArray<unknown>): Result {
    return Effect.uninterruptible(
      Effect.callback<Rows, SqlError.SqlError>((resume) => {
        if (Deferred.isDoneUnsafe(this.ended)) return resume(Effect.fail(ended))
        this.asked += 1
        const question: Question = { id: this.asked, sql, params: params as ReadonlyArray<SQLInputValue> }
        this.waiting.set(question.id, resume)
        this.worker.postMessage(question)
      })
    )
  }

  private end(error: SqlError.SqlError): void {
    Deferred.doneUnsafe(this.ended, Effect.void)
    for (const resume of this.waiting.values()) resume(Effect.fail(error))
    this.waiting.clear()
  }
}

const openThread = (filename: string): Effect.Effect<Thread, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new Thread(filename)),
    (thread) => thread.close()
  )

/** A client with one connection for transactions, and one for statements outside of them. */
export const make = (
  filename: string
): Effect.Effect<SqlClient.SqlClient, never, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function* () {
    // One after the other: the first makes the file.
    const transactions = yield* openThread(filename)
    yield* Effect.ignore(transactions.execute("SELECT 1", [], undefined))
    const others = yield* openThread(filename)
    const { transactionAcquirer, onCommitFailure } = SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(transactions),
      semaphore: yield* Semaphore.make(1)
    })
    return yield* SqlClient.make({
      acquirer: Effect.succeed(others),
      borrower: (use) => use(others),
      transactionAcquirer,
      onCommitFailure,
      // What a transaction has read must be true when it writes.
      beginTransaction: "BEGIN IMMEDIATE",
      prepareTransactionControls: true,
      compiler: Statement.makeCompilerSqlite(),
      driver: "node:sqlite",
      spanAttributes: [["db.system.name", "sqlite"]]
    })
  })
