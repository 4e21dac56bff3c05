/** Who is calling over HTTP and RPC: the middlewares that verify tokens. */
import { Effect, Layer, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { Auth, type Identity, type UserIdentity } from "../domain/Auth.ts"
import { Authorization, CurrentUser } from "../domain/Authorization.ts"
import { ApiError } from "../domain/ErrorTable.ts"
import { ServiceOnly } from "../domain/UserRpc.ts"
import { bearerToken } from "./bearerToken.ts"

const isUser = (identity: Identity): identity is UserIdentity => identity.kind === "user"

const user = Layer.effect(
  Authorization,
  Effect.map(Auth, (auth) =>
    Authorization.of({
      bearer: Effect.fnUntraced(function* (handler, { credential }) {
        const { headers } = yield* HttpServerRequest.HttpServerRequest
        const token = Redacted.value(credential) || bearerToken(headers["authorization"] ?? "")
        if (token === undefined) return yield* ApiError.of("Unauthenticated")
        const identity = yield* auth.verify(token)
        if (!isUser(identity)) return yield* ApiError.of("Unauthenticated")
        return yield* Effect.provideService(handler, CurrentUser, identity)
      })
    })
  )
)

const service = Layer.effect(
  ServiceOnly,
  Effect.map(Auth, (auth) =>
    ServiceOnly.of(
      Effect.fnUntraced(function* (handler, { headers }) {
        const token = bearerToken(headers["authorization"] ?? "")
        if (token === undefined) return yield* ApiError.of("Unauthenticated")
        if (isUser(yield* auth.verify(token))) return yield* ApiError.of("Forbidden")
        return yield* handler
      })
    )
  )
)

export const layer = Layer.merge(user, service)
