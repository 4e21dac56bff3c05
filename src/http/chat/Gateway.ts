/**
 * The upgrade of `/ws` (protocol.md section 1.1). What is not admitted is refused before the upgrade, with an HTTP status and
 * the envelope; what is becomes a connection actor.
 */
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { Cause, Effect, FiberSet, Layer } from "effect"
import { type Server, type ServerOptions, WebSocketServer } from "ws"
import { Connections } from "../../actors/connections/Connections.ts"
import { failure } from "../../domain/shared/Failure.ts"
import { Settings } from "../../layers/settings/Settings.ts"
import { SharedServer, socketOptions } from "../shared/SharedServer.ts"
import { Admission, type Refusal } from "./Admission.ts"
import { respondRaw } from "./RawResponse.ts"
import { ChatSocket, WebSocketTransport } from "./WebSocketTransport.ts"

const subprotocol = "fiberchat.v1"

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const settings = yield* Settings
    const admission = yield* Admission
    const connections = yield* Connections
    const server = yield* SharedServer
    const upgrades = yield* FiberSet.make<void, never>()
    const runUpgrade = yield* FiberSet.runtime(upgrades)<never>()

    const options: ServerOptions<typeof ChatSocket> = {
      ...socketOptions,
      WebSocket: ChatSocket,
      noServer: true,
      clientTracking: false,
      maxPayload: settings.frameBytesMax,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false)
    }
    const sockets = new WebSocketServer(options)

    const upgrade = Effect.fnUntraced(
      function* (request: IncomingMessage, stream: Duplex, head: Buffer) {
        const opening = yield* admission.admit(request)
        const socket = yield* handshake(sockets, request, stream, head)
        socket.wire(yield* connections.start(opening, new WebSocketTransport(socket, stream)))
      },
      (upgraded, _request, stream) => Effect.catchCause(upgraded, (cause) => refuse(stream, cause)),
      admission.whilePending
    )

    server.onChatUpgrade = (request, stream, head) => {
      // A socket without a listener for its errors would end the process.
      stream.on("error", () => stream.destroy())
      runUpgrade(upgrade(request, stream, head))
    }

    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        admission.close()
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
  const response = Effect.sync(() => respondRaw(stream, error))
  return expected === undefined && !Cause.hasInterruptsOnly(cause)
    ? Effect.andThen(Effect.logError("an upgrade failed unexpectedly", cause), response)
    : response
}
