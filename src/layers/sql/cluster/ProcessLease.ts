/**
 * The lease of this process: a machine id for its snowflakes, and its sign of life. Its connections count as open for other
 * processes while the lease is valid (`PresenceSql.ts`).
 */
import { Clock, Context, Effect, Layer, Schedule } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { monotonicNow } from "../../../domain/shared/MonotonicTime.ts"
import { unavailable, untilThere, wordsOf } from "../database/DatabaseUnavailable.ts"
import { rowsAs } from "../database/Rows.ts"
import { inTransaction, nextVersion } from "../database/Sql.ts"
import * as PresenceRows from "./PresenceRows.ts"

/** As many as the ids have room for. */
const machineIds = 1_024
/** A few renewals may fail before the lease ends. */
const renewalMillis = 3_000
/** A process without a sign of life for this time counts as dead. Less than a heartbeat timeout. */
export const leaseMillis = 12_000
/** After such a gap the process cannot know whether others took it for dead: they look at their own time. */
export const gapMillis = leaseMillis / 2

export class ProcessLease extends Context.Service<
  ProcessLease,
  {
    /** This process' own for as long as it runs. */
    readonly machineId: number
    /** How often the lease may have expired and was taken again: rows that depend on it may be gone. */
    readonly gaps: () => number
    /** Makes the last sign of life count for so long: this process ends, and its clients will be back elsewhere. */
    readonly extend: (millis: number) => Effect.Effect<void, SqlError.SqlError>
  }
>()("fiberchat/layers/ProcessLease") {}

/** Takes an unused machine id, or else the one that was renewed longest ago. */
const take = (sql: SqlClient.SqlClient) =>
  Effect.gen(function* () {
    // One process after the other.
    yield* nextVersion(sql)
    const now = yield* Clock.currentTimeMillis
    const taken = yield* rowsAs(PresenceRows.LeaseRow)(
      sql`SELECT machine_id, renewed_at, valid_for FROM process_leases ORDER BY renewed_at`
    )
    const [longestUnheard] = taken
    if (taken.length < machineIds || longestUnheard === undefined) {
      yield* sql`INSERT INTO process_leases ${sql.insert({ machine_id: taken.length, renewed_at: now, valid_for: leaseMillis })}`
      return taken.length
    }
    const machineId = longestUnheard.machine_id
    // Connections that the earlier process has left must not count as this one's.
    while (yield* PresenceRows.reapBatch(sql, longestUnheard));
    yield* sql`
      UPDATE process_leases SET ${sql.update({ renewed_at: now, valid_for: leaseMillis })} WHERE machine_id = ${machineId}`
    return machineId
  }).pipe(inTransaction(sql))

/** Takes the lease, and renews it until the scope ends. */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const machineId = yield* take(sql)
  let renewedAt = yield* monotonicNow
  let gaps = 0
  const renew = Effect.gen(function* () {
    const now = yield* monotonicNow
    const renewed_at = yield* Clock.currentTimeMillis
    yield* sql`UPDATE process_leases SET ${sql.update({ renewed_at })} WHERE machine_id = ${machineId}`
    const rows = yield* sql`SELECT machine_id FROM process_leases WHERE machine_id = ${machineId}`
    if (rows.length === 0) return yield* Effect.die(new Error("the lease of this process has no row"))
    if (now - renewedAt > gapMillis) gaps += 1
    renewedAt = now
  })
  const extend = Effect.fnUntraced(function* (millis: number) {
    const last = { renewed_at: yield* Clock.currentTimeMillis, valid_for: millis }
    yield* sql`UPDATE process_leases SET ${sql.update(last)} WHERE machine_id = ${machineId}`
  })
  return { lease: ProcessLease.of({ machineId, gaps: () => gaps, extend }), renew }
})

/** For as long as the process runs. Waits for the database at the start. */
export const layer = Layer.effect(
  ProcessLease,
  Effect.gen(function* () {
    const { lease, renew } = yield* Effect.mapError(untilThere(make), (error) => unavailable(wordsOf(error)))
    /** While the lease cannot be renewed this is logged once: other processes take this one for dead before long. */
    let isFailing = false
    const renewal = renew.pipe(
      Effect.andThen(
        Effect.suspend(() => {
          if (!isFailing) return Effect.void
          isFailing = false
          return Effect.logInfo("the lease of this process is renewed again")
        })
      ),
      Effect.catchCause((cause) => {
        if (isFailing) return Effect.void
        isFailing = true
        return Effect.logWarning("the lease of this process cannot be renewed", cause)
      })
    )
    yield* Effect.forkScoped(Effect.repeat(renewal, Schedule.spaced(renewalMillis)))
    return lease
  })
)
