/** Callers behind proxies (`CHAT_TRUST_PROXY`, docs/operations.md). */
import { Effect, Layer, Option } from "effect"
import { HttpMiddleware, HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { Settings } from "../../layers/settings/Settings.ts"

/** Takes the caller's address from the proxies that the operator trusts. */
const forwarded = HttpRouter.middleware(
  Effect.map(Settings, ({ trustedProxies }) => HttpMiddleware.xForwardedHeaders({ trustedProxies })),
  { global: true }
)

const isSame = (one: Option.Option<string>, other: Option.Option<string>): boolean =>
  Option.getOrUndefined(one) === Option.getOrUndefined(other)

/**
 * Says once that a peer forwards requests without being trusted: all its users would share one limit of attempts, and the
 * operator may have forgotten the setting. The header itself is not logged: anyone can send it.
 */
const forgotten = HttpRouter.middleware(
  Effect.sync(() => {
    let isSaid = false
    return <E, R>(handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
      HttpServerRequest.HttpServerRequest.use((request) => {
        if (isSaid || request.headers["x-forwarded-for"] === undefined) return handler
        if (!isSame(request.remoteAddress, request.peerAddress)) return handler
        isSaid = true
        const peer = Option.getOrElse(request.peerAddress, () => "unknown")
        return Effect.andThen(
          Effect.logWarning(`X-Forwarded-For from ${peer} is ignored: set CHAT_TRUST_PROXY if that is your proxy`),
          handler
        )
      })
  }),
  { global: true }
)

// The address is taken first: what is added first is around the others.
export const layer = forgotten.pipe(Layer.provideMerge(forwarded))
