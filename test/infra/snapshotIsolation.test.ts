/** MariaDB that refuses to lock what has changed since it was read, as it does by default from 11.6.2. */
import { MysqlClient } from "@effect/sql-mysql2"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import type { SqlError } from "effect/sql"
import { afterAll } from "vitest"
import { databaseUrlOf } from "../../infra/addresses.ts"
import { makeScratch } from "../../infra/scratch.ts"
import { inTransaction } from "../../src/layers/sql/database/Sql.ts"

const { database, remove } = await makeScratch("test")
afterAll(remove)

/** A client with a single connection. */
const connect = MysqlClient.make({ url: Redacted.make(databaseUrlOf(database)), maxConnections: 1 })

const isKnown = await connect.pipe(
  Effect.flatMap((sql) => sql`SHOW VARIABLES LIKE 'innodb_snapshot_isolation'`),
  Effect.map((rows) => rows.length > 0),
  Effect.scoped,
  Effect.provide(Reactivity.layer),
  Effect.runPromise
)
if (!isKnown) {
  process.stderr.write("SKIPPED in snapshotIsolation.test.ts: this database has no innodb_snapshot_isolation\n")
}

describe("a transaction", () => {
  it.live.skipIf(!isKnown)("runs without snapshot isolation, whatever the server's default", () =>
    Effect.gen(function* () {
      const sql = yield* connect
      const rows = yield* inTransaction(sql)(sql`SELECT @@innodb_snapshot_isolation AS isOn`)
      assert.deepStrictEqual(rows, [{ isOn: 0 }])
    }).pipe(Effect.provide(Reactivity.layer))
  )

  it.live.skipIf(!isKnown)(
    "with snapshot isolation begins again when it locks a row that has changed since it read",
    () =>
      Effect.gen(function* () {
        const [sql, other] = [yield* connect, yield* connect]
        yield* sql`CREATE TABLE counters (id INT PRIMARY KEY, number INT NOT NULL) ENGINE = InnoDB`
        yield* sql`INSERT INTO counters VALUES (1, 0)`
        const refusals: Array<unknown> = []
        let attempts = 0
        const seen = yield* Effect.gen(function* () {
          attempts += 1
          yield* sql`SET SESSION innodb_snapshot_isolation = ON`
          yield* sql`SELECT number FROM counters`
          if (attempts === 1) yield* other`UPDATE counters SET number = 7`
          return yield* sql`SELECT number FROM counters WHERE id = 1 FOR UPDATE`
        }).pipe(
          Effect.tapError(({ reason }: SqlError.SqlError) =>
            Effect.sync(() => refusals.push(Object(reason.cause).errno))
          ),
          inTransaction(sql)
        )
        assert.deepStrictEqual(refusals, [1020])
        assert.deepStrictEqual(seen, [{ number: 7 }])
      }).pipe(Effect.provide(Reactivity.layer))
  )
})
