/** Whether a database has been migrated by this program, or an older one, and brings it up to date. */
import { Effect, Schema } from "effect"
import { Migrator, SqlClient, type SqlError } from "effect/sql"
import { type DatabaseUnavailable, unavailable } from "./DatabaseUnavailable.ts"
import { fingerprints, recordFingerprints } from "./MigrationFingerprints.ts"
import { migrations } from "./Migrations.ts"
import { CountRow, rowAs, rowsAs } from "./Rows.ts"

export const table = "effect_sql_migrations"

const MigrationRow = Schema.Struct({ migration_id: Schema.Int, name: Schema.String })

/** The first of these migrations that this program does not know, as it names them. */
export const unknownAmong = (applied: ReadonlyArray<typeof MigrationRow.Type>): string | undefined =>
  applied.map(({ migration_id, name }) => labelOf(migration_id, name)).find((label) => !(label in migrations))

/** `0012_name`, as the program names its migrations. */
const labelOf = (id: number, name: string): string => `${String(id).padStart(4, "0")}_${name}`

/** Why a database with this migration is refused. */
export const madeByNewer = (unknown: string): string =>
  `it has the migration ${unknown}, which this version does not know; its last one is ${Object.keys(migrations).at(-1)}: a newer version made it`

const hasTable = (name: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      rowAs(CountRow)(
        sql.onDialectOrElse({
          mysql: () => sql`
            SELECT COUNT(*) AS count FROM information_schema.tables
            WHERE table_schema = DATABASE() AND table_name = ${name}`,
          orElse: () => sql`SELECT COUNT(*) AS count FROM sqlite_master WHERE type = 'table' AND name = ${name}`
        })
      ),
      (row) => row?.count === 1
    )
  )

const FingerprintRow = Schema.Struct({ name: Schema.String, fingerprint: Schema.String })

/**
 * Refuses a database that has migrations which this program does not know: they were made by a newer version, whose tables
 * it would write wrongly. Refuses one, too, whose migrations were others than this program's of the same name when they ran.
 * Changes nothing.
 */
const checkApplied: Effect.Effect<void, DatabaseUnavailable | SqlError.SqlError, SqlClient.SqlClient> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    if (!(yield* hasTable(table))) return
    const applied = yield* rowsAs(MigrationRow)(sql`SELECT migration_id, name FROM ${sql(table)} ORDER BY migration_id`)
    const unknown = unknownAmong(applied)
    if (unknown !== undefined) return yield* unavailable(madeByNewer(unknown))
    if (!(yield* hasTable("migration_fingerprints"))) return
    const known: Readonly<Record<string, string>> = fingerprints
    const recorded = yield* rowsAs(FingerprintRow)(
      sql`SELECT name, fingerprint FROM migration_fingerprints ORDER BY name`
    )
    const changed = recorded.find(({ name, fingerprint }) => known[name] !== fingerprint)
    if (changed === undefined) return
    return yield* unavailable(`its migration ${changed.name} was another one when it ran than this version's is`)
  }
)

/** Checks a database, and runs the migrations that it does not have yet. */
export const migrate = (loader: Migrator.Loader) =>
  checkApplied.pipe(Effect.andThen(Migrator.make({})({ loader })), Effect.andThen(recordFingerprints))
