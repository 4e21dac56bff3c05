/** The middleware that verifies the tokens of users over HTTP. */
import { Effect, Layer, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { Auth } from "../../../domain/accounts/Auth.ts"
import { Asker } from "../../../domain/shared/Asker.ts"
import { failure } from "../../../domain/shared/Failure.ts"
import { bearerToken } from "../../shared/bearerToken.ts"
import { Authorization, CurrentUser } from "../Authorization.ts"

/** Lets users through, and provides their identity. */
export const layer = Layer.effect(
  Authorization,
  Effect.map(Auth, (auth) =>
    Authorization.of({
      bearer: Effect.fnUntraced(function* (handler, { credential }) {
        const { headers } = yield* HttpServerRequest.HttpServerRequest
        const token = Redacted.value(credential) || bearerToken(headers["authorization"] ?? "")
        if (token === undefined) return yield* failure("Unauthenticated")
        const identity = yield* auth.verify(token)
        if (identity.kind !== "user") return yield* failure("Unauthenticated")
        return yield* handler.pipe(
          Effect.provideService(CurrentUser, identity),
          Effect.provideService(Asker, identity.userId)
        )
      })
    })
  )
)
