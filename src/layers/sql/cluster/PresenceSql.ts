/**
 * {@link Presence} on SQL. Connections of this process are known from the registry at once; for the other processes they
 * are written behind, in batches, and count there while this process renews its lease (docs/decisions/0009).
 */
import { Clock, Effect, Latch, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { ConnectionRegistry } from "../../../actors/connections/ConnectionRegistry.ts"
import {
  type DevicePresence,
  Presence,
  type PresentConnection,
  type UserPresence
} from "../../../domain/contacts/Presence.ts"
import type { UserId } from "../../../domain/shared/Ids.ts"
import { monotonicMillis } from "../../../domain/shared/MonotonicTime.ts"
import { backoff } from "../../shared/Backoff.ts"
import { inTransaction, storeFailure } from "../database/Sql.ts"
import { LifeSigns } from "./LifeSigns.ts"
import { LingeringConnections, lingerMillis } from "./LingeringConnections.ts"
import * as PresenceRows from "./PresenceRows.ts"
import { ProcessLease } from "./ProcessLease.ts"

/** How long connections gather to be written together. */
const gatherMillis = 100
/** Connections that wait to be written. When there are more, the rows are compared with the registry instead. */
const waitingMax = 65_536
/** How often connections of dead processes are looked for. */
const tidyMillis = 1_000
/** How long the end of the process waits until its last connections are written. */
const farewellMillis = 2_000

/** Changes that wait to be written: the last one of each connection. */
class Waiting {
  private waiting = new Map<string, PresenceRows.Entry>()
  private written = new Map<string, PresenceRows.Entry>()
  /** Something was left out, here or in the database. */
  isBehind = false
  private readonly max: number

  constructor(max: number) {
    this.max = max
  }

  get size(): number {
    return this.waiting.size
  }

  put(entry: PresenceRows.Entry): void {
    if (this.waiting.size < this.max || this.waiting.has(entry.connectionId)) {
      this.waiting.set(entry.connectionId, entry)
    } else this.isBehind = true
  }

  /** The next to be written. */
  take(): ReadonlyArray<PresenceRows.Entry> {
    for (const entry of this.waiting.values().take(PresenceRows.batchMax)) {
      this.written.set(entry.connectionId, entry)
    }
    for (const connectionId of this.written.keys()) this.waiting.delete(connectionId)
    return [...this.written.values()]
  }

  /** Ends a write: after a failure its changes wait again. */
  taken(success: boolean): void {
    for (const entry of success ? [] : this.written.values()) {
      if (!this.waiting.has(entry.connectionId)) this.waiting.set(entry.connectionId, entry)
    }
    this.written = new Map()
  }

  /** Compares the rows with the registry: missing connections will be written, surplus ones ended. */
  catchUp(rows: ReadonlyMap<string, PresenceRows.Entry>, open: ReadonlyMap<string, PresenceRows.Entry>): void {
    this.isBehind = false
    // Bounded by the connections that there are: more than may wait otherwise.
    const add = (entry: PresenceRows.Entry) => {
      if (!this.waiting.has(entry.connectionId)) this.waiting.set(entry.connectionId, entry)
    }
    for (const [connectionId, entry] of open) if (!rows.has(connectionId)) add(entry)
    for (const [connectionId, entry] of rows) if (!open.has(connectionId)) add(entry)
  }

  /** Ends of connections that are not written yet. */
  *endings(userIds: ReadonlySet<string>): Iterable<PresenceRows.Entry> {
    for (const entries of [this.written, this.waiting]) {
      for (const entry of entries.values()) if (!entry.isOpen && userIds.has(entry.userId)) yield entry
    }
  }
}

const entryOf = (
  { connectionId, userId, deviceId, platform }: PresentConnection,
  isOpen: boolean,
  at: number
): PresenceRows.Entry => ({ connectionId, userId, deviceId, platform, isOpen, at })

/** The service and its periodic steps, which tests run one by one. */
export const make = Effect.fnUntraced(function* (max: number = waitingMax) {
  const sql = yield* SqlClient.SqlClient
  const registry = yield* ConnectionRegistry
  const lease = yield* ProcessLease
  const clock = yield* Clock.Clock
  const own = lease.machineId
  const now = () => clock.currentTimeMillisUnsafe()
  const signs = new LifeSigns(clock)
  const lingering = new LingeringConnections()
  const waiting = new Waiting(max)
  const work = Latch.makeUnsafe()
  let gapsSeen = lease.gaps()

  const put = (connection: PresentConnection, isOpen: boolean, at = now()) => {
    waiting.put(entryOf(connection, isOpen, at))
    work.openUnsafe()
  }

  const opened = (connection: PresentConnection) => {
    put(connection, true)
    for (const former of lingering.takeOf(connection)) put(former.connection, false, former.closedAt)
  }

  const closed = (connection: PresentConnection, isExpectedBack: boolean) => {
    if (!isExpectedBack) return put(connection, false)
    lingering.add({ connection, closedAt: now(), endsAt: monotonicMillis(clock) + lingerMillis })
  }

  const isHere = (userId: UserId) => registry.isOnline(userId) || lingering.ofUser(userId).length > 0

  const catchUp = Effect.gen(function* () {
    const rows = yield* PresenceRows.allOfMachine(sql, own, now())
    const open = new Map<string, PresenceRows.Entry>()
    for (const connection of registry.all()) {
      open.set(connection.connectionId, entryOf(connection, true, now()))
    }
    for (const { connection } of lingering.all()) {
      open.set(connection.connectionId, entryOf(connection, true, now()))
    }
    waiting.catchUp(rows, open)
  })

  const writeBatch = Effect.suspend(() =>
    Effect.onExit(inTransaction(sql)(PresenceRows.write(sql, own, waiting.take())), (exit) =>
      Effect.sync(() => waiting.taken(exit._tag === "Success"))
    )
  )

  /** Writes all that waits. Fails as soon as something cannot be written; it waits on. */
  const flush = Effect.gen(function* () {
    if (waiting.isBehind) yield* catchUp
    while (waiting.size > 0) yield* writeBatch
  })

  /** Ends the connections of dead processes and those whose clients have not come back, and notices when others took this process for dead. */
  const tidy = Effect.gen(function* () {
    for (const { connection, closedAt } of lingering.takeDue(monotonicMillis(clock))) put(connection, false, closedAt)
    if (lease.gaps() !== gapsSeen) {
      gapsSeen = lease.gaps()
      waiting.isBehind = true
      work.openUnsafe()
    }
    for (const lease of yield* PresenceRows.leases(sql, own)) {
      if (signs.isAlive(lease)) continue
      while (yield* inTransaction(sql)(PresenceRows.reapBatch(sql, lease)));
    }
  })

  const of = Effect.fn("Presence.of")(function* (userIds: ReadonlyArray<UserId>) {
    const wanted = new Set<string>(userIds)
    // Taken before the rows are read: a change that is written meanwhile is found in one of the two.
    const endings = [...waiting.endings(wanted)]
    const rows = userIds.length === 0 ? [] : yield* PresenceRows.devicesOfUsers(sql, own, userIds)
    const time = now()
    const byUser = new Map(userIds.map((userId) => [userId as string, new Map<string, DevicePresence>()]))
    const seen = (userId: string, device: DevicePresence) => {
      const devices = byUser.get(userId)
      const before = devices?.get(device.deviceId)
      const online = device.online || before?.online === true
      // Another clock may be ahead: nobody was seen in the future.
      const lastSeen = online ? time : Math.min(time, Math.max(device.lastSeen, before?.lastSeen ?? 0))
      devices?.set(device.deviceId, { ...device, online, lastSeen })
    }
    for (const row of rows) {
      const online = row.machine_id !== null && signs.isAlive(row)
      const lastSeen = Math.max(row.last_seen, row.renewed_at ?? 0)
      seen(row.user_id, { deviceId: row.device_id, platform: row.platform, online, lastSeen })
    }
    for (const { userId, deviceId, platform, at } of [...endings, ...waiting.endings(wanted)]) {
      seen(userId, { deviceId, platform, online: false, lastSeen: at })
    }
    return userIds.map((userId): UserPresence => {
      const lingeringOnes = lingering.ofUser(userId).map(({ connection }) => connection)
      for (const { deviceId, platform } of [...registry.ofUser(userId), ...lingeringOnes]) {
        seen(userId, { deviceId, platform, online: true, lastSeen: time })
      }
      const devices = [...(byUser.get(userId)?.values() ?? [])]
      const lastSeen = devices.reduce((latest, device) => Math.max(latest, device.lastSeen), 0)
      return { userId, online: devices.some(({ online }) => online), lastSeen, devices }
    })
  }, Effect.catch(storeFailure))

  const onlineAmong = Effect.fn("Presence.onlineAmong")(function* (userIds: ReadonlyArray<UserId>) {
    const rest = userIds.filter((userId) => !isHere(userId))
    const rows = rest.length === 0 ? [] : yield* PresenceRows.connectedElsewhere(sql, own, rest)
    const elsewhere = new Set(rows.filter((lease) => signs.isAlive(lease)).map(({ user_id }) => user_id))
    return userIds.filter((userId) => isHere(userId) || elsewhere.has(userId))
  }, Effect.catch(storeFailure))

  const presence = Presence.of({
    opened,
    closed,
    of,
    onlineAmong,
    changes: (after) => Effect.catch(PresenceRows.changes(sql, after), storeFailure)
  })
  /** The last words of this process: what has ended, and that those whose clients will come back count for a while. */
  const farewell = Effect.gen(function* () {
    yield* flush
    if (lingering.size > 0) yield* lease.extend(lingerMillis)
  })
  return { presence, flush, tidy, farewell, work }
})

export const layer = Layer.effect(
  Presence,
  Effect.gen(function* () {
    const { presence, flush, tidy, farewell, work } = yield* make()

    /** The absence of the database is logged once. */
    let failing = false
    const write = flush.pipe(
      Effect.tapError((error) => {
        if (failing) return Effect.void
        failing = true
        return Effect.logWarning("presence cannot be written, and will catch up", error)
      }),
      Effect.retry(backoff("100 millis")),
      Effect.andThen(
        Effect.sync(() => {
          failing = false
        })
      )
    )
    const writeWhatComes = Effect.gen(function* () {
      yield* work.await
      yield* Effect.sleep(gatherMillis)
      work.closeUnsafe()
      yield* write
    })

    // Runs after the writer has ended, and after the drain.
    yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(farewell, farewellMillis)))
    yield* Effect.forkScoped(Effect.forever(writeWhatComes))
    yield* Effect.forkScoped(
      Effect.repeat(
        Effect.tapError(tidy, (error) => Effect.logDebug("presence was not tidied", error)).pipe(Effect.ignore),
        Schedule.jittered(Schedule.spaced(tidyMillis))
      )
    )
    return presence
  })
)
