/** Which failures let a transaction begin again. */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlError } from "effect/sql"
import { inTransaction } from "../../src/layers/sql/database/Sql.ts"
import * as SqliteThread from "../../src/layers/sql/sqlite/SqliteThread.ts"
import { temporaryDirectory } from "../support/TestServer.ts"

const props = { message: "refused", operation: "execute" }
const unknown = (errno: number) =>
  new SqlError.UnknownError({ ...props, cause: Object.assign(new Error(`error ${errno}`), { errno }) })

/** How often a transaction is tried that fails with this the first time. */
const attempts = (reason: SqlError.SqlErrorReason) =>
  Effect.gen(function* () {
    const sql = yield* SqliteThread.make(join(yield* temporaryDirectory, "test.db"))
    let count = 0
    const once = Effect.suspend(() => {
      count += 1
      return count === 1 ? Effect.fail(new SqlError.SqlError({ reason })) : Effect.void
    })
    yield* Effect.ignore(inTransaction(sql)(once))
    return count
  }).pipe(Effect.provide(Reactivity.layer))

describe("a transaction", () => {
  for (const [what, reason] of [
    ["a deadlock", new SqlError.DeadlockError({ ...props, cause: undefined })],
    ["a lock that took too long", new SqlError.LockTimeoutError({ ...props, cause: undefined })],
    ["a row that has changed since it was read", unknown(1020)]
  ] as const) {
    it.live(`begins again after ${what}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* attempts(reason), 2)
      })
    )
  }

  it.live("does not begin again after another failure", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* attempts(unknown(1021)), 1)
    })
  )
})
