/**
 * The connection machine: everything that a connection decides, as a pure function of its state, an event and the
 * time, monotonic for its intervals and by the wall clock for what its client is told. The actor around it
 * (`src/actors/connections/ConnectionActor.ts`) performs the commands and arms one timer for
 * {@link deadline}. Protocol.md sections 1.2 to 1.5.
 */
import { Result, Schema } from "effect"
import type { Message } from "../messages/Message.ts"
import type { AckMode } from "../protocol/AckMode.ts"
import { isCommand, isSignal, requestsMissed } from "../protocol/ClientMethods.ts"
import type { CloseName } from "../protocol/CloseCode.ts"
import {
  type BadFrame,
  errFrame,
  type Frame,
  FrameType,
  PushAck,
  pingFrame,
  type ServerFrame
} from "../protocol/Frame.ts"
import { failure } from "../shared/Failure.ts"
import { type ConnectionClocks, expired, firstEnd, started } from "./ConnectionClocks.ts"
import type { ConnectionLimits } from "./ConnectionLimits.ts"
import { confirmed, type InboundAcks, type InboundStep, inboundDue, noneWaiting, received } from "./InboundAcks.ts"
import { acknowledged, leaveOut, noneUnacked, type OutboundAcks, outboundDue, pushed, synced } from "./OutboundAcks.ts"
import { type Outcome, type Request, responseTo } from "./Outcome.ts"
import { charge, frameUnits, fullBudget, indebted, isIndebted, paid, type RateBudget } from "./RateBudget.ts"

export interface ConnectionState extends ConnectionClocks {
  readonly ackMode: AckMode
  readonly nextPingAt: number
  /** In debt the socket is not read until it has been paid. */
  readonly budget: RateBudget
  readonly badFrameTimes: ReadonlyArray<number>
  readonly inFlight: number
  readonly inbound: InboundAcks
  readonly outbound: OutboundAcks
  /** Whether too many requests are in flight to read another one. */
  readonly isBusy: boolean
  readonly closed: boolean
}

export type ConnectionEvent =
  | { readonly _tag: "FrameReceived"; readonly frame: Frame }
  | { readonly _tag: "BadFrameReceived"; readonly bad: BadFrame }
  /** A WebSocket ping or pong. */
  | { readonly _tag: "PeerSeen" }
  /** The user of the connection, or their network, is in debt until then. */
  | { readonly _tag: "Indebted"; readonly until: number }
  | { readonly _tag: "RequestSettled"; readonly request: Request; readonly outcome: Outcome }
  /** A message and its push frame, encoded once for all connections. */
  | { readonly _tag: "MessagePushed"; readonly message: Message; readonly encoded: Uint8Array }
  /** A frame that takes no ack, encoded once for all connections. */
  | { readonly _tag: "Notified"; readonly encoded: Uint8Array }
  | { readonly _tag: "DeadlineReached" }
  | { readonly _tag: "CloseAsked"; readonly close: CloseName; readonly retryAfter?: number }
  /** The peer broke the WebSocket protocol, or sent a frame above the limit: the socket is closing. */
  | { readonly _tag: "ProtocolViolated" }
  /** The socket is closed, by the peer or the network. */
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
    /** When the token that opened it ends. */
    readonly tokenExpiresAt: number
    /** Shortens the lifetime by this part of it, 0 to 0.1, so that a fleet does not reconnect at once. */
    readonly lifetimeJitter: number
  }
): ConnectionState => ({
  ackMode: options.ackMode,
  ...started(now, limits, options.tokenExpiresAt, options.lifetimeJitter),
  nextPingAt: limits.heartbeatIntervalMillis === 0 ? Number.POSITIVE_INFINITY : now + limits.heartbeatIntervalMillis,
  budget: fullBudget(now, limits.rateLimit),
  badFrameTimes: [],
  inFlight: 0,
  inbound: noneWaiting,
  outbound: noneUnacked,
  isBusy: false,
  closed: false
})

/** When the machine next wants `DeadlineReached`; `Infinity` when it does not. */
export const deadline = (state: ConnectionState, limits: ConnectionLimits): number =>
  state.closed
    ? Number.POSITIVE_INFINITY
    : Math.min(
        firstEnd(judged(state), limits),
        state.nextPingAt,
        state.budget.paidAt,
        state.inbound.dueAt,
        state.outbound.dueAt
      )

/** Whether the socket is read. */
export const isReading = ({ isBusy, budget }: ConnectionState): boolean => !isBusy && !isIndebted(budget)

/** The clocks, of which that of the heartbeat stands still while the socket is not read: the peer cannot be heard. */
const judged = (state: ConnectionState): ConnectionClocks =>
  isReading(state) ? state : { ...state, heardAt: Number.POSITIVE_INFINITY }

const none: ReadonlyArray<ConnectionCommand> = []

/** The next state, and the commands to perform, in order. `ackTime` in Unix milliseconds is that of acks which it makes. */
export const step = (
  state: ConnectionState,
  event: ConnectionEvent,
  now: number,
  limits: ConnectionLimits,
  ackTime: number
): Step => {
  if (state.closed) return [state, none]
  switch (event._tag) {
    case "FrameReceived":
      return onFrame({ ...state, heardAt: now }, event.frame, now, limits, ackTime)
    case "BadFrameReceived":
      return onBadFrame({ ...state, heardAt: now }, event.bad, now, limits)
    case "PeerSeen":
      return [{ ...state, heardAt: now }, none]
    case "Indebted":
      return paused(state, { ...state, budget: indebted(state.budget, event.until) }, none)
    case "RequestSettled":
      return onSettled(state, event.request, event.outcome, now, limits, ackTime)
    case "MessagePushed":
      return onPushed(state, event.message, event.encoded, now, limits)
    case "Notified":
      return [state, [{ _tag: "SendEncoded", encoded: event.encoded }]]
    case "DeadlineReached":
      return onDeadline(state, now, limits)
    case "CloseAsked":
      return close(state, event.close, event.retryAfter)
    case "ProtocolViolated":
      return close(state, "ProtocolError")
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
  const name = expired(judged(state), limits, now)
  if (name !== undefined) return close(state, name)
  let next = state
  let commands: ReadonlyArray<ConnectionCommand> = none
  if (next.budget.paidAt <= now) [next, commands] = resumed(next, { ...next, budget: paid(next.budget) }, now)
  if (next.inbound.dueAt <= now) {
    const [after, wanted] = takeTurns(next, inboundDue(next.inbound, now, limits), limits)
    next = after
    commands = [...commands, ...wanted]
  }
  if (next.outbound.dueAt <= now) {
    const [outbound, send] = outboundDue(next.outbound, now, limits)
    next = { ...next, outbound }
    commands = [...commands, ...sendAll(send)]
  }
  if (next.nextPingAt > now) return [next, commands]
  return [{ ...next, nextPingAt: now + limits.heartbeatIntervalMillis }, [...commands, { _tag: "SendPing" }]]
}

const sendAll = (frames: ReadonlyArray<ServerFrame>): ReadonlyArray<ConnectionCommand> =>
  frames.map((frame) => ({ _tag: "SendFrame", frame }))

const onPushed = (
  state: ConnectionState,
  message: Message,
  encoded: Uint8Array,
  now: number,
  limits: ConnectionLimits
): Step => {
  if (state.ackMode === "none") return [state, [{ _tag: "SendEncoded", encoded }]]
  const room = pushed(state.outbound, message, now, limits)
  if (room !== undefined) return [{ ...state, outbound: room }, [{ _tag: "SendEncoded", encoded }]]
  const [outbound, notice] = leaveOut(state.outbound, message, limits)
  return [{ ...state, outbound }, notice === undefined ? none : [{ _tag: "SendFrame", frame: notice }]]
}

/** Adds a strike, and drops those older than the window. */
const strike = (times: ReadonlyArray<number>, now: number, limits: ConnectionLimits): ReadonlyArray<number> => [
  ...times.filter((time) => time > now - limits.strikeWindowMillis),
  now
]

const onBadFrame = (state: ConnectionState, bad: BadFrame, now: number, limits: ConnectionLimits): Step => {
  const badFrameTimes = strike(state.badFrameTimes, now, limits)
  if (badFrameTimes.length >= limits.badFramesMax) return close(state, "Abuse")
  const error = errFrame(bad.id, failure("BadParameters", { msg: bad.problem }))
  return charged(send({ ...state, badFrameTimes }, error), bad, now, limits)
}

const onFrame = (
  state: ConnectionState,
  frame: Frame,
  now: number,
  limits: ConnectionLimits,
  ackTime: number
): Step => {
  switch (frame.frameType) {
    case FrameType.err:
      return charged([state, none], frame, now, limits)
    case FrameType.ack:
      return onAck(state, frame, now, limits)
    case FrameType.ping:
      return charged(send(state, pingFrame(frame.id)), frame, now, limits)
    case FrameType.data:
    case FrameType.noAck:
      return charged(onData({ ...state, activeAt: now }, frame, now, limits, ackTime), frame, now, limits)
  }
}

/** The client confirms a frame of its own, or acknowledges pushes. An ack of nothing counts as any other frame. */
const onAck = (state: ConnectionState, frame: Frame, now: number, limits: ConnectionLimits): Step => {
  if (frame.ackSeq >= confirmation) {
    const step = confirmed(state.inbound, frame.id, limits)
    return step === undefined ? charged([state, none], frame, now, limits) : takeTurns(state, step, limits)
  }
  const upTo = frame.data === undefined || frame.data === null ? undefined : decodePushAck(frame.data)
  if (upTo !== undefined && Result.isFailure(upTo)) {
    return onBadFrame(state, { id: frame.id, problem: upTo.failure.message, size: frame.size }, now, limits)
  }
  const outbound = acknowledged(state.outbound, frame.id, upTo?.success)
  // Only the ack of a push is an operation; an ack of nothing must not keep an idle connection.
  return outbound === state.outbound
    ? charged([state, none], frame, now, limits)
    : [{ ...state, activeAt: now, outbound }, none]
}

/** The client's step in an exchange of mode rigor; below it an ack is a push's. */
const confirmation = 2
const decodePushAck = Schema.decodeUnknownResult(PushAck)

const onData = (state: ConnectionState, frame: Frame, now: number, limits: ConnectionLimits, ackTime: number): Step => {
  if (state.ackMode === "rigor" && isCommand(frame.method)) {
    return takeTurns(state, received(state.inbound, frame, now, limits, ackTime), limits)
  }
  const next = requestsMissed(frame.method) ? { ...state, outbound: synced(state.outbound) } : state
  return dispatch(next, frame, frame.ackSeq, limits)
}

/** Performs a step of the ack exchange: acks and errors first, then the frames whose turn has come. */
const takeTurns = (state: ConnectionState, { acks, send, ready }: InboundStep, limits: ConnectionLimits): Step => {
  const commands: Array<ConnectionCommand> = [...sendAll(send)]
  let next: ConnectionState = { ...state, inbound: acks }
  for (const frame of ready) {
    const [after, wanted] = dispatch(next, frame, confirmation, limits)
    next = after
    commands.push(...wanted)
  }
  return [next, commands]
}

/**
 * Takes the cost of a frame from the budget once it is handled. A client past its budget is never refused: its socket is
 * not read until the debt is paid, so that it is slowed down and its frames keep their order.
 */
const charged = ([state, commands]: Step, { size }: Pick<Frame, "size">, now: number, limits: ConnectionLimits): Step =>
  paused(state, { ...state, budget: charge(state.budget, frameUnits(size), now, limits.rateLimit) }, commands)

/** Stops reading the socket where there is a reason now, and was none before. */
const paused = (before: ConnectionState, after: ConnectionState, commands: ReadonlyArray<ConnectionCommand>): Step => [
  after,
  !after.closed && isReading(before) && !isReading(after) ? [...commands, { _tag: "Pause" }] : commands
]

/** Reads the socket again, unless there is another reason not to. What the peer sent meanwhile has yet to be read. */
const resumed = (before: ConnectionState, after: ConnectionState, now: number): Step =>
  isReading(before) || !isReading(after) ? [after, none] : [{ ...after, heardAt: now }, [{ _tag: "Resume" }]]

/** Hands a request over; `ackSeq` is the client's last step before it is processed. */
const dispatch = (state: ConnectionState, frame: Frame, ackSeq: number, limits: ConnectionLimits): Step => {
  const request: Request = {
    id: frame.id,
    method: frame.method,
    ackSeq,
    wantsAck: state.ackMode !== "none" && frame.frameType !== FrameType.noAck && !isSignal(frame.method)
  }
  const inFlight = state.inFlight + 1
  const command: ConnectionCommand = { _tag: "Dispatch", request, data: frame.data }
  if (state.isBusy || inFlight < limits.inFlightMax) return [{ ...state, inFlight }, [command]]
  return [{ ...state, inFlight, isBusy: true }, isReading(state) ? [{ _tag: "Pause" }, command] : [command]]
}

const onSettled = (
  state: ConnectionState,
  request: Request,
  outcome: Outcome,
  now: number,
  limits: ConnectionLimits,
  ackTime: number
): Step => {
  const inFlight = state.inFlight - 1
  const isBusy = state.isBusy && inFlight > limits.inFlightMax / 2
  const [next, resume] = resumed(state, { ...state, inFlight, isBusy }, now)
  const frame = responseTo(request, outcome, ackTime)
  return [next, frame === undefined ? resume : [{ _tag: "SendFrame", frame }, ...resume]]
}
