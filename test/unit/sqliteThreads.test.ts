/** The two connections of the embedded database: who waits for whom (docs/decisions/0007). */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Deferred, Effect, Fiber, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import { Sessions } from "../../src/domain/accounts/Auth.ts"
import { type Phone, type User, UserRepository } from "../../src/domain/accounts/User.ts"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { Asker } from "../../src/domain/shared/Asker.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import * as Settings from "../../src/layers/settings/Settings.ts"
import * as ProcessLease from "../../src/layers/sql/cluster/ProcessLease.ts"
import * as ContactsSql from "../../src/layers/sql/people/ContactsSql.ts"
import * as SessionsSql from "../../src/layers/sql/people/SessionsSql.ts"
import * as UserRepositorySql from "../../src/layers/sql/people/UserRepositorySql.ts"
import * as SqliteDatabase from "../../src/layers/sql/sqlite/SqliteDatabase.ts"
import { hangMillis } from "../support/HangLimit.ts"
import { insertUsers } from "../support/StoredUsers.ts"
import { temporaryDirectory } from "../support/TestServer.ts"

const settings = Layer.unwrap(
  Effect.map(temporaryDirectory, (directory) =>
    Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ CHAT_DATA_DIR: directory }))))
  )
)
const layer = Layer.mergeAll(ContactsSql.layer, SessionsSql.layer, UserRepositorySql.layer).pipe(
  Layer.provideMerge(SqliteDatabase.layer),
  Layer.provideMerge(settings)
)

/** Less than SQLite itself waits for a lock. */
const atOnce = Effect.timeout(hangMillis)

const ann = "1" as UserId
const bob = "2" as UserId
const newcomer: User = {
  id: "3" as UserId,
  phone: "+33612340003" as Phone,
  passwordHash: "-",
  nickname: "3",
  sex: 0,
  avatar: ""
}
const session = { sessionId: "11", userId: ann, deviceId: "phone", platform: "cli" }

/** A transaction that has written and goes on until it is told to end. */
const openTransaction = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [written, end] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
  const transaction = yield* Effect.gen(function* () {
    yield* sql`UPDATE store_version SET version = version + 1`
    yield* Deferred.succeed(written, undefined)
    yield* Deferred.await(end)
  }).pipe(sql.withTransaction, Effect.forkChild)
  yield* Deferred.await(written)
  return { commit: Effect.andThen(Deferred.succeed(end, undefined), Fiber.join(transaction)) }
})

describe("the embedded database", () => {
  it.live("answers readers while a single write waits for a transaction, and does the write after it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const contacts = yield* Contacts
      const sessions = yield* Sessions
      const users = yield* UserRepository
      yield* insertUsers
      yield* contacts.block(ann, bob)
      yield* sessions.open(session)
      const { lease, renew } = yield* ProcessLease.make
      const ofLease = sql`WHERE machine_id = ${lease.machineId}`
      yield* sql`UPDATE process_leases SET renewed_at = 0 ${ofLease}`
      const renewals = sql`SELECT 1 FROM process_leases ${ofLease} AND renewed_at > 0`
      const seen = Effect.all({
        blocks: contacts.blocks(ann),
        renewed: Effect.map(renewals, (rows) => rows.length > 0),
        revoked: sessions.isRevoked(session.sessionId),
        registered: Effect.map(users.findById(newcomer.id), Option.isSome),
        nickname: Effect.map(users.findById(ann), Option.match({ onNone: () => "", onSome: (user) => user.nickname }))
      })
      const before = yield* seen

      const transaction = yield* openTransaction
      const writes = yield* Effect.forEach(
        [
          contacts.unblock(ann, bob),
          renew,
          sessions.revoke(session.sessionId),
          users.insert(newcomer),
          users.update(ann, { nickname: "Ann" })
        ],
        (write) => Effect.forkChild(write, { startImmediately: true })
      )
      assert.deepStrictEqual(yield* atOnce(seen), before)
      yield* transaction.commit
      for (const write of writes) yield* Fiber.join(write)
      assert.deepStrictEqual(yield* seen, {
        blocks: [],
        renewed: true,
        revoked: true,
        registered: true,
        nickname: "Ann"
      })
    }).pipe(Effect.provide(layer))
  )

  it.live("does not do a write whose caller has gone before its turn came", () =>
    Effect.gen(function* () {
      const contacts = yield* Contacts
      yield* insertUsers
      yield* contacts.block(ann, bob)
      const transaction = yield* openTransaction
      const write = yield* Effect.forkChild(contacts.unblock(ann, bob), { startImmediately: true })
      yield* atOnce(Fiber.interrupt(write))
      yield* transaction.commit
      assert.deepStrictEqual(yield* contacts.blocks(ann), [bob])
    }).pipe(Effect.provide(layer))
  )

  it.live("refuses at once to write where it reads", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const transaction = yield* openTransaction
      // It begins like a question.
      const hidden = sql`WITH next(version) AS (SELECT 7) UPDATE presence_version SET version = (SELECT version FROM next)`
      const { reason } = yield* atOnce(Effect.flip(hidden))
      assert.match(String(reason.cause), /readonly database/)
      yield* transaction.commit
      assert.deepStrictEqual(yield* sql`SELECT version FROM presence_version`, [{ version: 0 }])
    }).pipe(Effect.provide(layer))
  )

  it.live("reads for others before the rest of what one user has asked for, and nothing for who has gone", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const order: Array<string> = []
      const read = (name: string, userId: UserId | undefined) =>
        sql`SELECT COUNT(*) FROM process_leases a`.pipe(
          Effect.andThen(Effect.sync(() => order.push(name))),
          Effect.provideService(Asker, userId && { userId, network: "127.0.0.1" }),
          Effect.forkChild({ startImmediately: true })
        )
      const many = yield* Effect.forEach(Array(20).keys(), (index) => read(`ann ${index}`, ann))
      const other = yield* read("bob", bob)
      const own = yield* read("own", undefined)
      yield* Fiber.interruptAll(many.slice(10))
      yield* Fiber.joinAll([...many.slice(0, 10), other, own])
      assert.deepStrictEqual(order.slice(0, 5), ["ann 0", "ann 1", "own", "ann 2", "bob"])
      assert.lengthOf(order, 12)
    }).pipe(Effect.provide(layer))
  )
})
