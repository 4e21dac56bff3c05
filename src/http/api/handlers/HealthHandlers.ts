/** Liveness and readiness (protocol.md section 2). */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { SqlClient } from "effect/sql"
import { Transfer } from "../../../domain/cluster/Transfer.ts"
import { failure } from "../../../domain/shared/Failure.ts"
import { apiError } from "../../../layers/sql/database/Sql.ts"
import { Api, WorkerApi } from "../Api.ts"

const ok = "ok" as const

const endpoints = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const transfer = yield* Transfer
  return {
    live: () => Effect.succeed({ status: ok }),
    ready: () =>
      Effect.gen(function* () {
        yield* Effect.catch(sql`SELECT 1`, apiError)
        if (!transfer.isConnected()) {
          return yield* failure("Overloaded", { msg: "the transfer has no connection to Kafka", retryAfter: 1_000 })
        }
        return { status: ok, store: ok, transfer: ok }
      })
  }
})

/** Of a process with connections. */
export const layer = HttpApiBuilder.group(
  Api,
  "health",
  Effect.fnUntraced(function* (handlers) {
    return handlers.handleAll(yield* endpoints)
  })
)

/** Of a worker. */
export const layerWorker = HttpApiBuilder.group(
  WorkerApi,
  "health",
  Effect.fnUntraced(function* (handlers) {
    return handlers.handleAll(yield* endpoints)
  })
)
