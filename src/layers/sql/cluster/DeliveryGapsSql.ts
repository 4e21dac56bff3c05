/** {@link DeliveryGaps} on SQL: a row for each gateway. */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type DeliveryGap, DeliveryGaps } from "../../../domain/cluster/DeliveryGaps.ts"
import { Ids } from "../../../domain/shared/Ids.ts"
import { storeFailure } from "../database/Sql.ts"
import { onExisting, rowsOf } from "../database/SqlDialect.ts"

export const layer = Layer.effect(
  DeliveryGaps,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const ids = yield* Ids
    return DeliveryGaps.of({
      open: Effect.fn("DeliveryGaps.open")(function* (gateway) {
        const gap: DeliveryGap = { gateway, mark: ids.uniqueId() }
        yield* sql`
          INSERT INTO delivery_gaps (gateway, mark) SELECT w.* FROM ${rowsOf(sql, [gap], { gateway: "id", mark: "id" })} w
          ${onExisting(sql, ["gateway"], { mark: "replace" })}`
      }, Effect.catch(storeFailure)),

      list: sql<DeliveryGap>`SELECT gateway, mark FROM delivery_gaps`.pipe(Effect.catch(storeFailure)),

      close: Effect.fn("DeliveryGaps.close")(function* ({ gateway, mark }) {
        yield* sql`DELETE FROM delivery_gaps WHERE gateway = ${gateway} AND mark = ${mark}`
      }, Effect.catch(storeFailure))
    })
  })
)
