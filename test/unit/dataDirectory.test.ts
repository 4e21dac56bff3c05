/** The data directory of the embedded database, and databases that cannot be used (docs/operations.md). */
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setImmediate } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit, Layer, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import * as Settings from "../../src/layers/settings/Settings.ts"
import { fingerprints } from "../../src/layers/sql/database/MigrationFingerprints.ts"
import * as SqliteDatabase from "../../src/layers/sql/sqlite/SqliteDatabase.ts"
import { temporaryDirectory } from "../support/TestServer.ts"

const databaseIn = (directory: string) =>
  SqliteDatabase.layer.pipe(
    Layer.provide(Settings.layer),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ CHAT_DATA_DIR: directory })))
  )

/** Opens the database, uses it, and closes it. */
const using = <A, E>(directory: string, use: (sql: SqlClient.SqlClient) => Effect.Effect<A, E>) =>
  SqlClient.SqlClient.pipe(Effect.flatMap(use), Effect.provide(databaseIn(directory)))

/** The message with which the start fails. */
const refusal = (directory: string) =>
  Effect.map(Effect.flip(using(directory, () => Effect.void)), (error) =>
    String((error as { message: string }).message)
  )

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe("the data directory", () => {
  it.effect("is one process's own: a second one is refused with the name of the first, and let in after its end", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const first = yield* Scope.make()
      yield* Scope.provide(Layer.build(databaseIn(directory)), first)
      // For five seconds it waits for the end of the first; the file system takes its own time meanwhile.
      const passing = Effect.forever(
        Effect.andThen(
          TestClock.adjust("200 millis"),
          Effect.promise(() => setImmediate())
        )
      )
      assert.strictEqual(
        yield* Effect.raceFirst(refusal(directory), passing),
        `The database cannot be used: process ${process.pid} uses ${directory}`
      )
      yield* Scope.close(first, Exit.void)
      yield* using(directory, (sql) => sql`SELECT 1 FROM users`)
    })
  )

  it.effect("is readable by its owner only, also what an earlier version has left there", () =>
    Effect.gen(function* () {
      const directory = join(yield* temporaryDirectory, "data")
      yield* using(directory, (sql) =>
        Effect.gen(function* () {
          yield* sql`SELECT 1 FROM users`
          assert.strictEqual(modeOf(directory), "700")
          for (const name of [
            "fiberchat.db",
            "fiberchat.db-wal",
            "fiberchat.db-shm",
            "fiberchat.lock",
            "fiberchat.pid"
          ])
            assert.strictEqual(modeOf(join(directory, name)), "600", name)
        })
      )
      const old = join(directory, "fiberchat.db")
      chmodSync(old, 0o644)
      yield* using(directory, (sql) => sql`SELECT 1 FROM users`)
      assert.strictEqual(modeOf(old), "600")
    })
  )
})

describe("a database", () => {
  const migration = (change: (sql: SqlClient.SqlClient) => Effect.Effect<unknown, unknown>) =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* using(directory, change)
      const said = yield* refusal(directory)
      return said.replace(/^The database cannot be used: /, "")
    })

  it.effect("of a newer version is refused by the name of its migration, before anything is changed", () =>
    Effect.gen(function* () {
      const said = yield* migration(
        (sql) => sql`INSERT INTO effect_sql_migrations (migration_id, name) VALUES (999, 'from_tomorrow')`
      )
      assert.match(said, /^it has the migration 0999_from_tomorrow, which this version does not know; its last one is /)
    })
  )

  it.effect("whose migrations have changed since they ran is refused by name, before anything is changed", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* using(directory, (sql) =>
        Effect.andThen(
          sql`UPDATE migration_fingerprints SET fingerprint = 'another' WHERE name = '0009_groups'`,
          sql`DELETE FROM effect_sql_migrations WHERE migration_id = 16`
        )
      )
      const file = readFileSync(join(directory, "fiberchat.db"))
      const said = yield* refusal(directory)
      assert.match(said, /its migration 0009_groups was another one when it ran than this version's is$/)
      assert.isTrue(readFileSync(join(directory, "fiberchat.db")).equals(file))
    })
  )

  it.effect("of a version that kept no fingerprints gets those of this one", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* using(directory, (sql) =>
        Effect.andThen(
          sql`DROP TABLE migration_fingerprints`,
          sql`DELETE FROM effect_sql_migrations WHERE migration_id >= 17`
        )
      )
      const rows = yield* using(directory, (sql) => sql`SELECT name, fingerprint FROM migration_fingerprints`)
      assert.deepStrictEqual(Object.fromEntries(rows.map((row) => [row["name"], row["fingerprint"]])), {
        ...fingerprints
      })
    })
  )

  it.effect("of an earlier version is found by names as this version folds them, however many users it has", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const users = Array.from({ length: 2_500 }, (_, index) => ({
        id: String(1_000_000 + index),
        phone: `+49151${1_000_000 + index}`,
        password_hash: "",
        nickname: `Straße ${index}`,
        nickname_key: `straße ${index}`,
        sex: 0,
        avatar: "",
        created_at: 0
      }))
      yield* using(directory, (sql) =>
        Effect.gen(function* () {
          for (const user of users) yield* sql`INSERT INTO users ${sql.insert(user)}`
          yield* sql`DELETE FROM effect_sql_migrations WHERE migration_id >= 13`
        })
      )
      const keys = yield* using(directory, (sql) => sql`SELECT nickname_key FROM users ORDER BY id`)
      assert.deepStrictEqual(
        keys.map((row) => row["nickname_key"]),
        users.map((_, index) => `strasse ${index}`)
      )
    })
  )

  it.effect("of an earlier version gets what is unread counted from the messages that it has", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const [text, event, recall, reaction] = [0, 7, 8, 10]
      const types = { "1_2": [text, text, recall, reaction], "100": [event, text, event], "200": [event] }
      yield* using(directory, (sql) =>
        Effect.gen(function* () {
          for (const [conversation_id, all] of Object.entries(types)) {
            for (const [index, message_type] of all.entries()) {
              const seq = index + 1
              yield* sql`INSERT INTO messages ${sql.insert({
                ...{ conversation_id, seq, message_type, version: 10 * seq, chat_type: 1, send_time: 1, content: "" },
                ...{ message_id: `${conversation_id}${seq}`, sender_id: "1", client_id: `${conversation_id} ${seq}` },
                ...{ receive_id: "2", state: conversation_id === "1_2" && seq === 2 ? 1 : 0 }
              })}`
            }
            const last_seq = all.length
            yield* sql`INSERT INTO conversations ${sql.insert({
              ...{ id: conversation_id, chat_type: 1, last_seq, last_time: 1, shown_seq: 1, version: 10 * last_seq }
            })}`
          }
          yield* sql`INSERT INTO conversations ${sql.insert({
            ...{ id: "3_4", chat_type: 1, last_seq: 0, last_time: 0, shown_seq: 0, version: 7 }
          })}`
          yield* sql`DELETE FROM effect_sql_migrations WHERE migration_id >= 14`
        })
      )
      const [ends, counts, recalls] = yield* using(directory, (sql) =>
        Effect.all([
          sql`SELECT id, readable_seq, readable_count, listed_version FROM conversations ORDER BY id`,
          sql`SELECT readable_count FROM messages ORDER BY conversation_id, seq`,
          sql`SELECT conversation_id, seq FROM recalls`
        ])
      )
      assert.deepStrictEqual(ends, [
        { id: "100", readable_seq: 2, readable_count: 1, listed_version: 20 },
        { id: "1_2", readable_seq: 2, readable_count: 2, listed_version: 20 },
        { id: "200", readable_seq: 0, readable_count: 0, listed_version: 10 },
        { id: "3_4", readable_seq: 0, readable_count: 0, listed_version: 7 }
      ])
      assert.deepStrictEqual(
        counts.map((row) => row["readable_count"]),
        [0, 1, 1, 1, 2, 2, 2, 0]
      )
      assert.deepStrictEqual(recalls, [{ conversation_id: "1_2", seq: 2 }])
    })
  )

  it.effect("whose migration has another name than this version's is refused as well", () =>
    Effect.gen(function* () {
      const said = yield* migration(
        (sql) => sql`UPDATE effect_sql_migrations SET name = 'other' WHERE migration_id = 2`
      )
      assert.match(said, /^it has the migration 0002_other, /)
    })
  )

  it.effect("that is no database is refused with its place, and left as it is", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      mkdirSync(directory, { recursive: true })
      const text = "these are notes, and no database at all\n".repeat(100)
      writeFileSync(join(directory, "fiberchat.db"), text)
      assert.strictEqual(
        yield* refusal(directory),
        `The database cannot be used: the database in ${directory}: file is not a database`
      )
      assert.strictEqual(statSync(join(directory, "fiberchat.db")).size, text.length)
    })
  )
})
