/** Liveness and readiness (protocol.md section 2). */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { SqlClient } from "effect/sql"
import { Transfer } from "../../../domain/messages/Transfer.ts"
import { failure } from "../../../domain/shared/Failure.ts"
import { storeFailure } from "../../../layers/sql/database/Sql.ts"
import { Api, InternalApi } from "../Api.ts"

const ok = "ok" as const

const endpoints = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const transfer = yield* Transfer
  return {
    live: () => Effect.succeed({ status: ok }),
    ready: () =>
      Effect.gen(function* () {
        yield* Effect.catch(sql`SELECT 1`, storeFailure)
        if (!transfer.isConnected()) {
          return yield* failure("Overloaded", { msg: "the transfer has no connection to Kafka", retryAfter: 1_000 })
        }
        return { status: ok, store: ok, transfer: ok }
      })
  }
})

/** Of the public listener. */
export const layer = HttpApiBuilder.group(
  Api,
  "health",
  Effect.fnUntraced(function* (handlers) {
    return handlers.handleAll(yield* endpoints)
  })
)

/** Of the internal listener. */
export const layerInternal = HttpApiBuilder.group(
  InternalApi,
  "health",
  Effect.fnUntraced(function* (handlers) {
    return handlers.handleAll(yield* endpoints)
  })
)
