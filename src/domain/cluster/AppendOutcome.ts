/** The outcomes of drafts, and the port that brings them to the gateways that hold the connections. */
import { Context, type Effect, Schema } from "effect"
import type { Draft } from "../messages/Draft.ts"
import type { Message } from "../messages/Message.ts"
import { AppendResult } from "../messages/MessageStore.ts"
import { ConnectionId, MessageId } from "../shared/Ids.ts"

/** The result of a draft: a message for the members, and a response for the connection that waits for it. */
export const AppendOutcome = Schema.Struct({
  /** The id of the draft. A stored message has the same one; a duplicate's message has that of the first draft. */
  draftId: MessageId,
  origin: Schema.optional(ConnectionId),
  result: AppendResult
})
export type AppendOutcome = typeof AppendOutcome.Type

export const appendOutcome = ({ messageId, origin }: Draft, result: AppendResult): AppendOutcome => ({
  draftId: messageId,
  origin,
  result
})

/**
 * The message to push, if any: a new one, or one whose draft was read from Kafka a second time, after a crash between
 * storing and delivering. A device that has it already recognises it by its seq.
 */
export const deliverable = ({ draftId, result }: AppendOutcome): Message | undefined => {
  if (result._tag === "Rejected") return undefined
  return result._tag === "Stored" || result.message.messageId === draftId ? result.message : undefined
}

/** Brings outcomes to the receivers of their messages and to the connections that wait for them. */
export class ResultFanOut extends Context.Service<
  ResultFanOut,
  {
    /** Ends when every gateway has taken them. A gateway that is away requests a resync of its clients later. */
    readonly fanOut: (outcomes: ReadonlyArray<AppendOutcome>) => Effect.Effect<void>
  }
>()("fiberchat/domain/ResultFanOut") {}
