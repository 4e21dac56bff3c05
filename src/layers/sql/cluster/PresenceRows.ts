/** The rows of presence: connections and devices, written in batches and read in bulk. */
import { Effect, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { PresenceChanges } from "../../../domain/contacts/Presence.ts"
import type { UserId } from "../../../domain/shared/Ids.ts"
import { rowAs, rowsAs } from "../database/Rows.ts"
import { nextVersion, version } from "../database/Sql.ts"
import { forUpdate, joinInOrder, limitTo, onExisting, rowsOf } from "../database/SqlDialect.ts"

/** Connections in one transaction at most: processes that write presence take turns. */
export const batchMax = 512
/** Offline devices of a user that are kept; those that were last seen longest ago are deleted first. */
const devicesMax = 100
/** Changes that are read at once. More than one version has, which is at most a batch. */
const changesMax = 5_000

/** The opening or the end of a connection. */
export interface Entry {
  readonly connectionId: string
  readonly userId: string
  readonly deviceId: string
  readonly platform: string
  readonly isOpen: boolean
  /** When it opened or closed, Unix milliseconds. */
  readonly at: number
}

/** A process, its last sign of life in Unix milliseconds, and for how long that counts. */
export const LeaseRow = Schema.Struct({ machine_id: Schema.Int, renewed_at: Schema.Int, valid_for: Schema.Int })
export type LeaseRow = typeof LeaseRow.Type

interface ConnectionRow {
  readonly connection_id: string
  readonly user_id: string
  readonly device_id: string
  readonly platform: string
}

/** A device, and the lease of another process at which it is connected: one row for each of these, or one without. */
export type DeviceRow = {
  readonly user_id: UserId
  readonly device_id: string
  readonly platform: string
  readonly last_seen: number
} & (LeaseRow | { readonly [Column in keyof LeaseRow]: null })

type Done<A> = Effect.Effect<A, SqlError.SqlError>

const closing = (row: ConnectionRow, at: number): Entry => ({
  connectionId: row.connection_id,
  userId: row.user_id,
  deviceId: row.device_id,
  platform: row.platform,
  isOpen: false,
  at
})

/** Writes the state of at most {@link batchMax} connections of a process. Within a transaction; idempotent. */
export const write = (
  sql: SqlClient.SqlClient,
  machineId: number,
  entries: ReadonlyArray<Entry>
): Effect.Effect<void, SqlError.SqlError> =>
  Effect.gen(function* () {
    const number = yield* nextVersion(sql, "presence_version")
    const opened = entries.filter(({ isOpen }) => isOpen)
    if (opened.length > 0) {
      const rows = rowsOf(sql, opened, {
        connectionId: "id",
        userId: "id",
        deviceId: "id",
        platform: "id",
        at: "integer"
      })
      yield* sql`
        INSERT INTO connections (connection_id, user_id, device_id, platform, machine_id, opened_at)
        SELECT w.connectionId, w.userId, w.deviceId, w.platform, ${machineId}, w.at FROM ${rows} w
        ${onExisting(sql, ["connection_id"], {})}`
    }
    const devices = rowsOf(sql, devicesOf(entries), { userId: "id", deviceId: "id", platform: "id", at: "integer" })
    yield* sql`
      INSERT INTO devices (user_id, device_id, platform, last_seen, version)
      SELECT w.userId, w.deviceId, w.platform, w.at, ${number} FROM ${devices} w
      ${onExisting(sql, ["user_id", "device_id"], { platform: "replace", last_seen: "raise", version: "replace" })}`
    const closed = entries.filter(({ isOpen }) => !isOpen)
    if (closed.length > 0) yield* deleteConnections(sql, closed)
    if (opened.length > 0) yield* forgetDevices(sql, opened)
  })

/** Each device once, with its last change: a statement must not change a row twice. */
const devicesOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<Entry> => {
  const byKey = new Map<string, Entry>()
  for (const entry of entries) {
    const key = `${entry.userId} ${entry.deviceId}`
    const other = byKey.get(key)
    if (other === undefined || other.at <= entry.at) byKey.set(key, entry)
  }
  return [...byKey.values()]
}

const deleteConnections = (sql: SqlClient.SqlClient, entries: ReadonlyArray<Entry>): Done<unknown> => {
  const rows = rowsOf(
    sql,
    entries.map(({ connectionId }) => ({ connectionId })),
    { connectionId: "id" }
  )
  return sql.onDialectOrElse({
    // MariaDB would look at every connection for the other form.
    mysql: () => sql`DELETE c FROM ${rows} w STRAIGHT_JOIN connections c ON c.connection_id = w.connectionId`,
    orElse: () => sql`DELETE FROM connections WHERE connection_id IN (SELECT connectionId FROM ${rows})`
  })
}

/** Connecting under ever new device names must not fill the table. */
const forgetDevices = (sql: SqlClient.SqlClient, entries: ReadonlyArray<Entry>): Done<void> =>
  Effect.gen(function* () {
    const userIds = [...new Set(entries.map(({ userId }) => userId))].map((userId) => ({ userId }))
    const tooMany = yield* sql<{ readonly user_id: string }>`
      SELECT d.user_id FROM ${rowsOf(sql, userIds, { userId: "id" })} w
      ${joinInOrder(sql)} devices d ON d.user_id = w.userId
      GROUP BY d.user_id HAVING COUNT(*) > ${devicesMax}`
    for (const { user_id } of tooMany) {
      const away = yield* sql<{ readonly device_id: string }>`
        SELECT d.device_id FROM devices d WHERE d.user_id = ${user_id} AND NOT EXISTS (
          SELECT 1 FROM connections c WHERE c.user_id = d.user_id AND c.device_id = d.device_id
        )
        ORDER BY d.last_seen DESC, d.device_id`
      for (const { device_id } of away.slice(devicesMax)) {
        yield* sql`DELETE FROM devices WHERE user_id = ${user_id} AND device_id = ${device_id}`
      }
    }
  })

/**
 * Ends some of the connections that a dead process has left, as of its last sign of life, unless it has given another
 * one. Answers whether there may be more. Within a transaction.
 */
export const reapBatch = (sql: SqlClient.SqlClient, { machine_id, renewed_at }: LeaseRow): Done<boolean> =>
  Effect.gen(function* () {
    // The lock on the version comes first, then that on the lease, whose renewal waits until the commit.
    yield* nextVersion(sql, "presence_version")
    const lease = yield* rowAs(LeaseRow)(
      sql`SELECT machine_id, renewed_at, valid_for FROM process_leases WHERE machine_id = ${machine_id} ${forUpdate(sql)}`
    )
    if (lease?.renewed_at !== renewed_at) return false
    const rows = yield* ofMachine(sql, machine_id, "", batchMax)
    if (rows.length > 0) {
      yield* write(
        sql,
        machine_id,
        rows.map((row) => closing(row, renewed_at))
      )
    }
    return rows.length === batchMax
  })

/** The leases of other processes that have connections, or have left some. */
export const leases = (sql: SqlClient.SqlClient, own: number): Done<ReadonlyArray<LeaseRow>> =>
  rowsAs(LeaseRow)(sql`
    SELECT l.machine_id, l.renewed_at, l.valid_for FROM process_leases l
    WHERE l.machine_id <> ${own}
      AND EXISTS (SELECT 1 FROM connections c WHERE c.machine_id = l.machine_id)`)

const ofMachine = (
  sql: SqlClient.SqlClient,
  machineId: number,
  after: string,
  limit: number
): Done<ReadonlyArray<ConnectionRow>> => sql<ConnectionRow>`
  SELECT connection_id, user_id, device_id, platform FROM connections
  WHERE machine_id = ${machineId} AND connection_id > ${after} ORDER BY connection_id ${limitTo(sql, limit)}`

/** Rows that are read at once of all that a process has. */
const pageMax = 5_000

/** Every connection that is written for a process, as an entry that would end it. */
export const allOfMachine = (
  sql: SqlClient.SqlClient,
  machineId: number,
  at: number
): Done<ReadonlyMap<string, Entry>> =>
  Effect.gen(function* () {
    const found = new Map<string, Entry>()
    for (let after = ""; ; ) {
      const page = yield* ofMachine(sql, machineId, after, pageMax)
      for (const row of page) found.set(row.connection_id, closing(row, at))
      const last = page.at(-1)
      if (last === undefined || page.length < pageMax) return found
      after = last.connection_id
    }
  })

const userRows = (sql: SqlClient.SqlClient, userIds: ReadonlyArray<UserId>) =>
  rowsOf(
    sql,
    userIds.map((userId) => ({ userId })),
    { userId: "id" }
  )

/** The devices of these users, in the order of their ids; of connections only those of other processes are looked at. */
export const devicesOfUsers = (
  sql: SqlClient.SqlClient,
  own: number,
  userIds: ReadonlyArray<UserId>
): Done<ReadonlyArray<DeviceRow>> => sql<DeviceRow>`
  SELECT DISTINCT d.user_id, d.device_id, d.platform, d.last_seen, l.machine_id, l.renewed_at, l.valid_for
  FROM ${userRows(sql, userIds)} w
  ${joinInOrder(sql)} devices d ON d.user_id = w.userId
  LEFT JOIN connections c ON c.user_id = d.user_id AND c.device_id = d.device_id AND c.machine_id <> ${own}
  LEFT JOIN process_leases l ON l.machine_id = c.machine_id
  ORDER BY d.user_id, d.device_id`

/** The users among these who are connected to other processes, once with each of their leases. */
export const connectedElsewhere = (
  sql: SqlClient.SqlClient,
  own: number,
  userIds: ReadonlyArray<UserId>
): Done<ReadonlyArray<LeaseRow & { readonly user_id: UserId }>> => sql<LeaseRow & { readonly user_id: UserId }>`
  SELECT DISTINCT c.user_id, l.machine_id, l.renewed_at, l.valid_for FROM ${userRows(sql, userIds)} w
  ${joinInOrder(sql)} connections c ON c.user_id = w.userId
  ${joinInOrder(sql)} process_leases l ON l.machine_id = c.machine_id
  WHERE c.machine_id <> ${own}`

/** See {@link PresenceChanges}. */
export const changes = (sql: SqlClient.SqlClient, after: number | undefined): Done<PresenceChanges> =>
  Effect.gen(function* () {
    if (after === undefined) return { version: yield* version(sql, "presence_version"), userIds: [] }
    const rows = yield* sql<{ readonly user_id: UserId; readonly version: number }>`
      SELECT user_id, version FROM devices WHERE version > ${after} ORDER BY version ${limitTo(sql, changesMax)}`
    const last = rows.at(-1)?.version ?? after
    // The last version of a full answer may have been cut.
    const end = rows.length < changesMax ? last : last - 1
    return { version: end, userIds: [...new Set(rows.filter((row) => row.version <= end).map((row) => row.user_id))] }
  })
