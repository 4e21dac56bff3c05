/** The way of what was stored to the gateways that hold the connections (protocol.md section 1.6, `push`). */
import { Context, type Effect, Schema } from "effect"
import type { Draft, Message } from "../messages/Message.ts"
import { AppendResult } from "../messages/MessageStore.ts"
import { ConnectionId, MessageId } from "../shared/Ids.ts"

/** What became of a draft: the message for those who get it, and the result for the connection that waits for it. */
export const Outgoing = Schema.Struct({
  /** The id that the gateway gave to the draft. A duplicate's message has that of the first. */
  draftId: MessageId,
  origin: Schema.optional(ConnectionId),
  /** The draft was a copy: the first one has been pushed. */
  repeated: Schema.optionalKey(Schema.Boolean),
  result: AppendResult
})
export type Outgoing = typeof Outgoing.Type

export const outgoingOf = ({ messageId, origin, repeated }: Draft, result: AppendResult): Outgoing => ({
  draftId: messageId,
  origin,
  ...(repeated === undefined ? {} : { repeated }),
  result
})

/**
 * The message that its members get, if any: one that is new, or one whose draft comes again because a crash came
 * between storing and handing over. Who has it already knows it by its seq.
 */
export const pushOf = ({ draftId, repeated, result }: Outgoing): Message | undefined => {
  if (result._tag === "Rejected") return undefined
  const isAgain = result.message.messageId === draftId && repeated !== true
  return result._tag === "Stored" || isAgain ? result.message : undefined
}

/** Results in one frame at most. */
export const outgoingMax = 512

/** Payload of `push`: what became of drafts, in the order in which they were stored. */
export const PushPayload = Schema.Struct({ results: Schema.Array(Outgoing).check(Schema.isMaxLength(outgoingMax)) })

/** Brings what was stored to its receivers and to who waits for it. Who is not there finds it by sync. */
export class Handover extends Context.Service<
  Handover,
  {
    /** Returns when the gateways have taken it. One that is not there will call on its clients to sync. */
    readonly handOver: (results: ReadonlyArray<Outgoing>) => Effect.Effect<void>
  }
>()("fiberchat/domain/Handover") {}
