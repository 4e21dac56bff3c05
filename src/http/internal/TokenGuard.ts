/** The guards of the internal listener: nothing of a request is read before its token is known to be good. */
import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { Auth } from "../../domain/accounts/Auth.ts"
import { failure } from "../../domain/shared/Failure.ts"
import { untilTokenExpiry } from "../rpc/TokenExpiry.ts"
import { bearerToken } from "../shared/bearerToken.ts"

type Handler<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

/** The identity of a request's token. */
const identityOf = (auth: Auth["Service"]) =>
  Effect.gen(function* () {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const token = bearerToken(headers["authorization"] ?? "")
    return token === undefined ? yield* failure("Unauthenticated") : yield* auth.verify(token)
  })

/** Lets services and nodes through; sockets and streams end with the token. */
export const servicesOnly = HttpRouter.middleware(
  Effect.map(
    Auth,
    (auth) =>
      <E, R>(handler: Handler<E, R>) =>
        Effect.gen(function* () {
          const identity = yield* identityOf(auth)
          if (identity.kind === "user") return yield* failure("Forbidden")
          return yield* untilTokenExpiry(identity.expiresAt, handler)
        })
  )
).layer

/** Lets nodes of this system through. */
export const nodesOnly = HttpRouter.middleware(
  Effect.map(
    Auth,
    (auth) =>
      <E, R>(handler: Handler<E, R>) =>
        Effect.gen(function* () {
          const identity = yield* identityOf(auth)
          return identity.kind === "system" ? yield* handler : yield* failure("Forbidden")
        })
  )
).layer
