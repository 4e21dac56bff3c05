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
      WHERE table_schema = DATABASE() AND table_name NOT IN ('effect_sql_migrations', 'store_version', 'presence_version')`
    for (const { name } of tables) yield* sql`DELETE FROM ${sql(name)}`
    yield* sql`UPDATE store_version SET version = 0`
    yield* sql`UPDATE presence_version SET version = 0`
  })
)

const database = emptied.pipe(
  Layer.provideMerge(MysqlDatabase.layer),
  Layer.provideMerge(Settings.layer),
  Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings)))
)

for (const suites of [messageSuites, peopleSuites, orderSuites]) suites("MySQL", database)
