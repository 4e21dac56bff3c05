/**
 * An account of a test's own on the shared MySQL, whose rights the test takes away and gives back while the server runs:
 * a global `read_only` would be everybody's.
 */
import { randomBytes } from "node:crypto"
import { MysqlClient } from "@effect/sql-mysql2"
import { ConfigProvider, Effect, Layer, Redacted, Schedule, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import type { SqlClient } from "effect/sql"
import { databaseUrl } from "../../infra/addresses.ts"
import type { Scratch } from "../../infra/scratch.ts"
import * as Settings from "../../src/layers/settings/Settings.ts"
import * as MysqlDatabase from "../../src/layers/sql/database/MysqlDatabase.ts"

const connectAsRoot = (password: string) =>
  MysqlClient.make({
    host: databaseUrl.hostname,
    port: Number(databaseUrl.port),
    username: "root",
    password: Redacted.make(password),
    maxConnections: 1
  })

/** A connection as root, for as long as the scope lives: of the native server, or of docker-compose.yml. */
const root = connectAsRoot("").pipe(
  Effect.catch(() => connectAsRoot("fiberchat")),
  Effect.provide(Reactivity.layer),
  Effect.orDie
)

/** Makes the tables, as the server does at its first start. */
const migrate = ({ settings }: Scratch): Effect.Effect<void> =>
  Layer.build(MysqlDatabase.layer).pipe(
    Effect.provide(Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings))))),
    Effect.scoped,
    Effect.orDie,
    Effect.asVoid
  )

const tablesOf = (sql: SqlClient.SqlClient, database: string) =>
  Effect.map(
    sql<{
      readonly name: string
    }>`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ${database}`,
    (rows) => rows.map(({ name }) => `\`${database}\`.\`${name}\``)
  )

export interface MysqlAccount {
  /** `CHAT_DATABASE_URL` of the account. */
  readonly url: string
  /** Takes the right to change anything away, or gives it back; connections that are open notice it at once. */
  readonly revokeWrites: Effect.Effect<void>
  readonly grantWrites: Effect.Effect<void>
  /** So many connections may be open at the same time, from now on; 0 for any number. Ends those that there are. */
  readonly limitConnections: (most: number) => Effect.Effect<void>
}

/**
 * Makes an account that may read and write a scratch database, whose tables are there. The right to write is one to each
 * table: only such rights take effect without a new connection.
 */
export const mysqlAccount = (scratch: Scratch): Effect.Effect<MysqlAccount, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { database } = scratch
    yield* migrate(scratch)
    const sql = yield* root
    const name = `test_${randomBytes(6).toString("hex")}`
    const account = `'${name}'@'%'`
    yield* Effect.acquireRelease(Effect.orDie(sql.unsafe(`CREATE USER ${account} IDENTIFIED BY '${name}'`)), () =>
      Effect.orDie(sql.unsafe(`DROP USER ${account}`))
    )
    yield* Effect.orDie(sql.unsafe(`GRANT SELECT, CREATE ON \`${database}\`.* TO ${account}`))
    const onEach = (statement: (table: string) => string) =>
      tablesOf(sql, database).pipe(
        Effect.flatMap((tables) => Effect.forEach(tables, (table) => sql.unsafe(statement(table)), { discard: true })),
        Effect.orDie
      )
    const url = new URL(databaseUrl)
    url.username = name
    url.password = name
    url.pathname = `/${database}`
    const grantWrites = onEach((table) => `GRANT INSERT, UPDATE, DELETE ON ${table} TO ${account}`)
    yield* grantWrites
    return {
      url: url.href,
      revokeWrites: onEach((table) => `REVOKE INSERT, UPDATE, DELETE ON ${table} FROM ${account}`),
      grantWrites,
      limitConnections: (most) =>
        Effect.gen(function* () {
          yield* sql.unsafe(`ALTER USER ${account} WITH MAX_USER_CONNECTIONS ${most}`)
          const open = sql<{ readonly id: number }>`
            SELECT id FROM information_schema.processlist WHERE user = ${name}`
          for (const { id } of yield* open) yield* Effect.ignore(sql.unsafe(`KILL CONNECTION ${id}`))
          yield* Effect.repeat(open, { until: (rows) => rows.length === 0, schedule: Schedule.spaced("10 millis") })
        }).pipe(Effect.orDie, Effect.asVoid)
    }
  })
