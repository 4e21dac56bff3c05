/** The cost of requests for their network, looked at before anything else is done for them (protocol.md section 2.1). */
import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { Budgets, enterSlowly } from "../../domain/connection/Budgets.ts"
import { frameUnits } from "../../domain/connection/RateBudget.ts"
import { callerNetwork } from "./Proxies.ts"

const requestUnits = 2

/** The cost of a response: a unit for each 4 KiB begun. */
export const responseUnits = ({ body }: HttpServerResponse.HttpServerResponse): number =>
  frameUnits("contentLength" in body ? (body.contentLength ?? 0) : 0)

export const layer = HttpRouter.middleware(
  Effect.map(
    Budgets,
    (budgets) =>
      <E, R>(handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
        HttpServerRequest.HttpServerRequest.use((request) => {
          const network = callerNetwork(request)
          return enterSlowly(budgets, { network }, requestUnits).pipe(
            Effect.andThen(handler),
            Effect.tap((response) => Effect.sync(() => budgets.charge({ network }, responseUnits(response))))
          )
        })
  ),
  { global: true }
)
