/** How long presence counts what has ended or fallen silent, whatever the wall clocks say (protocol.md sections 1.3 and 1.9). */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, type Layer } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import * as ProcessLease from "../../src/layers/sql/cluster/ProcessLease.ts"
import { boot, isOnline, rowsOf } from "../support/PresenceProcess.ts"

const users = ["1", "2"] as Array<UserId>

export const presenceTimeSuite = <E>(name: string, database: Layer.Layer<SqlClient.SqlClient, E>) =>
  describe(`the time of presence on ${name}`, () => {
    it.effect("counts who was closed by a clock of the server for 30 s more, here and elsewhere", () =>
      Effect.gen(function* () {
        const [here, there] = [yield* boot(), yield* boot()]
        const both = [here, there]
        const tidied = Effect.all([here.renew, there.renew, here.tidy, here.flush, there.tidy])
        const idle = here.open("1")
        yield* tidied
        yield* TestClock.adjust(1_000)
        const closedAt = yield* Clock.currentTimeMillis
        here.close(idle, true)
        for (let second = 0; second < 29; second++) {
          yield* tidied
          for (const process of both) {
            assert.deepInclude(yield* process.of("1"), { online: true, lastSeen: yield* Clock.currentTimeMillis })
            assert.isTrue(yield* isOnline(process.presence))
          }
          yield* TestClock.adjust(1_000)
        }
        yield* TestClock.adjust(1_000)
        const { version } = yield* there.presence.changes(undefined)
        yield* tidied
        for (const process of both) {
          assert.deepInclude(yield* process.of("1"), { online: false, lastSeen: closedAt })
          assert.isFalse(yield* isOnline(process.presence))
        }
        // Watchers elsewhere and here find it among the changes.
        assert.deepStrictEqual((yield* there.presence.changes(version)).userIds, ["1" as UserId])
      }).pipe(Effect.provide(database))
    )

    it.effect("counts such a connection no longer once its device is back, and leaves by itself", () =>
      Effect.gen(function* () {
        const here = yield* boot()
        const first = here.open("1", "phone")
        here.close(first, true)
        const laptop = here.open("1", "laptop")
        here.close(laptop)
        assert.deepInclude(yield* here.of("1"), { online: true })
        const again = here.open("1", "phone")
        here.close(again)
        yield* here.flush
        assert.deepInclude(yield* here.of("1"), { online: false })
        assert.deepStrictEqual(yield* rowsOf(here.machineId), [])
      }).pipe(Effect.provide(database))
    )

    it.effect("counts the connections of a process that ended in order for 30 s, until they are back elsewhere", () =>
      Effect.gen(function* () {
        const [ending, there] = [yield* boot(), yield* boot()]
        const [drained, left] = [ending.open("1"), ending.open("2")]
        yield* ending.flush
        ending.close(drained, true)
        ending.close(left)
        yield* ending.farewell
        const seen = Effect.map(there.presence.onlineAmong(users), (online) => online as ReadonlyArray<string>)
        yield* there.tidy
        assert.deepStrictEqual(yield* seen, ["1"])
        yield* TestClock.adjust(29_000)
        yield* there.tidy
        assert.deepStrictEqual(yield* seen, ["1"])
        yield* TestClock.adjust(1_000)
        assert.deepStrictEqual(yield* seen, [])
        yield* there.tidy
        assert.deepStrictEqual(yield* rowsOf(ending.machineId), [])
      }).pipe(Effect.provide(database))
    )

    it.effect("judges other processes by its own time, wherever their clocks and its own are set", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const [silent, watcher] = [yield* boot(), yield* boot()]
        silent.open("1")
        yield* silent.flush
        const hour = 3_600_000
        for (const ahead of [hour, -hour, 0]) {
          yield* TestClock.adjust(ProcessLease.leaseMillis - 1)
          const renewed_at = (yield* Clock.currentTimeMillis) + ahead
          assert.isTrue(yield* isOnline(watcher.presence))
          yield* sql`UPDATE process_leases SET ${sql.update({ renewed_at })} WHERE machine_id = ${silent.machineId}`
          yield* watcher.tidy
          assert.isTrue(yield* isOnline(watcher.presence), `ahead by ${ahead} ms`)
        }
        yield* TestClock.adjust(ProcessLease.leaseMillis)
        assert.isFalse(yield* isOnline(watcher.presence))
      }).pipe(Effect.provide(database))
    )
  })
