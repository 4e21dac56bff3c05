/** The database cannot be used at the start: what the operator is told, in one line. */
import { Data } from "effect"
import type { Migrator, SqlError } from "effect/sql"

export class DatabaseUnavailable extends Data.TaggedError("DatabaseUnavailable")<{ readonly message: string }> {}

export const unavailable = (why: string): DatabaseUnavailable =>
  new DatabaseUnavailable({ message: `The database cannot be used: ${why.replace(/\s*\n\s*/g, " ")}` })

/** What the driver said; Node's own errors of a refused connection have a code and no text. */
export const wordsOf = ({ reason }: SqlError.SqlError): string => {
  const { code, message } = Object(reason.cause) as { readonly code?: unknown; readonly message?: unknown }
  return String(message || code || reason.message)
}

/** Why the migrations could not be run. */
export const unmigrated = (error: SqlError.SqlError | Migrator.MigrationError): DatabaseUnavailable =>
  unavailable(error._tag === "SqlError" ? wordsOf(error) : `${error.message}: ${error.cause}`)
