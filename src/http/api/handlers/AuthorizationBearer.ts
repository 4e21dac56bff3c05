/** Who is calling over HTTP: the middlewares that verify tokens. */
import { Effect, Layer, Redacted } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { Auth, type Identity, type UserIdentity } from "../../../domain/accounts/Auth.ts"
import { failure } from "../../../domain/shared/Failure.ts"
import { untilTokenEnd } from "../../rpc/TokenExpiry.ts"
import { bearerToken } from "../../shared/bearerToken.ts"
import { Authorization, CurrentUser } from "../Authorization.ts"

const isUser = (identity: Identity): identity is UserIdentity => identity.kind === "user"

/** Lets users through, and says which one it is. */
export const layer = Layer.effect(
  Authorization,
  Effect.map(Auth, (auth) =>
    Authorization.of({
      bearer: Effect.fnUntraced(function* (handler, { credential }) {
        const { headers } = yield* HttpServerRequest.HttpServerRequest
        const token = Redacted.value(credential) || bearerToken(headers["authorization"] ?? "")
        if (token === undefined) return yield* failure("Unauthenticated")
        const identity = yield* auth.verify(token)
        if (!isUser(identity)) return yield* failure("Unauthenticated")
        return yield* Effect.provideService(handler, CurrentUser, identity)
      })
    })
  )
)

/**
 * Guards a route of other services: nothing of a request is read before its token is known to be good, and what comes
 * of it ends with the token.
 */
export const serviceOnly = HttpRouter.middleware(
  Effect.map(
    Auth,
    (auth) =>
      <E, R>(handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
        Effect.gen(function* () {
          const { headers } = yield* HttpServerRequest.HttpServerRequest
          const token = bearerToken(headers["authorization"] ?? "")
          if (token === undefined) return yield* failure("Unauthenticated")
          const identity = yield* auth.verify(token)
          if (isUser(identity)) return yield* failure("Forbidden")
          return yield* untilTokenEnd(identity.expiresAt, handler)
        })
  )
).layer
