/** The middleware that verifies the tokens of users over HTTP. */
import { Effect, Layer, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { Auth } from "../../../domain/accounts/Auth.ts"
import { Budgets, enterSlowly } from "../../../domain/connection/Budgets.ts"
import { Asker } from "../../../domain/shared/Asker.ts"
import { failure } from "../../../domain/shared/Failure.ts"
import { bearerToken } from "../../shared/bearerToken.ts"
import { responseUnits } from "../../shared/NetworkBudgets.ts"
import { callerNetwork } from "../../shared/Proxies.ts"
import { Authorization, CurrentUser } from "../Authorization.ts"

/** The cost of a request for its user, without its response: of one that reads, and of one that changes something. */
const readUnits = 1
const writeUnits = 3

/** Lets users through who are not in debt, and provides their identity. */
export const layer = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const auth = yield* Auth
    const budgets = yield* Budgets
    return Authorization.of({
      bearer: Effect.fnUntraced(function* (handler, { credential }) {
        const request = yield* HttpServerRequest.HttpServerRequest
        const { headers, method } = request
        const token = Redacted.value(credential) || bearerToken(headers["authorization"] ?? "")
        if (token === undefined) return yield* failure("Unauthenticated")
        const identity = yield* auth.verify(token)
        if (identity.kind !== "user") return yield* failure("Unauthenticated")
        const { userId } = identity
        yield* enterSlowly(budgets, { userId }, method === "GET" ? readUnits : writeUnits)
        return yield* handler.pipe(
          Effect.tap((response) => Effect.sync(() => budgets.charge({ userId }, responseUnits(response)))),
          Effect.provideService(CurrentUser, identity),
          Effect.provideService(Asker, { userId, network: callerNetwork(request) })
        )
      })
    })
  })
)
