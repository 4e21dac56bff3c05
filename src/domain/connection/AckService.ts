/** Acks as the operator sets and sees them: the default mode, the limits, the counted failures. */
import { Context } from "effect"
import type { AckMode } from "../protocol/AckMode.ts"
import { FrameType, type ServerFrame } from "../protocol/Frame.ts"
import { events } from "../protocol/ServerEvents.ts"
import { errorTable } from "../shared/ErrorTable.ts"

/** Limits of the ack machines of one connection (protocol.md sections 1.4 and 1.5). */
export interface AckLimits {
  /** In mode rigor: how long a frame waits to be confirmed, and when the server's ack is first repeated. */
  readonly ackTimeoutMillis: number
  readonly ackRetryMillis: number
  /** In mode rigor: frames that wait for their turn; one more is refused. */
  readonly unconfirmedMax: number
  /** Their texts together, in UTF-16 units; one larger frame may wait alone. */
  readonly unconfirmedSizeMax: number
  /** When an unacknowledged push is first repeated, and how often it is. */
  readonly pushRetryMillis: number
  readonly pushRetryCount: number
  /** Unacknowledged pushes; one more is left out, and the client gets `sync.required`. */
  readonly unackedMax: number
  /** Conversations with left-out messages that `sync.required` names; past that one frame is for all others. */
  readonly leftOutMax: number
}

/** The limits that are no setting. */
export const fixedAckLimits = {
  unconfirmedMax: 64,
  unconfirmedSizeMax: 512 * 1024,
  unackedMax: 256,
  leftOutMax: 256
} as const

/** The ways in which an exchange of acks fails: a repetition, or giving up. */
export const ackFailures = ["AckRepeated", "Unconfirmed", "PushRepeated", "SyncRequired"] as const
export type AckFailure = (typeof ackFailures)[number]

export class AckService extends Context.Service<
  AckService,
  {
    /** The mode of connections whose request names none. */
    readonly mode: AckMode
    readonly limits: AckLimits
    /** Counts a failure; returns at once. */
    readonly count: (failure: AckFailure) => void
  }
>()("fiberchat/domain/AckService") {}

/** The failure that a frame of the server shows, if any. */
export const ackFailureOf = ({ frameType, method, ackErrCount, data }: ServerFrame): AckFailure | undefined => {
  if (ackErrCount !== undefined) return frameType === FrameType.ack ? "AckRepeated" : "PushRepeated"
  if (method === events.syncRequired.name) return "SyncRequired"
  if (frameType !== FrameType.err) return undefined
  return (data as { readonly code: number }).code === errorTable.Unconfirmed.code ? "Unconfirmed" : undefined
}
