/** {@link Ids} from the snowflake generator of Effect's cluster module. */
import { Effect, Layer } from "effect"
import { MachineId, Snowflake } from "effect/cluster"
import { SqlClient } from "effect/sql"
import { type ConnectionId, Ids, type MessageId, type UserId } from "../domain/Ids.ts"
import { unavailable, wordsOf } from "./DatabaseUnavailable.ts"
import { inTransaction, nextNumber } from "./Sql.ts"

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

const machineIds = 1_024

/**
 * With a machine id that no other process has which runs at the same time: the number of its start on this database,
 * modulo the machine ids that there are.
 */
export const layerNumbered = Layer.effect(
  Ids,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { ids, setMachineId } = yield* make
    const starts = yield* nextNumber(sql, "process_starts", "starts").pipe(
      inTransaction(sql),
      Effect.mapError((error) => unavailable(wordsOf(error)))
    )
    yield* setMachineId(MachineId.make(starts % machineIds))
    return ids
  })
)
