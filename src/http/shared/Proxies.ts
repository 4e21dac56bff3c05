/** Callers behind proxies (`CHAT_TRUST_PROXY`, docs/operations.md). */
import type { IncomingMessage } from "node:http"
import { Effect, Layer, Option, Result } from "effect"
import { HttpMiddleware, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { IpNetwork, NetAddress } from "effect/net"
import { networkOf } from "../../domain/accounts/Network.ts"
import { Settings } from "../../layers/settings/Settings.ts"

/** Takes the caller's address from the proxies that the operator trusts. */
const forwarded = HttpRouter.middleware(
  Effect.map(Settings, ({ trustedProxies }) => HttpMiddleware.xForwardedHeaders({ trustedProxies })),
  { global: true }
)

const isSame = (one: Option.Option<string>, other: Option.Option<string>): boolean =>
  Option.getOrUndefined(one) === Option.getOrUndefined(other)

/**
 * Says once that a peer forwards requests without being trusted: all its users would share the limits of one network, and the
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

const unknownNetwork = "unknown"

/** The network of a request's caller, behind the middleware of this file. */
export const callerNetwork = ({ remoteAddress }: HttpServerRequest.HttpServerRequest): string =>
  Option.match(remoteAddress, { onNone: () => unknownNetwork, onSome: networkOf })

/** Whether a connection comes from a proxy of the operator. */
export const isTrustedProxy = (trusted: ReadonlyArray<IpNetwork.IpNetwork>, address: string): boolean => {
  const parsed = NetAddress.ipFromString(address)
  if (trusted.length === 0 || Result.isFailure(parsed)) return false
  const canonical = NetAddress.toCanonical(parsed.success)
  return trusted.some((network) => IpNetwork.contains(network, canonical))
}

/** The parts of an upgrade that tell whose it is. */
export type UpgradeRequest = Pick<IncomingMessage, "headers"> & {
  readonly socket: Pick<IncomingMessage["socket"], "remoteAddress">
}

/** The network of the caller of an upgrade, which no middleware sees. */
export const upgradeNetwork = Effect.map(Settings, ({ trustedProxies }) => {
  const behindProxies = HttpMiddleware.xForwardedHeaders({ trustedProxies })
  return ({ headers, socket }: UpgradeRequest): Effect.Effect<string> => {
    const peer = Option.fromUndefinedOr(socket.remoteAddress)
    const forwardedFor = headers["x-forwarded-for"]
    if (trustedProxies.length === 0 || forwardedFor === undefined) {
      return Effect.succeed(Option.match(peer, { onNone: () => unknownNetwork, onSome: networkOf }))
    }
    // Effect's middleware has the rules; it wants a whole request around the two facts that it reads.
    const request = HttpServerRequest.fromWeb(
      new Request("http://upgrade/", { headers: { "x-forwarded-for": String(forwardedFor) } })
    ).modify({ remoteAddress: peer })
    let network = unknownNetwork
    const read = HttpServerRequest.HttpServerRequest.use((seen) => {
      network = callerNetwork(seen)
      return Effect.succeed(HttpServerResponse.empty())
    })
    return behindProxies(read).pipe(
      Effect.provideService(HttpServerRequest.HttpServerRequest, request),
      Effect.map(() => network)
    )
  }
})
