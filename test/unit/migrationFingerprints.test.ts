/** A migration that has run is never changed: databases would differ by their age. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import { fingerprintOf, fingerprints } from "../../src/layers/sql/database/MigrationFingerprints.ts"
import { migrations } from "../../src/layers/sql/database/Migrations.ts"
import * as DataDirectory from "../../src/layers/sql/sqlite/DataDirectory.ts"
import * as SqliteThread from "../../src/layers/sql/sqlite/SqliteThread.ts"
import { temporaryDirectory } from "../support/TestServer.ts"

const empty = Layer.effect(
  SqlClient.SqlClient,
  Effect.flatMap(temporaryDirectory, (directory) =>
    Effect.flatMap(DataDirectory.take(directory), (taken) => SqliteThread.make(taken))
  )
).pipe(Layer.provide(Reactivity.layer))

describe("a migration", () => {
  it.live("is what it was when it landed: a later change of the schema is a new one", () =>
    Effect.gen(function* () {
      const found: Record<string, string> = {}
      for (const [name, migration] of Object.entries(migrations)) found[name] = yield* fingerprintOf(migration)
      assert.deepStrictEqual(found, fingerprints)
    }).pipe(Effect.provide(empty))
  )

  it.live("that sends another statement is another one", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const one = yield* fingerprintOf(sql`SELECT 1 FROM sqlite_master`)
      assert.strictEqual(yield* fingerprintOf(sql`SELECT 1   FROM sqlite_master`), one)
      assert.notStrictEqual(yield* fingerprintOf(sql`SELECT 2 FROM sqlite_master`), one)
    }).pipe(Effect.provide(empty))
  )
})
