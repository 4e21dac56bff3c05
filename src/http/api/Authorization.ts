/** The middleware that turns a bearer token into the calling user; every guarded endpoint can fail with its errors. */
import { Context, Effect } from "effect"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import type { UserIdentity } from "../../domain/accounts/Auth.ts"
import { failureOfStatus } from "./Envelope.ts"

/** The user whose token the request carries. */
export class CurrentUser extends Context.Service<CurrentUser, UserIdentity>()("fiberchat/domain/CurrentUser") {}

/** Their id. */
export const callerId = Effect.map(CurrentUser, ({ userId }) => userId)

/** Lets only requests with a user's access token through (`Authorization: Bearer <jwt>`). */
export class Authorization extends HttpApiMiddleware.Service<
  Authorization,
  { provides: CurrentUser; requires: never }
>()("fiberchat/domain/Authorization", {
  security: { bearer: HttpApiSecurity.bearer },
  error: [
    failureOfStatus(401, ["Unauthenticated"]),
    failureOfStatus(429, ["RateLimited"]),
    failureOfStatus(503, ["DatabaseError"])
  ]
}) {}
