/** Liveness and readiness (protocol.md section 2). */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { SqlClient } from "effect/sql"
import { Api } from "../domain/Api.ts"
import { apiError } from "../layers/Sql.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "health",
  Effect.fnUntraced(function* (handlers) {
    const sql = yield* SqlClient.SqlClient
    return handlers.handleAll({
      live: () => Effect.succeed({ status: "ok" as const }),
      ready: () =>
        sql`SELECT 1`.pipe(Effect.as({ status: "ok" as const, store: "ok" as const }), Effect.catch(apiError))
    })
  })
)
