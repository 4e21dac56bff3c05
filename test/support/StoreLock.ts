/** Holds up a transaction of a server in its middle: a lock on what every transaction of the store changes first. */
import { MysqlClient } from "@effect/sql-mysql2"
import { Effect, Redacted, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import { databaseUrlOf } from "../../infra/addresses.ts"
import { hangMillis } from "./HangLimit.ts"

const lookMillis = 10

/** Takes the lock for as long as the scope lives, or until it is released. */
export const lockStore = (database: string) =>
  Effect.gen(function* () {
    const sql = yield* MysqlClient.make({ url: Redacted.make(databaseUrlOf(database)), maxConnections: 2 })
    const keeper = yield* sql.reserve
    const run = (statement: string) => Effect.orDie(Effect.asVoid(keeper.executeUnprepared(statement, [], undefined)))
    yield* run("BEGIN")
    yield* run("SELECT version FROM store_version FOR UPDATE")
    return {
      /** Waits until a transaction of the server has begun, and waits for the lock. */
      isWaitedFor: sql<{ readonly info: string | null }>`
        SELECT info FROM information_schema.processlist WHERE db = ${database} AND info LIKE ${"UPDATE%store_version%"}
      `.pipe(
        Effect.repeat({ until: (rows) => rows.length > 0, schedule: Schedule.spaced(lookMillis) }),
        Effect.timeout(hangMillis),
        Effect.orDie,
        Effect.asVoid
      ),
      release: run("COMMIT")
    }
  }).pipe(Effect.provide(Reactivity.layer), Effect.orDie)
