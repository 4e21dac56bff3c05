/**
 * The connection machine: everything that a connection decides, as a pure function of its state, an event and the
 * time. The actor around it (`src/actors/ConnectionActor.ts`) performs the commands and arms one timer for
 * {@link deadline}. Protocol.md sections 1.2 to 1.4.
 */
import type { CloseName } from "./CloseCode.ts"
import { ApiError } from "./ErrorTable.ts"
import {
  ackFrame,
  type BadFrame,
  dataFrame,
  errFrame,
  type Frame,
  FrameType,
  pingFrame,
  type ServerFrame
} from "./Frame.ts"
import { rootUserId } from "./Ids.ts"

/** How the server acknowledges data frames of this connection. */
export type AckMode = "none" | "once"

/** Limits of one connection. A clock of `0` is off. */
export interface ConnectionLimits {
  /** The server pings this often, and expects to hear something within this plus the grace. */
  readonly heartbeatIntervalMillis: number
  readonly heartbeatGraceMillis: number
  readonly idleTimeoutMillis: number
  readonly maxLifetimeMillis: number
  /** Frames other than acks of pushes, per window; `undefined` for no limit. */
  readonly rateLimit: { readonly count: number; readonly windowMillis: number } | undefined
  /** So many frames over the rate within the strike window close the connection. */
  readonly rateStrikesMax: number
  /** So many unreadable frames within the strike window close the connection. */
  readonly badFramesMax: number
  readonly strikeWindowMillis: number
  /** Past so many unsettled requests the socket is paused until half of them are settled. */
  readonly inFlightMax: number
  /** A peer that does not read within this time what waits for it (half a mebibyte) is cut off. */
  readonly drainMillisMax: number
  /** Unacknowledged pushes that are counted; further ones are as if they needed no ack. */
  readonly pushesUnackedMax: number
}

/** The limits that are no setting (protocol.md sections 1.2 and 1.5). */
export const fixedLimits = {
  heartbeatGraceMillis: 5_000,
  rateStrikesMax: 100,
  badFramesMax: 10,
  strikeWindowMillis: 10_000,
  inFlightMax: 64,
  drainMillisMax: 10_000,
  pushesUnackedMax: 256
} as const

export interface ConnectionState {
  readonly ackMode: AckMode
  readonly lifetimeEndsAt: number
  readonly tokenExpiresAt: number
  /** When anything at all was last received: restarts the heartbeat clock. */
  readonly heardAt: number
  /** When the client last did something: restarts the idle clock. */
  readonly activeAt: number
  readonly nextPingAt: number
  /** Token bucket of the rate limit. A frame costs `windowMillis`, a millisecond refills `count`: all integers. */
  readonly rateCredit: number
  readonly rateRefilledAt: number
  readonly badFrameTimes: ReadonlyArray<number>
  readonly rateStrikeTimes: ReadonlyArray<number>
  readonly inFlight: number
  readonly pushesUnacked: number
  readonly paused: boolean
  readonly closed: boolean
}

/** What the machine must remember of a data frame to answer it when it is settled. */
export interface Request {
  readonly id: string
  readonly method: string
  readonly ackSeq: number
  readonly wantsAck: boolean
}

/** How a request ended: a command that took effect, a query with its answer, or an error. */
export type Outcome =
  | { readonly _tag: "Done"; readonly data: unknown }
  | { readonly _tag: "Answered"; readonly data: unknown }
  | { readonly _tag: "Failed"; readonly error: ApiError }

export type ConnectionEvent =
  | { readonly _tag: "FrameReceived"; readonly frame: Frame }
  | { readonly _tag: "BadFrameReceived"; readonly bad: BadFrame }
  /** A WebSocket ping or pong. */
  | { readonly _tag: "PeerSeen" }
  | { readonly _tag: "RequestSettled"; readonly request: Request; readonly outcome: Outcome }
  /** A push frame, encoded once for all who get it. */
  | { readonly _tag: "MessagePushed"; readonly encoded: Uint8Array }
  | { readonly _tag: "DeadlineReached" }
  | { readonly _tag: "CloseAsked"; readonly close: CloseName; readonly retryAfter?: number }
  /** The socket is gone, by the peer's doing or the network's. */
  | { readonly _tag: "SocketClosed" }

export type ConnectionCommand =
  | { readonly _tag: "SendFrame"; readonly frame: ServerFrame }
  | { readonly _tag: "SendEncoded"; readonly encoded: Uint8Array }
  | { readonly _tag: "SendPing" }
  /** Hand the request to the router; exactly one `RequestSettled` must come back. */
  | { readonly _tag: "Dispatch"; readonly request: Request; readonly data: unknown }
  | { readonly _tag: "Pause" }
  | { readonly _tag: "Resume" }
  | { readonly _tag: "Close"; readonly close: CloseName; readonly retryAfter: number | undefined }

export type Step = readonly [state: ConnectionState, commands: ReadonlyArray<ConnectionCommand>]

/** The state of a connection that opens at `now`. */
export const open = (
  now: number,
  limits: ConnectionLimits,
  options: {
    readonly ackMode: AckMode
    /** When the token that opened it ends, Unix milliseconds. */
    readonly tokenExpiresAt: number
    /** Shortens the lifetime by this part of it, 0 to 0.1, so that a fleet does not reconnect at once. */
    readonly lifetimeCut: number
  }
): ConnectionState => ({
  ackMode: options.ackMode,
  lifetimeEndsAt:
    limits.maxLifetimeMillis === 0
      ? Number.POSITIVE_INFINITY
      : now + Math.round(limits.maxLifetimeMillis * (1 - options.lifetimeCut)),
  tokenExpiresAt: options.tokenExpiresAt,
  heardAt: now,
  activeAt: now,
  nextPingAt: limits.heartbeatIntervalMillis === 0 ? Number.POSITIVE_INFINITY : now + limits.heartbeatIntervalMillis,
  rateCredit: limits.rateLimit === undefined ? 0 : limits.rateLimit.count * limits.rateLimit.windowMillis,
  rateRefilledAt: now,
  badFrameTimes: [],
  rateStrikeTimes: [],
  inFlight: 0,
  pushesUnacked: 0,
  paused: false,
  closed: false
})

const heartbeatEndsAt = (state: ConnectionState, limits: ConnectionLimits): number =>
  limits.heartbeatIntervalMillis === 0
    ? Number.POSITIVE_INFINITY
    : state.heardAt + limits.heartbeatIntervalMillis + limits.heartbeatGraceMillis

const idleEndsAt = (state: ConnectionState, limits: ConnectionLimits): number =>
  limits.idleTimeoutMillis === 0 ? Number.POSITIVE_INFINITY : state.activeAt + limits.idleTimeoutMillis

/** When the machine next wants `DeadlineReached`; `Infinity` when it does not. */
export const deadline = (state: ConnectionState, limits: ConnectionLimits): number =>
  state.closed
    ? Number.POSITIVE_INFINITY
    : Math.min(
        heartbeatEndsAt(state, limits),
        idleEndsAt(state, limits),
        state.lifetimeEndsAt,
        state.tokenExpiresAt,
        state.nextPingAt
      )

/** The close that the earliest of the passed deadlines asks for. */
const expired = (state: ConnectionState, limits: ConnectionLimits, now: number): CloseName | undefined => {
  let earliest = now
  let close: CloseName | undefined
  const consider = (at: number, name: CloseName) => {
    if (at < earliest || (at === earliest && close === undefined)) {
      earliest = at
      close = name
    }
  }
  consider(heartbeatEndsAt(state, limits), "HeartbeatTimeout")
  consider(idleEndsAt(state, limits), "IdleTimeout")
  consider(state.lifetimeEndsAt, "LifetimeExceeded")
  consider(state.tokenExpiresAt, "TokenExpired")
  return close
}

const none: ReadonlyArray<ConnectionCommand> = []

/** The next state and what is to be done, in order. */
export const step = (state: ConnectionState, event: ConnectionEvent, now: number, limits: ConnectionLimits): Step => {
  if (state.closed) return [state, none]
  switch (event._tag) {
    case "FrameReceived":
      return onFrame({ ...state, heardAt: now }, event.frame, now, limits)
    case "BadFrameReceived":
      return onBadFrame({ ...state, heardAt: now }, event.bad, now, limits)
    case "PeerSeen":
      return [{ ...state, heardAt: now }, none]
    case "RequestSettled":
      return onSettled(state, event.request, event.outcome, now, limits)
    case "MessagePushed":
      return [
        state.ackMode === "none" || state.pushesUnacked >= limits.pushesUnackedMax
          ? state
          : { ...state, pushesUnacked: state.pushesUnacked + 1 },
        [{ _tag: "SendEncoded", encoded: event.encoded }]
      ]
    case "DeadlineReached":
      return onDeadline(state, now, limits)
    case "CloseAsked":
      return close(state, event.close, event.retryAfter)
    case "SocketClosed":
      return [{ ...state, closed: true }, none]
  }
}

const close = (state: ConnectionState, name: CloseName, retryAfter?: number): Step => [
  { ...state, closed: true },
  [{ _tag: "Close", close: name, retryAfter }]
]

const send = (state: ConnectionState, frame: ServerFrame): Step => [state, [{ _tag: "SendFrame", frame }]]

const onDeadline = (state: ConnectionState, now: number, limits: ConnectionLimits): Step => {
  const name = expired(state, limits, now)
  if (name !== undefined) return close(state, name)
  if (now < state.nextPingAt) return [state, none]
  return [{ ...state, nextPingAt: now + limits.heartbeatIntervalMillis }, [{ _tag: "SendPing" }]]
}

/** Adds a strike and forgets those that are older than the window. */
const strike = (times: ReadonlyArray<number>, now: number, limits: ConnectionLimits): ReadonlyArray<number> => [
  ...times.filter((time) => time > now - limits.strikeWindowMillis),
  now
]

const onBadFrame = (state: ConnectionState, bad: BadFrame, now: number, limits: ConnectionLimits): Step => {
  const badFrameTimes = strike(state.badFrameTimes, now, limits)
  if (badFrameTimes.length >= limits.badFramesMax) return close(state, "Abuse")
  return send({ ...state, badFrameTimes }, errFrame(bad.id, ApiError.of("BadParameters", { msg: bad.problem })))
}

const onFrame = (state: ConnectionState, frame: Frame, now: number, limits: ConnectionLimits): Step => {
  switch (frame.frameType) {
    case FrameType.err:
      return withinRate(state, frame, now, limits, (next) => [next, none])
    case FrameType.ack:
      // Only the ack of a push is an operation; an ack of nothing must not keep an idle connection.
      return state.pushesUnacked > 0
        ? [{ ...state, activeAt: now, pushesUnacked: state.pushesUnacked - 1 }, none]
        : withinRate(state, frame, now, limits, (next) => [next, none])
    case FrameType.ping:
      return withinRate(state, frame, now, limits, (next) => send(next, pingFrame(frame.id)))
    case FrameType.data:
    case FrameType.noAck:
      return withinRate({ ...state, activeAt: now }, frame, now, limits, (next) => dispatch(next, frame, limits))
  }
}

const withinRate = (
  state: ConnectionState,
  frame: Frame,
  now: number,
  limits: ConnectionLimits,
  use: (state: ConnectionState) => Step
): Step => {
  if (limits.rateLimit === undefined) return use(state)
  const { count, windowMillis } = limits.rateLimit
  // The clock of the wall can be set back; that must not cost anybody credit.
  const refilled = state.rateCredit + Math.max(0, now - state.rateRefilledAt) * count
  const rateCredit = Math.min(count * windowMillis, refilled)
  if (rateCredit >= windowMillis) return use({ ...state, rateCredit: rateCredit - windowMillis, rateRefilledAt: now })

  const retryAfter = Math.ceil((windowMillis - rateCredit) / count)
  const rateStrikeTimes = strike(state.rateStrikeTimes, now, limits)
  if (rateStrikeTimes.length >= limits.rateStrikesMax) return close(state, "RateLimited", retryAfter)
  return send(
    { ...state, rateCredit, rateRefilledAt: now, rateStrikeTimes },
    errFrame(frame.id, ApiError.of("RateLimited", { retryAfter }), frame.method)
  )
}

const dispatch = (state: ConnectionState, frame: Frame, limits: ConnectionLimits): Step => {
  const request: Request = {
    id: frame.id,
    method: frame.method,
    ackSeq: frame.ackSeq,
    wantsAck: state.ackMode !== "none" && frame.frameType !== FrameType.noAck
  }
  const inFlight = state.inFlight + 1
  const command: ConnectionCommand = { _tag: "Dispatch", request, data: frame.data }
  return !state.paused && inFlight >= limits.inFlightMax
    ? [{ ...state, inFlight, paused: true }, [{ _tag: "Pause" }, command]]
    : [{ ...state, inFlight }, [command]]
}

const onSettled = (
  state: ConnectionState,
  request: Request,
  outcome: Outcome,
  now: number,
  limits: ConnectionLimits
): Step => {
  const inFlight = state.inFlight - 1
  const resumed = state.paused && inFlight <= limits.inFlightMax / 2
  const next: ConnectionState = { ...state, inFlight, paused: state.paused && !resumed }
  const frame = answer(request, outcome, now)
  const commands: Array<ConnectionCommand> = []
  if (frame !== undefined) commands.push({ _tag: "SendFrame", frame })
  if (resumed) commands.push({ _tag: "Resume" })
  return [next, commands]
}

const answer = (request: Request, outcome: Outcome, now: number): ServerFrame | undefined => {
  switch (outcome._tag) {
    case "Done":
      return request.wantsAck ? ackFrame(request.id, request.ackSeq, now, outcome.data) : undefined
    case "Answered":
      return dataFrame(request.id, request.method, rootUserId, outcome.data)
    case "Failed":
      return errFrame(request.id, outcome.error, request.method)
  }
}
