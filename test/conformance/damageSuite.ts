/** A damaged database is reported, and never worked around in silence. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Layer, Logger, Option } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { UserRepository } from "../../src/domain/accounts/User.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import { UserId } from "../../src/domain/shared/Ids.ts"
import * as ProcessLease from "../../src/layers/sql/cluster/ProcessLease.ts"
import { draft } from "../support/Drafts.ts"

const deletingVersion = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`DELETE FROM store_version`)

export const damageSuite = <E, F>(
  name: string,
  layer: Layer.Layer<MessageStore | UserRepository | SqlClient.SqlClient, E>,
  database: Layer.Layer<SqlClient.SqlClient, F>
) =>
  describe(`damage on ${name}`, () => {
    it.effect("of the version is a defect of every write: nothing is numbered from the beginning again", () =>
      Effect.gen(function* () {
        const store = yield* MessageStore
        const sql = yield* SqlClient.SqlClient
        // The connections have written before: none of them may go on from a version that it remembers.
        yield* Effect.forEach(
          Array.from({ length: 20 }, (_, index) => draft("1", "2", `before ${index}`)),
          (one) => store.appendBatch([one])
        )
        yield* deletingVersion
        for (let time = 0; time < 20; time += 1) {
          const exit = yield* Effect.exit(store.appendBatch([draft("1", "2", `after ${time}`)]))
          assert.strictEqual(exit._tag, "Failure")
          if (exit._tag === "Failure") assert.match(Cause.pretty(exit.cause), /the store has no version/)
        }
        const [row] = yield* sql<{ readonly count: number }>`
          SELECT COUNT(*) AS count FROM messages WHERE client_id LIKE ${"after %"}`
        assert.strictEqual(Number(row?.count), 0)
      }).pipe(Effect.provide(layer))
    )

    it.effect("of a row is a defect of what reads it", () =>
      Effect.gen(function* () {
        const users = yield* UserRepository
        const sql = yield* SqlClient.SqlClient
        const insertUser = (id: string, sex: number) =>
          sql`INSERT INTO users ${sql.insert({
            id,
            phone: `+4915100000${id}`,
            password_hash: "",
            nickname: "",
            nickname_key: "",
            sex,
            avatar: "",
            created_at: 0
          })}`
        yield* insertUser("71", 2)
        yield* insertUser("72", 9)
        assert.isTrue(Option.isSome(yield* users.findById(UserId.make("71"))))
        const exit = yield* Effect.exit(users.findById(UserId.make("72")))
        assert.isTrue(exit._tag === "Failure" && Cause.hasDies(exit.cause))
      }).pipe(Effect.provide(layer))
    )

    it.effect("of the lease is logged once, and so is its end", () => {
      const lines: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
      const logged = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length
      return Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const { machineId } = yield* ProcessLease.ProcessLease
        yield* sql`DELETE FROM process_leases`
        const untilLogged = (pattern: RegExp) =>
          TestClock.adjust("3 seconds").pipe(
            Effect.andThen(sql`SELECT 1`),
            Effect.repeat({ until: () => logged(pattern) > 0 })
          )
        yield* untilLogged(/lease of this process cannot be renewed/)
        yield* Effect.repeat(Effect.andThen(TestClock.adjust("3 seconds"), sql`SELECT 1`), { times: 5 })
        assert.strictEqual(logged(/cannot be renewed/), 1)
        yield* sql`INSERT INTO process_leases ${sql.insert({ machine_id: machineId, renewed_at: 0 })}`
        yield* untilLogged(/lease of this process is renewed again/)
        assert.strictEqual(logged(/renewed again/), 1)
      }).pipe(
        Effect.provide(ProcessLease.layer.pipe(Layer.provideMerge(database), Layer.provideMerge(logger))),
        Effect.scoped
      )
    })
  })
