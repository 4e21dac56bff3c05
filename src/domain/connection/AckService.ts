/** Acks as the operator sets and sees them: the mode of connections that ask for none, the limits, what is counted. */
import { Context } from "effect"
import { errorTable } from "../shared/ErrorTable.ts"
import { FrameType, type ServerFrame } from "./Frame.ts"

/** How data frames and pushes of a connection are acknowledged (protocol.md section 1.4). */
export const ackModes = ["none", "once", "rigor"] as const
export type AckMode = (typeof ackModes)[number]

/** Limits of the ack machines of one connection (protocol.md sections 1.4 and 1.5). */
export interface AckLimits {
  /** In mode rigor: how long a frame waits to be confirmed, and when the server's ack is first repeated. */
  readonly ackTimeoutMillis: number
  readonly ackRetryMillis: number
  /** In mode rigor: frames that wait for their turn; one more is refused. */
  readonly unconfirmedMax: number
  /** When an unacknowledged push is first repeated, and how often it is. */
  readonly pushRetryMillis: number
  readonly pushRetryCount: number
  /** Unacknowledged pushes; one more is left out, and the client is told to ask for it. */
  readonly unackedMax: number
  /** Conversations whose messages were left out and that the client was told of; the next stands for all others. */
  readonly leftOutMax: number
}

/** The limits that are no setting. */
export const fixedAckLimits = { unconfirmedMax: 64, unackedMax: 256, leftOutMax: 256 } as const

/** What an exchange that does not go smoothly shows. */
export const ackTroubles = ["AckRepeated", "Unconfirmed", "PushRepeated", "SyncRequired"] as const
export type AckTrouble = (typeof ackTroubles)[number]

export class AckService extends Context.Service<
  AckService,
  {
    /** The mode of connections that do not ask for one. */
    readonly mode: AckMode
    readonly limits: AckLimits
    /** Counts a trouble; returns at once. */
    readonly count: (trouble: AckTrouble) => void
  }
>()("fiberchat/domain/AckService") {}

/** The trouble that a frame of the server's tells of, if any. */
export const troubleOf = ({ frameType, method, ackErrCount, data }: ServerFrame): AckTrouble | undefined => {
  if (ackErrCount !== undefined) return frameType === FrameType.ack ? "AckRepeated" : "PushRepeated"
  if (method === "sync.required") return "SyncRequired"
  if (frameType !== FrameType.err) return undefined
  return (data as { readonly code: number }).code === errorTable.Unconfirmed.code ? "Unconfirmed" : undefined
}
