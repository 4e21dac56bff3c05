/** The way of what was stored to the gateways that hold the connections (protocol.md section 1.6, `push`). */
import { Context, type Effect, Schema } from "effect"
import { ConnectionId, MessageId } from "./Ids.ts"
import { AppendResult } from "./MessageStore.ts"

/** What became of a draft: the message for those who get it, and the result for the connection that waits for it. */
export const Outgoing = Schema.Struct({
  /** The id that the gateway gave to the draft. A duplicate's message has that of the first. */
  draftId: MessageId,
  origin: Schema.optional(ConnectionId),
  result: AppendResult
})
export type Outgoing = typeof Outgoing.Type

/** Results in one frame at most. */
export const outgoingMax = 512

/** Payload of `push`: what became of drafts, in the order in which they were stored. */
export const PushPayload = Schema.Struct({ results: Schema.Array(Outgoing).check(Schema.isMaxLength(outgoingMax)) })

/** Brings what was stored to its receivers and to who waits for it. Who is not there finds it by sync. */
export class Handover extends Context.Service<
  Handover,
  {
    /** Returns when the gateways have taken it, or when one could not be reached for a time. */
    readonly handOver: (results: ReadonlyArray<Outgoing>) => Effect.Effect<void>
  }
>()("fiberchat/domain/Handover") {}
