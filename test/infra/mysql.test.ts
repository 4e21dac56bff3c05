/** The conformance suites on MySQL (or MariaDB). */
import { ConfigProvider, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { afterAll } from "vitest"
import { makeScratch } from "../../infra/scratch.ts"
import * as Settings from "../../src/layers/settings/Settings.ts"
import * as MysqlDatabase from "../../src/layers/sql/database/MysqlDatabase.ts"
import { messageSuites, orderSuites, peopleSuites } from "../conformance/storeSuites.ts"

const { settings, remove } = await makeScratch("test")
afterAll(remove)

/** One database for all tests, as fast to empty as slow to make. */
const emptied = Layer.effectDiscard(
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const tables = yield* sql<{ readonly name: string }>`
      SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = DATABASE() AND table_name <> 'effect_sql_migrations'`
    for (const { name } of tables) yield* sql`DELETE FROM ${sql(name)}`
    // As the migrations leave them: a test may have removed the row.
    for (const name of ["store_version", "presence_version"])
      yield* sql`INSERT INTO ${sql(name)} ${sql.insert({ version: 0 })}`
  })
)

const database = emptied.pipe(
  Layer.provideMerge(MysqlDatabase.layer),
  Layer.provideMerge(Settings.layer),
  Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings)))
)

for (const suites of [messageSuites, peopleSuites, orderSuites]) suites("MySQL", database)
