/** Presence of several processes with connections on one database (protocol.md sections 1.9 and 4). */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Fiber, Layer, Schema, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { ConnectionRegistry } from "../../src/actors/connections/ConnectionRegistry.ts"
import { Presence } from "../../src/domain/contacts/Presence.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import * as PresenceRows from "../../src/layers/sql/cluster/PresenceRows.ts"
import * as PresenceSql from "../../src/layers/sql/cluster/PresenceSql.ts"
import * as ProcessLease from "../../src/layers/sql/cluster/ProcessLease.ts"
import { inTransaction } from "../../src/layers/sql/database/Sql.ts"
import { Model, ModelProcess, Operation, waitingMax } from "../support/PresenceModel.ts"
import {
  boot,
  connectionOf,
  freshRegistry,
  isOnline,
  type PresenceProcess,
  rowsOf
} from "../support/PresenceProcess.ts"
import { runsOf } from "../support/Runs.ts"

const users = ["1", "2"] as Array<UserId>

export const presenceSuite = <E>(name: string, database: Layer.Layer<SqlClient.SqlClient, E>) =>
  describe(`presence on ${name}`, () => {
    it.effect.prop(
      "knows no ghosts, hides nobody, and never sees anybody last before it did, whatever processes do",
      [Schema.Array(Operation).check(Schema.isMaxLength(30))],
      ([operations]) =>
        Effect.gen(function* () {
          const model = new Model()
          const start = Effect.map(boot(waitingMax), (process) => {
            const one = new ModelProcess(process)
            model.all.push(one)
            return one
          })
          yield* TestClock.adjust(1_000)
          const living = [yield* start, yield* start, yield* start]
          const told = new Map<string, number>()

          const act = Effect.fnUntraced(function* (operation: typeof Operation.Type) {
            if (operation.kind === "wait") return yield* TestClock.adjust(operation.millis)
            const now = yield* Clock.currentTimeMillis
            const one = living[operation.process]!
            switch (operation.kind) {
              case "open": {
                const connection = one.process.open(operation.user, operation.device)
                one.open.set(connection.connectionId, connection)
                return one.put(connection, true, now)
              }
              case "closeOldest":
              case "closeNewest": {
                const connection = [...one.open.values()].at(operation.kind === "closeOldest" ? 0 : -1)
                if (connection === undefined) return
                one.process.close(connection)
                one.open.delete(connection.connectionId)
                return one.put(connection, false, now)
              }
              case "flush":
                yield* one.process.flush
                return model.flush(one, now)
              case "renew":
                yield* one.process.renew
                if (now - one.renewedAt > ProcessLease.leaseMillis / 2) one.hadGap = true
                one.renewedAt = now
                return
              case "tidy":
                yield* one.process.tidy
                return model.tidy(one, now)
              case "crash":
                living[operation.process] = yield* start
            }
          })

          for (const operation of operations) {
            yield* act(operation)
            const now = yield* Clock.currentTimeMillis
            for (const one of living) {
              const found = yield* one.process.presence.of(users)
              const states = found.map(({ userId, online, lastSeen }) => ({ userId, online, lastSeen }))
              const expected = users.map((userId) => model.expected(one, userId, now))
              assert.deepStrictEqual(
                states,
                expected.map(({ state }) => state) as typeof states,
                JSON.stringify(operation)
              )
              const online = states.filter((state) => state.online).map(({ userId }) => userId)
              assert.deepStrictEqual(yield* one.process.presence.onlineAmong(users), online)
              for (const [index, { userId, online, lastSeen }] of states.entries()) {
                const key = `${one.process.machineId} ${userId}`
                assert.isAtLeast(lastSeen, told.get(key) ?? 0)
                // A process that was silent may still report an end from before its last sign of life.
                if (!online && !expected[index]?.isPresumed) told.set(key, lastSeen)
              }
            }
          }

          // Everybody dies at once; who comes after them finds nobody, and leaves no row behind.
          yield* TestClock.adjust(ProcessLease.leaseMillis)
          const heir = yield* boot()
          assert.deepStrictEqual(yield* heir.presence.onlineAmong(users), [])
          const before = yield* heir.presence.of(users)
          assert.isFalse(before.some(({ online }) => online))
          yield* heir.tidy
          assert.deepStrictEqual(yield* heir.presence.of(users), before)
          for (const { process } of model.all) assert.deepStrictEqual(yield* rowsOf(process.machineId), [])
        }).pipe(Effect.provide(database)),
      { arbitrary: { runs: runsOf(60) } }
    )

    it.effect("does not let an old connection's late end hide a newer one of the same device, here or elsewhere", () =>
      Effect.gen(function* () {
        const [here, there] = [yield* boot(), yield* boot()]
        const old = here.open("1")
        yield* here.flush
        there.open("1")
        yield* there.flush
        here.close(old)
        yield* here.flush
        for (const process of [here, there]) {
          assert.deepInclude(yield* process.of("1"), { online: true })
          assert.isTrue(yield* isOnline(process.presence))
        }
      }).pipe(Effect.provide(database))
    )

    it.effect("tells the devices apart: each with its own last seen, the user online as long as one of them is", () =>
      Effect.gen(function* () {
        const [here, there] = [yield* boot(), yield* boot()]
        yield* TestClock.adjust(1_000)
        const phone = here.open("1", "phone")
        const laptop = there.open("1", "laptop")
        yield* Effect.all([here.flush, there.flush])
        yield* TestClock.adjust(1_000)
        here.close(phone)
        const devicesAt = (process: PresenceProcess) =>
          Effect.map(process.presence.of(["1" as UserId]), ([user]) => ({
            online: user?.online,
            devices: [...(user?.devices ?? [])].toSorted((a, b) => (a.deviceId < b.deviceId ? 1 : -1))
          }))
        const seen = { platform: "cli", lastSeen: 2_000 }
        assert.deepStrictEqual(yield* devicesAt(here), {
          online: true,
          devices: [
            { deviceId: "phone", ...seen, online: false },
            { deviceId: "laptop", ...seen, online: true }
          ]
        })
        yield* here.flush
        yield* TestClock.adjust(500)
        there.close(laptop)
        assert.deepStrictEqual(yield* devicesAt(there), {
          online: false,
          devices: [
            { deviceId: "phone", ...seen, online: false },
            { deviceId: "laptop", platform: "cli", online: false, lastSeen: 2_500 }
          ]
        })
      }).pipe(Effect.provide(database))
    )

    it.effect(
      "buries what a dead process has left in batches, though several find it at once, and no living one's",
      () =>
        Effect.gen(function* () {
          const [dead, living] = [yield* boot(), yield* boot()]
          // The known state of them is newer than the last sign of life of their process.
          yield* TestClock.adjust(1_000)
          for (let user = 1; user <= 1_300; user++) dead.open(String(user))
          living.open("7")
          yield* Effect.all([dead.flush, living.flush], { concurrency: "unbounded" })
          assert.strictEqual((yield* rowsOf(dead.machineId)).length, 1_300)
          yield* TestClock.adjust(ProcessLease.leaseMillis)
          yield* living.renew
          const heirs = [yield* boot(), yield* boot(), yield* boot()]
          yield* Effect.all(
            heirs.map(({ tidy }) => tidy),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual(yield* rowsOf(dead.machineId), [])
          assert.strictEqual((yield* rowsOf(living.machineId)).length, 1)
          assert.deepInclude(yield* heirs[0]!.of("1300"), { online: false, lastSeen: dead.startedAt + 1_000 })
          assert.deepInclude(yield* heirs[0]!.of("7"), { online: true })
        }).pipe(Effect.provide(database))
    )

    it.effect("does not end the connections of a process that is heard of again after it was found dead", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const [slow, other] = [yield* boot(), yield* boot()]
        slow.open("1")
        yield* slow.flush
        yield* TestClock.adjust(ProcessLease.leaseMillis)
        const [found] = yield* PresenceRows.leases(sql, other.machineId)
        assert.isDefined(found)
        yield* slow.renew
        assert.isFalse(yield* inTransaction(sql)(PresenceRows.reapBatch(sql, found!)))
        assert.strictEqual((yield* rowsOf(slow.machineId)).length, 1)
      }).pipe(Effect.provide(database))
    )

    it.effect("does not let a process inherit connections with the machine id that it takes over", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* TestClock.adjust(1_000)
        const dead = yield* boot()
        for (let user = 1; user <= 600; user++) dead.open(String(user))
        yield* dead.flush
        yield* TestClock.adjust(60_000)
        // Every other machine id is somebody's who is alive.
        const leaseOf = (machine_id: number) => ({ machine_id, renewed_at: 60_000 })
        const others = Array.from({ length: 1_022 }, (_, index) => leaseOf(index + 2))
        yield* sql`INSERT INTO process_leases ${sql.insert([leaseOf(1), ...others])}`
        const heir = yield* boot()
        assert.strictEqual(heir.machineId, dead.machineId)
        assert.deepStrictEqual(yield* rowsOf(heir.machineId), [])
        const watcher = yield* boot()
        for (const process of [heir, watcher]) {
          assert.deepInclude(yield* process.of("600"), { online: false, lastSeen: 1_000 })
        }
      }).pipe(Effect.provide(database))
    )

    it.effect("catches up when the database was away, with what waited and with what could not even wait", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const [here, there] = [yield* boot(waitingMax), yield* boot()]
        const kept = here.open("1")
        const closed = here.open("2")
        yield* here.flush
        yield* sql`ALTER TABLE connections RENAME TO away`
        here.close(closed)
        for (let user = 3; user <= 9; user++) here.open(String(user))
        assert.strictEqual((yield* Effect.result(here.flush))._tag, "Failure")
        // It knows its own all the same.
        yield* sql`ALTER TABLE away RENAME TO connections`
        yield* here.flush
        const found = yield* there.presence.onlineAmong(["1", "2", "3", "4", "9"] as Array<UserId>)
        assert.deepStrictEqual(found, ["1", "3", "4", "9"] as Array<UserId>)
        here.close(kept)
        yield* here.flush
        assert.deepInclude(yield* there.of("1"), { online: false })
      }).pipe(Effect.provide(database))
    )

    it.effect("writes again what could not be written, and of a connection that ended meanwhile only the end", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const [here, there] = [yield* boot(), yield* boot()]
        here.open("1")
        const ending = here.open("2")
        yield* sql`ALTER TABLE connections RENAME TO away`
        const writing = yield* Effect.forkChild(Effect.result(here.flush), { startImmediately: true })
        here.close(ending)
        assert.strictEqual((yield* Fiber.join(writing))._tag, "Failure")
        yield* sql`ALTER TABLE away RENAME TO connections`
        yield* here.flush
        assert.deepStrictEqual(yield* there.presence.onlineAmong(users), ["1" as UserId])
        assert.strictEqual((yield* rowsOf(here.machineId)).length, 1)
      }).pipe(Effect.provide(database))
    )

    it.effect("brings back what others have buried, when its process turns out to have stood still only", () =>
      Effect.gen(function* () {
        const [still, other] = [yield* boot(), yield* boot()]
        still.open("1")
        yield* still.flush
        yield* TestClock.adjust(ProcessLease.leaseMillis)
        yield* other.tidy
        assert.deepStrictEqual(yield* rowsOf(still.machineId), [])
        yield* still.renew
        yield* still.tidy
        yield* still.flush
        assert.deepInclude(yield* other.of("1"), { online: true })
      }).pipe(Effect.provide(database))
    )

    it.effect(
      "counts how often a lease was not renewed for so long that others may have taken its process for dead",
      () =>
        Effect.gen(function* () {
          const { lease, renew } = yield* ProcessLease.make
          const gap = ProcessLease.gapMillis
          for (const [millis, gaps] of [
            [gap, 0],
            [gap, 0],
            [gap + 1, 1],
            [gap, 1],
            [3 * gap, 2]
          ] as const) {
            yield* TestClock.adjust(millis)
            yield* renew
            assert.strictEqual(lease.gaps(), gaps)
          }
        }).pipe(Effect.provide(database))
    )

    it.effect("remembers a hundred devices of a user, and those that are online", () =>
      Effect.gen(function* () {
        const here = yield* boot()
        here.open("1", "oldest")
        yield* here.flush
        for (let round = 0; round < 13; round++) {
          yield* TestClock.adjust(1_000)
          const opened = Array.from({ length: 10 }, (_, index) => here.open("1", `device-${round}-${index}`))
          yield* here.flush
          for (const connection of opened) here.close(connection)
          yield* here.flush
        }
        yield* TestClock.adjust(1_000)
        const last = here.open("1", "last")
        yield* here.flush
        here.close(last)
        yield* here.flush
        const [user] = yield* here.presence.of(["1" as UserId])
        const names = (user?.devices ?? []).map(({ deviceId }) => deviceId)
        assert.includeMembers(names, ["oldest", "last", "device-12-0", "device-4-0"])
        assert.notInclude(names, "device-2-0")
        assert.isAtMost(names.length, 102)
      }).pipe(Effect.provide(database))
    )

    it.effect("tells every change once who asks by version, in pages, whichever process made it", () =>
      Effect.gen(function* () {
        const [here, there] = [yield* boot(), yield* boot()]
        const { version } = yield* here.presence.changes(undefined)
        const expected = Array.from({ length: 6_000 }, (_, index) => String(index + 1))
        for (const [index, user] of expected.entries()) (index % 2 === 0 ? here : there).open(user)
        yield* Effect.all([here.flush, there.flush], { concurrency: "unbounded" })
        const found: Array<string> = []
        let after = version
        for (let pages = 0; pages < 9; pages++) {
          const changes = yield* here.presence.changes(after)
          if (changes.userIds.length === 0) break
          assert.isAbove(changes.version, after)
          after = changes.version
          found.push(...changes.userIds)
        }
        assert.deepStrictEqual(
          found.toSorted((a, b) => Number(a) - Number(b)),
          expected
        )
      }).pipe(Effect.provide(database))
    )

    it.live("writes by itself what comes, and at its end what is left", () =>
      Effect.gen(function* () {
        const watcher = yield* boot()
        const scope = yield* Scope.make()
        const registry = yield* freshRegistry
        const services = yield* Layer.build(
          Layer.fresh(PresenceSql.layer).pipe(
            Layer.provide(Layer.succeed(ConnectionRegistry, registry)),
            Layer.provide(Layer.fresh(ProcessLease.layer))
          )
        ).pipe(Scope.provide(scope))
        const presence = Context.get(services, Presence)
        const connection = connectionOf("1")
        registry.add(connection)
        presence.opened(connection)
        yield* Effect.repeat(isOnline(watcher.presence), { until: (online) => online })
        registry.remove(connection)
        presence.closed(connection, false)
        yield* Scope.close(scope, Exit.void)
        assert.isFalse(yield* isOnline(watcher.presence))
      }).pipe(Effect.provide(database))
    )
  })
