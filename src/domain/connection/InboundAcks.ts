/**
 * Acks of the client's commands in mode rigor, as a pure machine (protocol.md section 1.4). A frame is acknowledged at
 * once, waits for the client to confirm that ack, and takes its turn when every frame before it has had its own.
 */
import { ackFrame, errFrame, type Frame, FrameType, type ServerFrame } from "../protocol/Frame.ts"
import { type AnyFailure, failure } from "../shared/Failure.ts"
import { isSameJson } from "../shared/Json.ts"
import type { AckLimits } from "./AckService.ts"

/** A frame that waits for its turn. */
export interface WaitingFrame {
  readonly frame: Omit<Frame, "data">
  /** The frame's data as JSON, since parsed it may take twenty times the memory; `undefined` where it has none. */
  readonly data: string | undefined
  /** Whether the client has confirmed the ack. A noAck frame counts as confirmed: it waits only for those before it. */
  readonly confirmed: boolean
  /** When the server's ack was first sent: for its timeout, and in Unix milliseconds for the client. */
  readonly ackedAt: number
  readonly ackTime: number
  /** How often it was sent again. */
  readonly errCount: number
  /** When that ack is next repeated. */
  readonly repeatAt: number
}

export interface InboundAcks {
  /** In the order in which they were received. The first one is unconfirmed: confirmed frames leave from the front. */
  readonly waiting: ReadonlyArray<WaitingFrame>
  /** When {@link inboundDue} is wanted. */
  readonly dueAt: number
}

/** The result of one step: frames to send, then frames whose turn has come. */
export interface InboundStep {
  readonly acks: InboundAcks
  readonly send: ReadonlyArray<ServerFrame>
  readonly ready: ReadonlyArray<Frame>
}

/** Nothing waits; one value for all connections of which this is true. */
export const noneWaiting: InboundAcks = { waiting: [], dueAt: Number.POSITIVE_INFINITY }

/** Takes a command, or a noAck frame with one. */
export const received = (
  acks: InboundAcks,
  frame: Frame,
  now: number,
  limits: AckLimits,
  ackTime: number
): InboundStep => {
  const wantsAck = frame.frameType !== FrameType.noAck
  const first = acks.waiting.find((waiting) => waiting.frame.id === frame.id)
  if (first !== undefined) return receivedAgain(acks, first, frame, limits)
  if (!wantsAck && acks.waiting.length === 0) return { acks, send: [], ready: [frame] }
  const size = acks.waiting.reduce((sum, waiting) => sum + waiting.frame.size, frame.size)
  // A frame that is too large by itself may wait alone: it would be refused for ever.
  const isTooMuch = acks.waiting.length > 0 && size > limits.unconfirmedSizeMax
  if (acks.waiting.length >= limits.unconfirmedMax || isTooMuch) {
    const msg = "too many frames wait to be confirmed"
    return refused(acks, frame, failure("Overloaded", { msg, retryAfter: limits.ackRetryMillis }))
  }
  const waiting: WaitingFrame = {
    ...packed(frame),
    confirmed: !wantsAck,
    ackedAt: now,
    ackTime,
    errCount: 0,
    repeatAt: now + limits.ackRetryMillis
  }
  return {
    acks: waitingOf([...acks.waiting, waiting], limits),
    send: wantsAck ? [serverAck(waiting)] : [],
    ready: []
  }
}

/** Takes the client's ack of a server ack; `undefined` when no unconfirmed frame has this id. */
export const confirmed = (acks: InboundAcks, id: string, limits: AckLimits): InboundStep | undefined => {
  const index = acks.waiting.findIndex((waiting) => waiting.frame.id === id && !waiting.confirmed)
  const found = acks.waiting[index]
  return found === undefined ? undefined : turn(acks.waiting.with(index, { ...found, confirmed: true }), [], limits)
}

/** Repeats the acks whose time has come, and forgets the frames that were not confirmed in time. */
export const inboundDue = (acks: InboundAcks, now: number, limits: AckLimits): InboundStep => {
  const send: Array<ServerFrame> = []
  const waiting = acks.waiting.flatMap((before): ReadonlyArray<WaitingFrame> => {
    if (before.confirmed) return [before]
    if (before.ackedAt + limits.ackTimeoutMillis <= now) {
      send.push(errFrame(before.frame.id, failure("Unconfirmed"), before.frame.method))
      return []
    }
    if (before.repeatAt > now) return [before]
    const errCount = before.errCount + 1
    const after = { ...before, errCount, repeatAt: now + limits.ackRetryMillis * 2 ** errCount }
    send.push(serverAck(after))
    return [after]
  })
  return turn(waiting, send, limits)
}

/** Takes the confirmed frames from the front: those before the first unconfirmed one. */
const turn = (
  waiting: ReadonlyArray<WaitingFrame>,
  send: ReadonlyArray<ServerFrame>,
  limits: AckLimits
): InboundStep => {
  const first = waiting.findIndex(({ confirmed }) => !confirmed)
  const end = first < 0 ? waiting.length : first
  const ready = waiting.slice(0, end).map(unpacked)
  return { acks: waitingOf(waiting.slice(end), limits), send, ready }
}

const waitingOf = (waiting: ReadonlyArray<WaitingFrame>, limits: AckLimits): InboundAcks => {
  if (waiting.length === 0) return noneWaiting
  let dueAt = Number.POSITIVE_INFINITY
  for (const { confirmed, repeatAt, ackedAt } of waiting) {
    if (!confirmed) dueAt = Math.min(dueAt, repeatAt, ackedAt + limits.ackTimeoutMillis)
  }
  return { waiting, dueAt }
}

/** The same frame is acknowledged again; another one under its id is refused, and the first stays. */
const receivedAgain = (acks: InboundAcks, first: WaitingFrame, frame: Frame, limits: AckLimits): InboundStep => {
  const copy = packed(frame)
  if (first.frame.method !== frame.method || !isSameData(first.data, copy.data)) {
    return refused(acks, frame, failure("Conflict", { msg: "this id already names another frame" }))
  }
  if (frame.frameType === FrameType.noAck) return { acks, send: [], ready: [] }
  // The first copy may have been a noAck frame: a copy that wants acks gets all of them, the last one included.
  const waiting = acks.waiting.map((other) => (other === first ? { ...first, ...copy } : other))
  return { acks: waitingOf(waiting, limits), send: [serverAck(first)], ready: [] }
}

const packed = ({ data, ...frame }: Frame): Pick<WaitingFrame, "frame" | "data"> => ({
  frame,
  data: data === undefined ? undefined : JSON.stringify(data)
})

const unpacked = ({ frame, data }: WaitingFrame): Frame => ({
  ...frame,
  data: data === undefined ? undefined : JSON.parse(data)
})

const isSameData = (one: string | undefined, other: string | undefined): boolean =>
  one === undefined || other === undefined ? one === other : isSameJson(one, other)

const refused = (acks: InboundAcks, frame: Frame, error: AnyFailure): InboundStep => ({
  acks,
  send: [errFrame(frame.id, error, frame.method)],
  ready: []
})

const serverAck = ({ frame, ackTime, errCount }: WaitingFrame): ServerFrame =>
  ackFrame(frame.id, 0, ackTime, { errCount })
