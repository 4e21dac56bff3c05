/**
 * The right to open a chat socket (protocol.md section 1.1): every reason to refuse an upgrade. Browsers hide the response to
 * a refused upgrade from their pages, which can ask here first: a plain `GET` of the same path is refused alike.
 */
import type { IncomingMessage } from "node:http"
import { Context, Effect, Layer, Schema } from "effect"
import type { Opening } from "../../actors/connections/ConnectionActor.ts"
import { ConnectionRegistry } from "../../actors/connections/ConnectionRegistry.ts"
import { Auth } from "../../domain/accounts/Auth.ts"
import { DeviceId, Platform } from "../../domain/accounts/User.ts"
import { AckService } from "../../domain/connection/AckService.ts"
import { Budgets, enter } from "../../domain/connection/Budgets.ts"
import { ackModes } from "../../domain/protocol/AckMode.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"
import { Settings } from "../../layers/settings/Settings.ts"
import { bearerToken } from "../shared/bearerToken.ts"
import { type UpgradeRequest, upgradeNetwork } from "../shared/Proxies.ts"

const tokenProtocol = "bearer."
/** Upgrades whose token is being checked; further ones are refused until some are done. */
const pendingMax = 1_024
/** The cost of an upgrade for its network and its user: a handshake, a token's check and a new actor. */
const upgradeUnits = 8

const OpeningQuery = Schema.Struct({
  deviceId: Schema.optionalKey(DeviceId),
  platform: Schema.optionalKey(Platform),
  ack: Schema.optionalKey(Schema.Literals(ackModes))
})
const decodeQuery = Schema.decodeUnknownEffect(OpeningQuery)

/** The failures of an upgrade. */
export type Refusal = Failure<
  "Forbidden" | "Overloaded" | "RateLimited" | "Unauthenticated" | "BadParameters" | "DatabaseError"
>

/** The parts of a request that decide. */
type OpeningRequest = Pick<IncomingMessage, "headers" | "url"> & UpgradeRequest

const full = () => failure("Overloaded", { retryAfter: 5_000 })
const crowded = () => failure("RateLimited", { msg: "too many connections from this network", retryAfter: 30_000 })

export class Admission extends Context.Service<
  Admission,
  {
    /** Whether the request may become a chat socket, and how it opens. */
    readonly admit: (request: OpeningRequest) => Effect.Effect<Opening, Refusal>
    /** Runs an upgrade, which counts as a connection until it ends. */
    readonly whilePending: <A, E, R>(upgrade: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** From now on everything is refused: the node drains. */
    readonly close: () => void
  }
>()("fiberchat/http/Admission") {
  static readonly layer = Layer.effect(
    Admission,
    Effect.gen(function* () {
      const settings = yield* Settings
      const auth = yield* Auth
      const acks = yield* AckService
      const registry = yield* ConnectionRegistry
      const budgets = yield* Budgets
      const networkOf = yield* upgradeNetwork
      const { connectionsMax, networkConnectionsMax } = settings.gateway
      let isClosed = false
      let pending = 0

      return Admission.of({
        admit: Effect.fnUntraced(function* (request) {
          if (!isOriginAllowed(request, settings.allowedOrigins)) {
            return yield* failure("Forbidden", { msg: "origin not allowed" })
          }
          if (isClosed) return yield* failure("Overloaded", { msg: "draining", retryAfter: 5_000 })
          if (pending > pendingMax) return yield* full()
          const network = yield* networkOf(request)
          yield* enter(budgets, { network }, upgradeUnits)
          if (registry.sizeOfNetwork(network) >= networkConnectionsMax) return yield* crowded()
          const isFull = registry.size() + pending > connectionsMax
          const token = requestToken(request)
          if (token === undefined) return yield* isFull ? full() : failure("Unauthenticated")
          const identity = yield* auth.verify(token)
          if (isFull) return yield* full()
          if (identity.kind !== "user") return yield* failure("Unauthenticated")
          const retryAfter = budgets.waitMillis(identity.userId)
          if (retryAfter > 0) return yield* failure("RateLimited", { msg: "this user was cut off", retryAfter })
          yield* enter(budgets, { userId: identity.userId }, upgradeUnits)
          const query = yield* decodeQuery(
            Object.fromEntries(new URL(request.url ?? "", "ws://host").searchParams)
          ).pipe(Effect.mapError((error) => failure("BadParameters", { msg: error.message })))
          return {
            identity,
            deviceId: query.deviceId ?? identity.deviceId ?? "default",
            platform: query.platform ?? identity.platform ?? "unknown",
            ackMode: query.ack ?? acks.mode,
            network
          }
        }),
        whilePending: (upgrade) =>
          Effect.suspend(() => {
            pending += 1
            return Effect.ensuring(
              upgrade,
              Effect.sync(() => {
                pending -= 1
              })
            )
          }),
        close: () => {
          isClosed = true
        }
      })
    })
  )
}

/**
 * The token from the header or, for browsers, from the offered subprotocols; never from the query string. A header of another
 * scheme is not for this server: proxies add `Basic`.
 */
const requestToken = (request: OpeningRequest): string | undefined => {
  const { authorization } = request.headers
  if (authorization !== undefined && !/^(?!bearer\s)\S+\s/i.test(authorization)) return bearerToken(authorization)
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((protocol) => protocol.trim())
  return offered.find((protocol) => protocol.startsWith(tokenProtocol))?.slice(tokenProtocol.length)
}

/** Browsers say where a page comes from; other clients send no origin and have nothing to be protected from. */
const isOriginAllowed = (request: OpeningRequest, allowed: ReadonlyArray<string>): boolean => {
  const { origin, host } = request.headers
  if (origin === undefined || allowed.includes("*") || allowed.includes(origin)) return true
  return allowed.length === 0 && URL.parse(origin)?.host === host
}
