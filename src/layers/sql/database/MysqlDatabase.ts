/** The shared database: MySQL 8 or MariaDB 10.11, reached through a pool, migrated at start under a lock. */
import { createConnection, type Socket } from "node:net"
import { MysqlClient } from "@effect/sql-mysql2"
import { Context, Effect, Layer, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { Migrator, SqlClient } from "effect/sql"
import { type MysqlSettings, Settings } from "../../settings/Settings.ts"
import * as AppliedMigrations from "./AppliedMigrations.ts"
import { isAbsent, unavailable, unmigrated, untilThere, wordsOf } from "./DatabaseUnavailable.ts"
import { migrations } from "./Migrations.ts"

/** Statements that wait for a connection of the pool; further ones fail at once. */
const waitingMax = 10_000
/** Longer than any statement takes: one waits 5 s for a lock at most. */
const silenceMillisMax = 15_000
/** A change of a large table may take its time. */
const migrationSilenceMillisMax = 3_600_000
/** How long the start waits for another process that migrates the same database, in seconds. */
const migrationSeconds = 60

/**
 * A socket that ends when nothing comes for some time, be it an answer or idleness: a database whose machine has vanished
 * does not say so, and neither the driver nor the system would notice for many minutes.
 */
const impatientSocket = (host: string, port: number, silenceMillis: number) => (): Socket => {
  const socket = createConnection({ host, port, noDelay: true })
  socket.setTimeout(silenceMillis, () => socket.destroy(new Error("nothing has come from the database for some time")))
  return socket
}

/** A pool whose connections come back by themselves. Waits for a database that is being started, too. */
const connect = ({ url, connectionsMax }: MysqlSettings, silenceMillis: number) => {
  const { hostname, port, username, password, pathname, searchParams } = new URL(Redacted.value(url))
  return MysqlClient.make({
    host: hostname,
    port: Number(port || 3306),
    username: decodeURIComponent(username),
    password: Redacted.make(decodeURIComponent(password)),
    database: decodeURIComponent(pathname.slice(1)),
    maxConnections: connectionsMax,
    poolConfig: {
      charset: "utf8mb4",
      connectTimeout: 5_000,
      stream: impatientSocket(hostname, Number(port || 3306), silenceMillis),
      queueLimit: waitingMax,
      // The server limits the statements of all its connections together.
      maxPreparedStatements: 128,
      maxIdle: 2,
      idleTimeout: 30_000,
      // mysql2 by itself does not verify the host name.
      ...(searchParams.get("ssl") === "true" ? { ssl: { verifyIdentity: true } } : {})
    }
  }).pipe(
    Effect.tapError((error) =>
      isAbsent(error) ? Effect.logWarning(`waiting for the database: ${wordsOf(error)}`) : Effect.void
    ),
    untilThere,
    Effect.mapError((error) => unavailable(wordsOf(error)))
  )
}

/**
 * MySQL commits each change of the schema by itself: the migrator's transaction would protect nothing. So a migration runs
 * while the migrator loads it, outside of that transaction, and is recorded when it has succeeded. Steps can be repeated
 * (`SchemaSteps.ts`).
 */
const loader: Migrator.Loader = Effect.map(Migrator.fromRecord(migrations), (steps) =>
  steps.map(([id, name, load]) => [id, name, Effect.as(Effect.flatten(load), Effect.void)] as const)
)

/** Several processes may start together: one migrates, the others wait. The lock ends with its connection. */
const migrate = (settings: MysqlSettings) =>
  Effect.gen(function* () {
    const sql = yield* connect(settings, migrationSilenceMillisMax)
    const lock = "MD5(CONCAT('fiberchat migrations of ', DATABASE()))"
    const keeper = yield* sql.reserve
    const [row] = yield* keeper.executeUnprepared(
      `SELECT GET_LOCK(${lock}, ${migrationSeconds}) AS taken`,
      [],
      undefined
    )
    if (row?.["taken"] !== 1) return yield* unavailable("another process has been migrating it for a minute")
    yield* Effect.ensuring(
      Effect.provideService(AppliedMigrations.migrate(loader), SqlClient.SqlClient, sql),
      Effect.ignore(keeper.executeUnprepared(`SELECT RELEASE_LOCK(${lock})`, [], undefined))
    )
  }).pipe(
    Effect.scoped,
    untilThere,
    Effect.catchTag(["SqlError", "MigrationError"], (error) => Effect.fail(unmigrated(error)))
  )

export const layer = Layer.effectContext(
  Effect.gen(function* () {
    const { store } = yield* Settings
    if (store._tag !== "Mysql") return yield* Effect.die(new Error("not configured for MySQL"))
    yield* migrate(store)
    const client = yield* connect(store, silenceMillisMax)
    return Context.make(MysqlClient.MysqlClient, client).pipe(Context.add(SqlClient.SqlClient, client))
  })
).pipe(Layer.provide(Reactivity.layer))
