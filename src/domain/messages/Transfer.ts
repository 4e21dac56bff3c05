/** The port to the pipeline between the gateway and the message store. */
import { Context, type Effect } from "effect"
import type { Failure } from "../shared/Failure.ts"
import type { MessageId } from "../shared/Ids.ts"
import type { Draft } from "./Draft.ts"
import type { AppendResult } from "./MessageStore.ts"
import type { TransferFailure } from "./Refusals.ts"

/** Called once with the result of a draft; must return at once. */
export type Reply = (result: AppendResult) => void

/** The receiver of the drafts. */
export interface Consumer {
  /** Stores a batch of drafts in order, fans their outcomes out, and returns one result per draft. */
  readonly process: (
    drafts: ReadonlyArray<Draft>
  ) => Effect.Effect<ReadonlyArray<AppendResult>, Failure<"DatabaseError" | "ServerError">>
  /** Fans out the refusal of a draft with which `process` fails each time. */
  readonly refuse: (draft: Draft, error: Failure<TransferFailure>) => Effect.Effect<void>
}

/**
 * Carries drafts to the consumer. Drafts of one conversation arrive in the order in which they were published. A
 * draft may arrive more than once after a crash; storing it again has no effect.
 */
export class Transfer extends Context.Service<
  Transfer,
  {
    /**
     * Hands a draft over without waiting. `reply` is called when it is durable or refused. Returns `false`, and never
     * calls `reply`, when the pipeline is full: nothing was taken.
     */
    readonly publish: (draft: Draft, reply: Reply) => boolean
    /**
     * Runs the consumer, which gets batches in order. A draft counts as delivered when the consumer has returned. Runs until
     * interrupted.
     */
    readonly consume: (consumer: Consumer) => Effect.Effect<never>
    /** Settles a draft with the result from a consumer in any process. Unknown drafts are ignored. */
    readonly settle: (draftId: MessageId, result: AppendResult) => void
    /** Whether drafts get through at the moment; while they do not, they wait, up to a bound. */
    readonly isConnected: () => boolean
  }
>()("fiberchat/domain/Transfer") {}
