/** Shared by the SQL repositories: failures, transactions, and the version of the store. */
import { Effect, Schedule } from "effect"
import { type SqlClient, SqlError } from "effect/sql"
import { type Failure, failure } from "../../../domain/shared/Failure.ts"

/** Reasons that lie in the statement or its values: trying again cannot help. */
const faultyReasons = new Set(["UniqueViolation", "ConstraintError"])
/** Classes of SQLSTATE that say the same: data that does not fit, violated constraint, wrong statement. */
const faultyClass = /^(22|23|42)/
/**
 * Numbers of MySQL in these classes that speak of the server: no such database or table (one that is being restored),
 * too many connections or statements, a right that is missing.
 */
const passingNumbers: ReadonlySet<unknown> = new Set([1044, 1045, 1049, 1142, 1146, 1203, 1226, 1227, 1461])

const isFaulty = ({ reason }: SqlError.SqlError): boolean => {
  const { sqlState, errno } = Object(reason.cause) as { readonly sqlState?: unknown; readonly errno?: unknown }
  if (passingNumbers.has(errno)) return false
  if (faultyReasons.has(reason._tag)) return true
  return typeof sqlState === "string" && faultyClass.test(sqlState)
}

/**
 * A database that is away or overloaded is a failure, with its number only; the cause is logged here, once. A statement that
 * the database refuses is a defect of this code.
 */
export const storeFailure = (error: SqlError.SqlError): Effect.Effect<never, Failure<"DatabaseError">> =>
  isFaulty(error)
    ? Effect.die(error)
    : Effect.andThen(
        Effect.logError("the database failed", error),
        Effect.fail(failure("DatabaseError", { retryAfter: 1_000, cause: error }))
      )

/** The same for a batch of drafts, but a batch that the database refuses is a failure: the consumer goes on with others. */
export const appendFailure = (
  error: SqlError.SqlError
): Effect.Effect<never, Failure<"DatabaseError" | "ServerError">> =>
  isFaulty(error)
    ? Effect.andThen(
        Effect.logError("the database refused a batch", error),
        Effect.fail(failure("ServerError", { cause: error.reason.cause }))
      )
    : storeFailure(error)

/** Whether the failure is a violated unique key. SQLite reports one as a constraint error. */
export const isUniqueViolation = (error: SqlError.SqlError): boolean =>
  error.reason._tag === "UniqueViolation" || error.reason._tag === "ConstraintError"

/** MariaDB with `innodb_snapshot_isolation`: a transaction locks a row that another has changed since it first read. */
const recordChanged = 1020

/** Two transactions stood in each other's way, and this one has to begin again. */
const isConflict = (error: unknown): boolean => {
  const { reason } = error as Partial<SqlError.SqlError>
  if (reason?._tag === "DeadlockError" || reason?._tag === "LockTimeoutError") return true
  const { errno } = Object(reason?.cause) as { readonly errno?: unknown }
  return errno === recordChanged
}

const conflictsMax = 5
const afterConflict = Schedule.jittered(Schedule.exponential("5 millis"))

/**
 * The timeouts of MySQL: 5 s for a lock, and a minute for the next statement. A process that vanished in the middle of a
 * transaction delays the others by at most that time, instead of the hours of the defaults.
 *
 * From 11.6.2 on MariaDB refuses by default to lock a row that has changed since the transaction first read. A transaction
 * that reads before it takes the lock on the version would fail again and again while others write, and it reads once more
 * under the lock anyway. The comment is a statement for these servers only: others may not know the variable.
 */
const setSession = (sql: SqlClient.SqlClient): Effect.Effect<unknown, SqlError.SqlError> =>
  sql.onDialectOrElse({
    mysql: () => sql`SET SESSION innodb_lock_wait_timeout = 5, SESSION wait_timeout = 60
      /*M!110602 , SESSION innodb_snapshot_isolation = OFF */`,
    orElse: () => Effect.void
  })

/** A connection that is lost in a transaction cannot roll back, which the client takes for a defect: it is a failure. */
const lostIsFailure = <A, E, R>(transaction: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
  Effect.catchCause(transaction, (cause): Effect.Effect<never, E | SqlError.SqlError> => {
    const lost = cause.reasons.find((reason) => reason._tag === "Die" && SqlError.isSqlError(reason.defect))
    return lost?._tag === "Die" ? Effect.fail(lost.defect as SqlError.SqlError) : Effect.failCause(cause)
  })

/** Runs an effect in one transaction; one that another stood in the way of begins again, a few times at most. */
export const inTransaction =
  (sql: SqlClient.SqlClient) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
    Effect.retry(lostIsFailure(sql.withTransaction(Effect.andThen(setSession(sql), effect))), {
      while: isConflict,
      times: conflictsMax,
      schedule: afterConflict
    })

interface NumberRow {
  readonly number: number
}

/** The number of the only row. A store without it is damaged, and must not be numbered from the beginning again. */
const numberOf = ([row]: ReadonlyArray<NumberRow>): Effect.Effect<number> =>
  row === undefined || row.number < 0
    ? Effect.die(new Error("the store has no version: its row is missing"))
    : Effect.succeed(row.number)

/** Messages and presence have versions of their own: neither waits for the other's lock. */
export type VersionTable = "store_version" | "presence_version"

/**
 * The version that a transaction gives to all its changes. The transaction holds the lock on it until the commit: versions
 * become visible in their order, and a reader who has seen one has seen all before it. A transaction takes it first: it is
 * also the lock under which messages are numbered, in all processes.
 */
export const nextVersion = (
  sql: SqlClient.SqlClient,
  of: VersionTable = "store_version"
): Effect.Effect<number, SqlError.SqlError> =>
  sql.onDialectOrElse({
    // MySQL cannot return the updated row, and LAST_INSERT_ID would return an earlier number where the row is missing. The
    // lock is held already; a plain read would also fix what later reads of the transaction see.
    mysql: () =>
      Effect.andThen(
        sql`UPDATE ${sql(of)} SET version = version + 1`,
        Effect.flatMap(sql<NumberRow>`SELECT version AS number FROM ${sql(of)} FOR UPDATE`, numberOf)
      ),
    orElse: () =>
      Effect.flatMap(sql<NumberRow>`UPDATE ${sql(of)} SET version = version + 1 RETURNING version AS number`, numberOf)
  })

/** The version of the last change. */
export const version = (
  sql: SqlClient.SqlClient,
  of: VersionTable = "store_version"
): Effect.Effect<number, SqlError.SqlError> =>
  Effect.flatMap(sql<NumberRow>`SELECT version AS number FROM ${sql(of)}`, numberOf)
