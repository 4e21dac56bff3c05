/**
 * Connections to SQLite in threads of their own. `node:sqlite` is synchronous, and a commit waits for the disk: in a thread
 * it does not block the event loop, and reading does not wait for writing (docs/decisions/0007).
 */
import type { SQLInputValue } from "node:sqlite"
import { Worker } from "node:worker_threads"
import { Deferred, Effect, type Scope, Semaphore, Stream } from "effect"
import type { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"
import { Asker } from "../../../domain/shared/Asker.ts"
import { ReadTurns } from "./ReadTurns.ts"
import type { Opening, Rows, StatementRequest, StatementResponse } from "./SqliteWorker.ts"

type Row = Record<string, unknown>
type Result = Effect.Effect<Rows, SqlError.SqlError>
type Run = (sql: string, params: ReadonlyArray<unknown>) => Result

const arraysOf = ({ rows }: Rows): ReadonlyArray<ReadonlyArray<unknown>> => JSON.parse(rows)

/** A loop over the columns by number: this is done for every row of every page. */
const objectsOf = (response: Rows): ReadonlyArray<Row> =>
  arraysOf(response).map((values) => {
    const row: Row = {}
    for (let column = 0; column < values.length; column++) row[response.names[column] ?? ""] = values[column]
    return row
  })

const script = new URL("./SqliteWorker.ts", import.meta.url)

const failed = (cause: unknown): SqlError.SqlError =>
  new SqlError.SqlError({
    reason: SqlError.classifySqliteError(cause, { message: "SQLite has refused a statement", operation: "execute" })
  })

const unusable = (message: string): SqlError.SqlError =>
  new SqlError.SqlError({
    reason: new SqlError.ConnectionError({ message, operation: "execute", cause: undefined })
  })
const ended = unusable("the thread of SQLite has ended")
const overloaded = unusable("too many reads wait for SQLite")

/** Statements run one after the other, in the order in which they come. */
class Thread {
  readonly ended = Deferred.makeUnsafe<void>()
  private readonly worker: Worker
  private readonly waiting = new Map<number, (result: Result) => void>()
  private lastId = 0

  constructor(opening: Opening) {
    this.worker = new Worker(script, { workerData: opening })
    this.worker.on("message", (response: StatementResponse) => {
      const resume = this.waiting.get(response.id)
      // Node itself sends messages, too: with `node --watch` it reports the imports of the thread.
      if (resume === undefined) return
      this.waiting.delete(response.id)
      if ("rows" in response) return resume(Effect.succeed(response))
      const { message, errcode } = response.problem
      resume(Effect.fail(failed(Object.assign(new Error(message), { errno: errcode }))))
    })
    // A file that cannot be opened, or a defect: the thread ends with it.
    this.worker.on("error", (error) => this.end(failed(error)))
    this.worker.on("exit", () => this.end(ended))
  }

  /** Calls `resume` with the result, later in any case. */
  send(sql: string, params: ReadonlyArray<unknown>, resume: (result: Result) => void): void {
    if (Deferred.isDoneUnsafe(this.ended)) return queueMicrotask(() => resume(Effect.fail(ended)))
    this.lastId += 1
    const request: StatementRequest = { id: this.lastId, sql, params: params as ReadonlyArray<SQLInputValue> }
    this.waiting.set(request.id, resume)
    this.worker.postMessage(request)
  }

  /** Cannot be interrupted: a statement runs to its end, and the connection is in use until then. */
  readonly run: Run = (sql, params) =>
    Effect.uninterruptible(Effect.callback<Rows, SqlError.SqlError>((resume) => this.send(sql, params, resume)))

  /** Ends the connection after the statements that were sent before it. */
  close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const request: StatementRequest = { id: 0, params: [] }
      this.worker.postMessage(request)
      return Deferred.await(this.ended)
    })
  }

  private end(error: SqlError.SqlError): void {
    Deferred.doneUnsafe(this.ended, Effect.void)
    for (const resume of this.waiting.values()) resume(Effect.fail(error))
    this.waiting.clear()
  }
}

const openThread = (opening: Opening): Effect.Effect<Thread, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new Thread(opening)),
    (thread) => thread.close()
  )

/** Reads when the turn of the {@link Asker} comes; one that has gone before it reads nothing. */
const inTurn = (thread: Thread): Run => {
  const turns = new ReadTurns()
  return (sql, params) =>
    Asker.use((asker) =>
      Effect.callback<Rows, SqlError.SqlError>((resume) => {
        const leave = turns.join(asker?.userId, () =>
          thread.send(sql, params, (result) => {
            turns.ended()
            resume(result)
          })
        )
        if (leave === undefined) return resume(Effect.fail(overloaded))
        return Effect.sync(leave)
      })
    )
}

const connectionOf = (run: Run): SqlConnection.Connection => {
  const execute: SqlConnection.Connection["execute"] = (sql, params, transformRows) =>
    Effect.map(run(sql, params), (response) => {
      // The caller of a statement declares the type of its rows.
      const rows = objectsOf(response) as ReadonlyArray<never>
      return transformRows === undefined ? rows : transformRows(rows)
    })
  const executeValues: SqlConnection.Connection["executeValues"] = (sql, params) =>
    Effect.map(run(sql, params), arraysOf)
  return {
    execute,
    executeUnprepared: execute,
    executeRaw: (sql, params) => Effect.map(run(sql, params), objectsOf),
    executeValues,
    executeValuesUnprepared: executeValues,
    executeStream: (sql, params, transformRows) => Stream.fromIterableEffect(execute(sql, params, transformRows))
  }
}

/** The beginning of statements that read. One that writes (`WITH … UPDATE`) is refused by the connection that only reads. */
const reads = /^\s*(?:SELECT|WITH)\b/i

/**
 * A client with one connection that writes, and one that only reads. A single statement that writes takes its turn with
 * the transactions: on the other connection it would wait for their lock, and all reading would wait behind it.
 */
export const make = (
  filename: string
): Effect.Effect<SqlClient.SqlClient, never, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function* () {
    // One after the other: the first makes the file.
    const writing = yield* openThread({ filename, readsOnly: false })
    yield* Effect.ignore(writing.run("SELECT 1", []))
    const reading = yield* openThread({ filename, readsOnly: true })
    const { borrower, transactionAcquirer, onCommitFailure } = SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connectionOf(writing.run)),
      semaphore: yield* Semaphore.make(1)
    })
    const read = inTurn(reading)
    const outside = connectionOf((sql, params) =>
      reads.test(sql) ? read(sql, params) : borrower(() => writing.run(sql, params))
    )
    return yield* SqlClient.make({
      acquirer: Effect.succeed(outside),
      borrower: (use) => use(outside),
      transactionAcquirer,
      onCommitFailure,
      // The lock comes first: the facts that a transaction has read must still be true when it writes.
      beginTransaction: "BEGIN IMMEDIATE",
      prepareTransactionControls: true,
      compiler: Statement.makeCompilerSqlite(),
      driver: "node:sqlite",
      spanAttributes: [["db.system.name", "sqlite"]]
    })
  })
