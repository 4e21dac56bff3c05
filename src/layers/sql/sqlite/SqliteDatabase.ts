/** The embedded database: one SQLite file in the data directory, migrated at start. */
import { Effect, Layer } from "effect"
import { Reactivity } from "effect/reactivity"
import { Migrator, SqlClient } from "effect/sql"
import { Settings } from "../../settings/Settings.ts"
import { migrate } from "../database/AppliedMigrations.ts"
import { unmigrated } from "../database/DatabaseUnavailable.ts"
import { migrations } from "../database/Migrations.ts"
import * as DataDirectory from "./DataDirectory.ts"
import * as SqliteThread from "./SqliteThread.ts"

const connection = Layer.effect(
  SqlClient.SqlClient,
  Effect.gen(function* () {
    const { dataDir } = yield* Settings
    return yield* SqliteThread.make(yield* DataDirectory.take(dataDir))
  })
).pipe(Layer.provide(Reactivity.layer))

const migrated = Layer.effectDiscard(
  migrate(Migrator.fromRecord(migrations)).pipe(
    Effect.catchTag(["SqlError", "MigrationError"], (error) =>
      Effect.flatMap(Settings, ({ dataDir }) => Effect.fail(unmigrated(error, `the database in ${dataDir}`)))
    )
  )
)

export const layer = migrated.pipe(Layer.provideMerge(connection))
