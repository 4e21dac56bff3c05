/** The port to the pipeline between the gateway and the message store. */
import { Context, type Effect } from "effect"
import type { Draft } from "../messages/Message.ts"
import type { AppendResult } from "../messages/MessageStore.ts"
import type { Failure } from "../shared/Failure.ts"
import type { MessageId } from "../shared/Ids.ts"

/** Called once with what became of a draft; must return at once. */
export type Reply = (result: AppendResult) => void

/** What the drafts come to. */
export interface Consumer {
  /** Stores a batch of drafts, in order, and answers each; hands over what comes of it before it returns. */
  readonly process: (drafts: ReadonlyArray<Draft>) => Effect.Effect<ReadonlyArray<AppendResult>, Failure>
  /** Hands over that a draft is given up: `process` fails with it, and would for ever. */
  readonly refuse: (draft: Draft, error: Failure) => Effect.Effect<void>
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
     * Runs the consumer, which gets batches in order and answers each draft. A draft counts as delivered when it has
     * returned. Runs until interrupted.
     */
    readonly consume: (consumer: Consumer) => Effect.Effect<never>
    /** What became of a draft that a consumer in another process has stored. Unknown drafts are ignored. */
    readonly settle: (draftId: MessageId, result: AppendResult) => void
    /** Whether drafts get through at the moment; while they do not, they wait, up to a bound. */
    readonly isConnected: () => boolean
  }
>()("fiberchat/domain/Transfer") {}
