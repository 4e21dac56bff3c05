/**
 * The terms of the store (protocol.md section 1.7). Each start of a process begins a term, a random text, from the next version
 * on. A cursor has the term of its version: in a store that was set back to a backup, and has gone on from there, the same
 * version has another term.
 */
import { randomBytes } from "node:crypto"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { StoreIdentity } from "../../../domain/cluster/StoreIdentity.ts"
import { unavailable, wordsOf } from "../database/DatabaseUnavailable.ts"
import { rowAs } from "../database/Rows.ts"
import { inTransaction, nextVersion } from "../database/Sql.ts"
import { ProcessLease } from "./ProcessLease.ts"

const begin = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const first_version = yield* nextVersion(sql)
  yield* sql`INSERT INTO store_terms ${sql.insert({ first_version, term: randomBytes(12).toString("base64url") })}`
  const first = yield* rowAs(Schema.Struct({ term: Schema.String }))(
    sql`SELECT term FROM store_terms WHERE first_version = 0`
  )
  if (first === undefined) return yield* Effect.die(new Error("the store has no identity: its row is missing"))
  return StoreIdentity.of({ id: first.term })
})

/** Begins a term, once the lease of the process is there. */
export const layer = Layer.effect(
  StoreIdentity,
  Effect.gen(function* () {
    yield* ProcessLease
    const sql = yield* SqlClient.SqlClient
    return yield* Effect.catchTag(inTransaction(sql)(begin), "SqlError", (error) =>
      Effect.fail(unavailable(wordsOf(error)))
    )
  })
)
