/** Ids that several processes make on one database. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { Snowflake } from "effect/cluster"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { Ids } from "../../src/domain/shared/Ids.ts"
import * as IdsSnowflake from "../../src/layers/sql/cluster/IdsSnowflake.ts"
import * as ProcessLease from "../../src/layers/sql/cluster/ProcessLease.ts"

/** As many as an id has room for. */
const machineIds = 1_024

/** The machine id of a process that starts now, and lives until the scope ends. */
const start = Effect.map(
  Layer.build(Layer.fresh(IdsSnowflake.layerLeased.pipe(Layer.provide(ProcessLease.layer)))),
  (services) => {
    const id = BigInt(Context.get(services, Ids).messageId())
    return Number(Snowflake.machineId(Snowflake.Snowflake(id)))
  }
)

export const idsSuite = <E>(name: string, database: Layer.Layer<SqlClient.SqlClient, E>) =>
  describe(`the ids on ${name}`, () => {
    it.effect(
      "have a machine id for each process; when all are given out, that of which nothing was heard for longest",
      () =>
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          const living = yield* start
          const ended = yield* Effect.scoped(start)
          assert.notStrictEqual(living, ended)
          const rowOf = (machine_id: number) => ({ machine_id, renewed_at: 1 })
          const others = Array.from({ length: machineIds - 3 }, (_, index) => rowOf(index + 3))
          yield* sql`INSERT INTO process_leases ${sql.insert([rowOf(2), ...others])}`
          // A live process renews its lease. Its first renewal may still be on its way to the database when the clock moves.
          yield* TestClock.adjust("3 seconds").pipe(
            Effect.andThen(
              sql<{ readonly renewed_at: number }>`SELECT renewed_at FROM process_leases WHERE machine_id = ${living}`
            ),
            Effect.repeat({ until: ([row]) => (row?.renewed_at ?? 0) > 1 })
          )
          assert.strictEqual(yield* Effect.scoped(start), ended)
        }).pipe(Effect.provide(database))
    )
  })
