/** The database cannot be used at the start. The message is one line, for the operator. */
import { Data, Effect, Schedule } from "effect"
import type { Migrator, SqlError } from "effect/sql"

export class DatabaseUnavailable extends Data.TaggedError("DatabaseUnavailable")<{ readonly message: string }> {}

export const unavailable = (why: string): DatabaseUnavailable =>
  new DatabaseUnavailable({ message: `The database cannot be used: ${why.replace(/\s*\n\s*/g, " ")}` })

/** The message of the driver's error; Node's error of a refused connection has a code and no text. */
export const wordsOf = ({ reason }: SqlError.SqlError): string => {
  const { code, message } = Object(reason.cause) as { readonly code?: unknown; readonly message?: unknown }
  return String(message || code || reason.message)
}

/** Whether nothing answers at the address, so that a retry makes sense. */
export const isAbsent = (error: { readonly _tag: string; readonly reason?: SqlError.SqlErrorReason }): boolean => {
  const { reason } = error
  if (reason === undefined) return false
  return reason._tag === "ConnectionError" || (reason._tag === "UnknownError" && isSocketError(reason.cause))
}

/** Errors of the socket, by Node or the driver; an error that the database sent has a number. */
const isSocketError = (cause: unknown): boolean => {
  const { sqlState, errcode, code } = Object(cause) as Record<string, unknown>
  return sqlState === undefined && errcode === undefined && typeof code === "string"
}

/** How long the start waits for a database that does not answer, in seconds. */
const startSeconds = 60

/** Begins again while the database does not answer, for a minute. */
export const untilThere = <A, E extends { readonly _tag: string }, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.retry(effect, { while: isAbsent, schedule: Schedule.spaced("1 second"), times: startSeconds })

/** Why the migrations could not be run, and where. */
export const unmigrated = (error: SqlError.SqlError | Migrator.MigrationError, place?: string): DatabaseUnavailable => {
  const words = error._tag === "SqlError" ? wordsOf(error) : `${error.message}: ${error.cause}`
  return unavailable(place === undefined ? words : `${place}: ${words}`)
}
