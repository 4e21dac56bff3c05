/**
 * Acks of the server's pushes, as a pure machine (protocol.md section 1.5): a window of pushes that the client has not
 * acknowledged, repeated with growing waits, and in the end left to `conversation.sync`.
 */
import type { Message } from "../messages/Message.ts"
import type { PushAck, ServerFrame } from "../protocol/Frame.ts"
import { events, pushFrame } from "../protocol/ServerEvents.ts"
import type { AckLimits } from "./AckService.ts"

/** A push that is not acknowledged. */
export interface UnackedPush {
  readonly message: Message
  /** How often it was sent again. */
  readonly errCount: number
  /** When it is sent again, or given up. */
  readonly dueAt: number
}

export interface OutboundAcks {
  /** In the order in which they were first sent. */
  readonly unacked: ReadonlyArray<UnackedPush>
  /** When {@link outboundDue} is wanted: when the first push is due, or earlier. */
  readonly dueAt: number
  /** Conversations of a `sync.required` to which the client has not reacted; {@link allOthers} is for the rest. */
  readonly leftOut: ReadonlySet<string>
}

/** Nothing is unacknowledged and nothing was left out; one value for all connections of which this is true. */
export const noneUnacked: OutboundAcks = {
  unacked: [],
  dueAt: Number.POSITIVE_INFINITY,
  leftOut: new Set()
}

/** No conversation has this id. */
const allOthers = ""

/** Content that one step sends again, in UTF-16 units; escaped as JSON it is at most half a mebibyte. */
const repeatedContentMax = 64 * 1024

/** Takes a message into the window. `undefined` when there is no room: it must be {@link leaveOut left out}. */
export const pushed = (
  acks: OutboundAcks,
  message: Message,
  now: number,
  limits: AckLimits
): OutboundAcks | undefined => {
  if (acks.unacked.length >= limits.unackedMax) return undefined
  const dueAt = now + limits.pushRetryMillis
  return {
    unacked: [...acks.unacked, { message, errCount: 0, dueAt }],
    dueAt: Math.min(acks.dueAt, dueAt),
    leftOut: acks.leftOut
  }
}

/** Leaves a message to sync: the client gets `sync.required`, once per conversation. */
export const leaveOut = (
  acks: OutboundAcks,
  { conversationId, seq }: Message,
  limits: AckLimits
): readonly [OutboundAcks, ServerFrame | undefined] => {
  if (acks.leftOut.has(conversationId) || acks.leftOut.has(allOthers)) return [acks, undefined]
  const isLast = acks.leftOut.size >= limits.leftOutMax
  const leftOut = new Set(acks.leftOut).add(isLast ? allOthers : conversationId)
  return [{ ...acks, leftOut }, events.syncRequired.frame(isLast ? {} : { conversationId, seq })]
}

/** Takes the client's ack; the same value comes back when it acknowledges nothing. */
export const acknowledged = (acks: OutboundAcks, id: string, upTo: PushAck | undefined): OutboundAcks => {
  const unacked = acks.unacked.filter(
    ({ message }) =>
      message.messageId !== id &&
      (upTo === undefined || message.conversationId !== upTo.conversationID || message.seq > upTo.seq)
  )
  // The deadline is left as it is: it may come too early and finds nothing then.
  return unacked.length === acks.unacked.length ? acks : tidy(unacked, acks.dueAt, acks.leftOut)
}

/** The client requests missed messages: a message that is left out from now on needs another `sync.required`. */
export const synced = (acks: OutboundAcks): OutboundAcks =>
  acks.leftOut.size === 0 ? acks : tidy(acks.unacked, acks.dueAt, noneUnacked.leftOut)

/**
 * Repeats the pushes whose time has come, and gives up those that were repeated often enough. Pushes that do not fit into
 * one step stay due.
 */
export const outboundDue = (
  acks: OutboundAcks,
  now: number,
  limits: AckLimits
): readonly [OutboundAcks, ReadonlyArray<ServerFrame>] => {
  const send: Array<ServerFrame> = []
  const unacked: Array<UnackedPush> = []
  let given = acks
  let dueAt = Number.POSITIVE_INFINITY
  let room = repeatedContentMax
  for (const push of acks.unacked) {
    let kept = push
    if (push.dueAt <= now && push.errCount >= limits.pushRetryCount) {
      const [left, event] = leaveOut(given, push.message, limits)
      given = left
      if (event !== undefined) send.push(event)
      continue
    }
    if (push.dueAt <= now && room > 0) {
      room -= push.message.content.length
      const errCount = push.errCount + 1
      send.push(pushFrame(push.message, errCount))
      kept = { message: push.message, errCount, dueAt: now + limits.pushRetryMillis * 2 ** errCount }
    }
    unacked.push(kept)
    dueAt = Math.min(dueAt, kept.dueAt)
  }
  return [tidy(unacked, dueAt, given.leftOut), send]
}

const tidy = (unacked: ReadonlyArray<UnackedPush>, dueAt: number, leftOut: ReadonlySet<string>): OutboundAcks => {
  if (unacked.length > 0) return { unacked, dueAt, leftOut }
  return leftOut.size === 0 ? noneUnacked : { ...noneUnacked, leftOut }
}
