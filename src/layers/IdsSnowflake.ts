/** {@link Ids} from the snowflake generator of Effect's cluster module. */
import { Clock, Effect, Layer, Schedule } from "effect"
import { MachineId, Snowflake } from "effect/cluster"
import { SqlClient } from "effect/sql"
import { type ConnectionId, Ids, type MessageId, type UserId } from "../domain/Ids.ts"
import { unavailable, untilThere, wordsOf } from "./DatabaseUnavailable.ts"
import { inTransaction, nextVersion } from "./Sql.ts"

const make = Effect.map(Snowflake.makeGenerator, (generator) => {
  const next = () => String(generator.nextUnsafe())
  const ids = Ids.of({
    userId: () => next() as UserId,
    messageId: () => next() as MessageId,
    connectionId: () => next() as ConnectionId,
    uniqueId: next
  })
  return { ids, setMachineId: generator.setMachineId }
})

/** With a random machine id: for one process alone. */
export const layer = Layer.effect(
  Ids,
  Effect.map(make, ({ ids }) => ids)
)

/** As many as the ids have room for. */
const machineIds = 1_024
const renewal = Schedule.spaced("1 minute")

/** Takes a machine id that nobody has had yet, or else the one of which nothing was heard for longest. */
const lease = (sql: SqlClient.SqlClient) =>
  Effect.gen(function* () {
    // One process after the other.
    yield* nextVersion(sql)
    const now = yield* Clock.currentTimeMillis
    const taken = yield* sql<{ readonly machine_id: number }>`SELECT machine_id FROM process_leases ORDER BY renewed_at`
    const [longestUnheard] = taken
    if (taken.length < machineIds || longestUnheard === undefined) {
      yield* sql`INSERT INTO process_leases ${sql.insert({ machine_id: taken.length, renewed_at: now })}`
      return taken.length
    }
    const id = longestUnheard.machine_id
    yield* sql`UPDATE process_leases SET renewed_at = ${now} WHERE machine_id = ${id}`
    return id
  }).pipe(inTransaction(sql))

/** With a machine id that is this process' own for as long as it runs. */
export const layerLeased = Layer.effect(
  Ids,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { ids, setMachineId } = yield* make
    const id = yield* Effect.mapError(untilThere(lease(sql)), (error) => unavailable(wordsOf(error)))
    yield* setMachineId(MachineId.make(id))
    const renew = Effect.gen(function* () {
      yield* sql`UPDATE process_leases SET renewed_at = ${yield* Clock.currentTimeMillis} WHERE machine_id = ${id}`
    })
    yield* Effect.forkScoped(Effect.repeat(Effect.ignore(renew), renewal))
    return ids
  })
)
