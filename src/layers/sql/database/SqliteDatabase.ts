/** The embedded database: one SQLite file in the data directory, migrated at start. */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { Reactivity } from "effect/reactivity"
import { Migrator, SqlClient } from "effect/sql"
import { Settings } from "../../settings/Settings.ts"
import { unavailable, unmigrated } from "./DatabaseUnavailable.ts"
import { migrations } from "./Migrations.ts"
import * as SqliteThread from "./SqliteThread.ts"

const connection = Layer.effect(
  SqlClient.SqlClient,
  Effect.gen(function* () {
    const { dataDir } = yield* Settings
    yield* Effect.tryPromise({
      try: () => mkdir(dataDir, { recursive: true }),
      catch: (error) => unavailable(String(error))
    })
    return yield* SqliteThread.make(join(dataDir, "fiberchat.db"))
  })
).pipe(Layer.provide(Reactivity.layer))

const migrated = Layer.effectDiscard(
  Effect.mapError(Migrator.make({})({ loader: Migrator.fromRecord(migrations) }), unmigrated)
)

export const layer = migrated.pipe(Layer.provideMerge(connection))
