/** Sockets and streams end when the token that opened them expires, or when their peer does not read (protocol.md section 3). */
import { NodeHttpServerRequest } from "@effect/platform-node"
import { Clock, Context, Effect, type Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { CloseEvent, isSocketError, type Socket } from "effect/socket/Socket"
import { closeCodes } from "../../domain/protocol/CloseCode.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"
import { withBackpressure } from "./Backpressure.ts"

/** How long an answer that is a stream may take to say that its token has ended, before it is cut off. */
const lastWordMillis = 2_000

/** Unix milliseconds at which a stream of answers must end by itself; infinite where the socket ends instead. */
export const TokenExpiry = Context.Reference<number>("fiberchat/http/TokenExpiry", {
  defaultValue: () => Number.POSITIVE_INFINITY
})

const sleepUntil = (at: number) => Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sleep(Math.max(0, at - now)))

/** Fails at the {@link TokenExpiry}. */
export const tokenExpired = Effect.flatMap(TokenExpiry, (at) =>
  at === Number.POSITIVE_INFINITY
    ? Effect.never
    : Effect.andThen(sleepUntil(at), Effect.fail(failure("Unauthenticated", { msg: "token expired" })))
)

type Handler<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

/** The request with this socket as its upgrade: later upgrades of the request must return the socket that is read. */
const withSocket = (
  request: HttpServerRequest.HttpServerRequest,
  socket: Socket
): HttpServerRequest.HttpServerRequest => Object.create(request, { upgrade: { value: Effect.succeed(socket) } })

const noSocket = failure("BadParameters", { msg: "a GET must ask for a WebSocket; single calls are a POST" })

/** Closes a WebSocket with 4004 when the token ends, or with 4008 when its peer does not read, and reads nothing more. */
const socketUntil = <E, R>(expiresAt: number, handler: Handler<E, R>) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const upgraded = yield* Effect.catch(request.upgrade, () => Effect.fail(noSocket))
    const { socket, overdue } = withBackpressure(upgraded, NodeHttpServerRequest.toIncomingMessage(request).socket)
    const writer = yield* socket.writer
    const closed = Effect.raceFirst(
      Effect.as(sleepUntil(expiresAt), closeCodes.TokenExpired),
      Effect.as(overdue, closeCodes.SlowConsumer)
    ).pipe(
      Effect.flatMap(({ code, reason }) => Effect.ignore(writer.write(new CloseEvent(code, reason)))),
      Effect.as(HttpServerResponse.empty())
    )
    const served = Effect.provideService(handler, HttpServerRequest.HttpServerRequest, withSocket(request, socket))
    return yield* Effect.raceFirst(served, closed).pipe(
      // A frame that is too large or malformed: the peer got its close code, and the server is not at fault.
      Effect.catchDefect((defect) =>
        isSocketError(defect) ? Effect.succeed(HttpServerResponse.empty()) : Effect.die(defect)
      )
    )
  })

/** Ends a stream with the token's expiry; cuts off one that cannot say so because it is unread. */
const streamUntil = <E, R>(expiresAt: number, handler: Handler<E, R>) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const response = yield* Effect.provideService(handler, TokenExpiry, expiresAt)
    if (response.body._tag === "Stream") {
      const cut = Effect.sync(() => NodeHttpServerRequest.toServerResponse(request).destroy())
      yield* Effect.forkScoped(Effect.andThen(sleepUntil(expiresAt + lastWordMillis), cut))
    }
    return response
  })

/** Serves a request, and the socket or stream that comes of it, until the token ends (Unix milliseconds). */
export const untilTokenExpiry = <E, R>(
  expiresAt: number,
  handler: Handler<E, R>
): Handler<E | Failure<"Unauthenticated" | "BadParameters">, R | HttpServerRequest.HttpServerRequest | Scope.Scope> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ method }) =>
    method === "GET" ? socketUntil(expiresAt, handler) : streamUntil(expiresAt, handler)
  )
