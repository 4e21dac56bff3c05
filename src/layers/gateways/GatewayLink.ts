/**
 * The way of a worker, or of another gateway, to one gateway: a WebSocket client of the system's own, with typed commands
 * and their acks, over a connection that comes back by itself (protocol.md sections 1.4 and 1.6).
 */
import { Clock, Data, Deferred, Effect, Schedule, Schema, type Scope } from "effect"
import { WebSocket } from "ws"
import type { Auth } from "../../domain/accounts/Auth.ts"
import type { Method } from "../../domain/connection/ClientProtocol.ts"
import { FrameType, ServerFrame } from "../../domain/connection/Frame.ts"
import { type ErrorName, errorTable } from "../../domain/shared/ErrorTable.ts"
import { codesOf, type Failure, failureOfCode } from "../../domain/shared/Failure.ts"
import { rootUserId } from "../../domain/shared/Ids.ts"
import { backoff } from "../shared/Backoff.ts"

/** The gateway was not there for this long: a call goes on without it, so that other gateways need not wait. */
const patienceMillis = 3_000
/** A connection is replaced before its token, which lives for five minutes, ends. */
const sessionMillis = 240_000
/** How long a connection that is being replaced waits for acks that are under way. */
const farewellMillis = 5_000
const handshakeMillis = 5_000
/** Commands whose ack does not come within this time are given up with their connection. */
const ackMillis = 4_000
/** A connection that ends earlier counts as one that could not be opened. */
const shortMillis = 2_000

/** The connection was lost before the ack came: the command may have taken effect or not. */
export class LinkLost extends Data.TaggedError("LinkLost")<{ readonly message: string }> {}
/** The gateway has not been there for some time. */
export class GatewayAbsent extends Data.TaggedError("GatewayAbsent") {}

export interface GatewayLink {
  /** Waits for a connection, for as long as it takes. */
  readonly connected: Effect.Effect<void>
  /**
   * Sends a command and waits for its ack. Fails with `Failure` when the gateway refuses it, with `GatewayAbsent` when
   * there has been no connection for 3 s.
   */
  readonly call: <Payload>(
    method: Method<"command", Payload>,
    payload: Payload
  ) => Effect.Effect<void, Failure | LinkLost | GatewayAbsent>
}

type Answer = Effect.Effect<void, Failure | LinkLost>

const decodeFrame = Schema.decodeUnknownEffect(Schema.fromJsonString(ServerFrame))
const decodeError = Schema.decodeUnknownEffect(
  Schema.Struct({
    code: codesOf(Object.keys(errorTable) as ReadonlyArray<ErrorName>),
    msg: Schema.String,
    retryAfter: Schema.optionalKey(Schema.Int)
  })
)

/** One open connection, and the commands whose acks are under way. */
class Session {
  readonly closed = Deferred.makeUnsafe<void>()
  private readonly socket: WebSocket
  private readonly waiting = new Map<string, (answer: Answer) => void>()
  private sent = 0

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on("message", (text) => Effect.runFork(this.onFrame(String(text))))
    socket.on("error", () => socket.terminate())
    socket.on("close", (code, reason) => {
      const lost = Effect.fail(new LinkLost({ message: `the gateway has closed the connection: ${code} ${reason}` }))
      for (const resume of this.waiting.values()) resume(lost)
      this.waiting.clear()
      Deferred.doneUnsafe(this.closed, Effect.void)
    })
  }

  send(method: string, data: unknown): Answer {
    return Effect.callback<void, Failure | LinkLost>((resume) => {
      if (this.socket.readyState !== WebSocket.OPEN) {
        return resume(Effect.fail(new LinkLost({ message: "the connection to the gateway is closing" })))
      }
      this.sent += 1
      const id = String(this.sent)
      this.waiting.set(id, resume)
      this.socket.send(JSON.stringify({ id, frameType: FrameType.data, method, data }))
    }).pipe(
      Effect.timeoutOrElse({
        duration: ackMillis,
        orElse: () => {
          this.socket.terminate()
          return Effect.fail(new LinkLost({ message: "the gateway has not acknowledged a command" }))
        }
      })
    )
  }

  /** Ends the connection when nothing is under way, or after a time. */
  farewell(): Effect.Effect<void> {
    return Effect.sync(() => this.waiting.size === 0).pipe(
      Effect.repeat({ until: (idle) => idle, schedule: Schedule.spaced("20 millis") }),
      Effect.timeoutOption(farewellMillis),
      Effect.andThen(Effect.sync(() => this.socket.close(1000)))
    )
  }

  private onFrame(text: string): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const frame = yield* decodeFrame(text)
      const resume = this.waiting.get(frame.id)
      if (resume === undefined || (frame.frameType !== FrameType.ack && frame.frameType !== FrameType.err)) return
      this.waiting.delete(frame.id)
      if (frame.frameType === FrameType.ack) return resume(Effect.void)
      const { code, ...details } = yield* decodeError(frame.data)
      resume(Effect.fail(failureOfCode(code, details)))
    }).pipe(Effect.catchCause((cause) => Effect.logWarning("the gateway says what is no frame", cause)))
  }
}

const callOn =
  (session: Session): GatewayLink["call"] =>
  ({ name }, payload) =>
    session.send(name, payload)

/** Opens a connection; it is there when the gateway has sent `session.ready`. */
const open = (url: string, token: string): Effect.Effect<Session, LinkLost> =>
  Effect.callback<Session, LinkLost>((resume) => {
    const socket = new WebSocket(`${url}?ack=once&platform=system`, {
      headers: { authorization: `Bearer ${token}` },
      handshakeTimeout: handshakeMillis,
      perMessageDeflate: false
    })
    const fail = (message: string) => {
      socket.terminate()
      resume(Effect.fail(new LinkLost({ message })))
    }
    socket.once("error", (error) => fail(error.message || String(error)))
    socket.once("close", (code) => fail(`closed with ${code}`))
    socket.once("message", () => {
      socket.removeAllListeners()
      resume(Effect.succeed(new Session(socket)))
    })
    return Effect.sync(() => socket.terminate())
  })

/**
 * Keeps a connection to the gateway for as long as the scope lives, with a fresh token for each. `onConnected` is called
 * with each of them, when it is there for everybody.
 */
export const makeGatewayLink = (
  url: string,
  auth: Auth["Service"],
  onConnected: (call: GatewayLink["call"]) => Effect.Effect<void>
): Effect.Effect<GatewayLink, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    let session = Deferred.makeUnsafe<Session>()
    let lostAt = clock.currentTimeMillisUnsafe()

    const live = Effect.gen(function* () {
      const opened = yield* open(url, yield* auth.issueInternal("system", rootUserId))
      const openedAt = clock.currentTimeMillisUnsafe()
      yield* Effect.logInfo(`connected to the gateway ${url}`)
      yield* Deferred.succeed(session, opened)
      yield* Effect.raceFirst(
        Deferred.await(opened.closed),
        Effect.andThen(onConnected(callOn(opened)), Effect.sleep(sessionMillis))
      )
      session = Deferred.makeUnsafe<Session>()
      lostAt = clock.currentTimeMillisUnsafe()
      yield* Effect.forkScoped(opened.farewell())
      if (lostAt - openedAt < shortMillis) return yield* new LinkLost({ message: "the connection did not last" })
    })

    yield* Effect.forkScoped(
      live.pipe(
        Effect.tapError((lost) => Effect.logWarning(`no connection to the gateway ${url}: ${lost.message}`)),
        Effect.retry(backoff("100 millis")),
        Effect.forever
      )
    )
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() =>
        Deferred.isDoneUnsafe(session) ? Effect.flatMap(Deferred.await(session), (s) => s.farewell()) : Effect.void
      )
    )

    /** The connection, as soon as there is one; callers go without when it is away for long. */
    const current = Effect.suspend(() => {
      const rest = Math.max(0, lostAt + patienceMillis - clock.currentTimeMillisUnsafe())
      return Effect.timeoutOrElse(Deferred.await(session), {
        duration: rest,
        orElse: () => Effect.fail(new GatewayAbsent())
      })
    })

    return {
      connected: Effect.suspend(() => Effect.asVoid(Deferred.await(session))),
      call: (method, payload) => Effect.flatMap(current, (opened) => callOn(opened)(method, payload))
    }
  })
