/**
 * The upgrade of `/ws` (protocol.md section 1.1): every reason to refuse a connection is checked before the upgrade, with an
 * HTTP status and the envelope; an accepted one becomes a connection actor.
 */
import type { IncomingMessage } from "node:http"
import { STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { Cause, Effect, FiberSet, Layer, Schema } from "effect"
import { type Server, type ServerOptions, WebSocketServer } from "ws"
import type { Opening } from "../../actors/connections/ConnectionActor.ts"
import { ConnectionRegistry } from "../../actors/connections/ConnectionRegistry.ts"
import { Connections } from "../../actors/connections/Connections.ts"
import { Auth } from "../../domain/accounts/Auth.ts"
import { DeviceId, Platform } from "../../domain/accounts/User.ts"
import { AckService } from "../../domain/connection/AckService.ts"
import { ackModes } from "../../domain/protocol/AckMode.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"
import { Settings } from "../../layers/settings/Settings.ts"
import { failureBody, retryHeaders } from "../api/Envelope.ts"
import { bearerToken } from "../shared/bearerToken.ts"
import { SharedServer, socketOptions } from "../shared/SharedServer.ts"
import { ChatSocket, WebSocketTransport } from "./WebSocketTransport.ts"

const subprotocol = "fiberchat.v1"
const tokenProtocol = "bearer."
/** Upgrades whose token is being checked; further ones are refused until some are done. */
const pendingMax = 1_024

const OpeningQuery = Schema.Struct({
  deviceId: Schema.optionalKey(DeviceId),
  platform: Schema.optionalKey(Platform),
  ack: Schema.optionalKey(Schema.Literals(ackModes))
})
const decodeQuery = Schema.decodeUnknownEffect(OpeningQuery)

/** The failures of an upgrade. */
type Refusal = Failure<"Forbidden" | "Overloaded" | "Unauthenticated" | "BadParameters" | "DatabaseError">

const full = () => failure("Overloaded", { retryAfter: 5_000 })

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const settings = yield* Settings
    const auth = yield* Auth
    const acks = yield* AckService
    const registry = yield* ConnectionRegistry
    const connections = yield* Connections
    const server = yield* SharedServer
    const upgrades = yield* FiberSet.make<void, never>()
    const runUpgrade = yield* FiberSet.runtime(upgrades)<never>()
    let draining = false
    let pending = 0

    const options: ServerOptions<typeof ChatSocket> = {
      ...socketOptions,
      WebSocket: ChatSocket,
      noServer: true,
      clientTracking: false,
      maxPayload: settings.frameBytesMax,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false)
    }
    const sockets = new WebSocketServer(options)

    const admit = Effect.fnUntraced(function* (request: IncomingMessage): Effect.fn.Return<Opening, Refusal> {
      if (!isOriginAllowed(request, settings.allowedOrigins)) {
        return yield* failure("Forbidden", { msg: "origin not allowed" })
      }
      if (draining) return yield* failure("Overloaded", { msg: "draining", retryAfter: 5_000 })
      if (pending > pendingMax) return yield* full()
      const isFull = registry.size() + pending > settings.gateway.connectionsMax
      const token = requestToken(request)
      if (token === undefined) return yield* isFull ? full() : failure("Unauthenticated")
      const identity = yield* auth.verify(token)
      if (isFull) return yield* full()
      if (identity.kind !== "user") return yield* failure("Unauthenticated")
      const query = yield* decodeQuery(Object.fromEntries(new URL(request.url ?? "", "ws://host").searchParams)).pipe(
        Effect.mapError((error) => failure("BadParameters", { msg: error.message }))
      )
      return {
        identity,
        deviceId: query.deviceId ?? identity.deviceId ?? "default",
        platform: query.platform ?? identity.platform ?? "unknown",
        ackMode: query.ack ?? acks.mode
      }
    })

    const upgrade = Effect.fnUntraced(
      function* (request: IncomingMessage, stream: Duplex, head: Buffer) {
        const opening = yield* admit(request)
        const socket = yield* handshake(sockets, request, stream, head)
        socket.wire(yield* connections.start(opening, new WebSocketTransport(socket, stream)))
      },
      (upgraded, _request, stream) => Effect.catchCause(upgraded, (cause) => refuse(stream, cause)),
      Effect.ensuring(
        Effect.sync(() => {
          pending -= 1
        })
      )
    )

    server.onChatUpgrade = (request, stream, head) => {
      // A socket without a listener for its errors would end the process.
      stream.on("error", () => stream.destroy())
      pending += 1
      runUpgrade(upgrade(request, stream, head))
    }

    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        draining = true
        return Effect.timeoutOption(connections.drain, "5 seconds")
      })
    )
  })
)

/** Completes the WebSocket handshake. Interrupted when the peer has gone: nothing is left to be done then. */
const handshake = (sockets: Server<typeof ChatSocket>, request: IncomingMessage, stream: Duplex, head: Buffer) =>
  Effect.callback<ChatSocket>((resume) => {
    const gone = () => resume(Effect.interrupt)
    if (stream.destroyed) return gone()
    stream.once("close", gone)
    sockets.handleUpgrade(request, stream, head, (socket) => {
      stream.off("close", gone)
      // Paused until the actor listens: the first frame may have arrived already.
      socket.pause()
      resume(Effect.succeed(socket))
    })
  })

/** Responds with the envelope and closes. A defect is logged, and its response is 100001. */
const refuse = (stream: Duplex, cause: Cause.Cause<Refusal>): Effect.Effect<void> => {
  const expected = cause.reasons.find((reason) => reason._tag === "Fail")
  const error = expected?.error ?? failure("ServerError")
  const response = Effect.sync(() => {
    if (stream.destroyed) return
    const body = JSON.stringify(failureBody(error))
    const headers = {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      connection: "close",
      ...retryHeaders(error)
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    // The peer may never close its side: the socket is ours to end.
    stream.end(`HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${lines.join("\r\n")}\r\n\r\n${body}`, () =>
      stream.destroy()
    )
  })
  return expected === undefined && !Cause.hasInterruptsOnly(cause)
    ? Effect.andThen(Effect.logError("an upgrade failed unexpectedly", cause), response)
    : response
}

/** The token from the header or, for browsers, from the offered subprotocols; never from the query string. */
const requestToken = (request: IncomingMessage): string | undefined => {
  const { authorization } = request.headers
  if (authorization !== undefined) return bearerToken(authorization)
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((protocol) => protocol.trim())
  return offered.find((protocol) => protocol.startsWith(tokenProtocol))?.slice(tokenProtocol.length)
}

/** Browsers say where a page comes from; other clients send no origin and have nothing to be protected from. */
const isOriginAllowed = (request: IncomingMessage, allowed: ReadonlyArray<string>): boolean => {
  const { origin, host } = request.headers
  if (origin === undefined || allowed.includes("*") || allowed.includes(origin)) return true
  return allowed.length === 0 && URL.parse(origin)?.host === host
}
