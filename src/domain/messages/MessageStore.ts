/** The port to the stored messages: numbering, deduplication and history. */
import { Context, type Effect, Schema } from "effect"
import type { ConversationId } from "../shared/ConversationIds.ts"
import { type Failure, FailureSchema } from "../shared/Failure.ts"
import type { MessageId, UserId } from "../shared/Ids.ts"
import type { Draft } from "./Draft.ts"
import { Message } from "./Message.ts"
import { appendRefusals } from "./Refusals.ts"

/** The result of one draft. */
export const AppendResult = Schema.TaggedUnion({
  Stored: { message: Message },
  /** (sender, client id) was stored before; `message` is the first one. */
  Duplicate: { message: Message },
  /** Nothing was stored: the rules of conversations, groups or changes refuse it, or the id names another message. */
  Rejected: { error: FailureSchema(...appendRefusals) }
})
export type AppendResult = typeof AppendResult.Type

/** The most messages in one page of history. */
export const historyMax = 200

/** A part of a conversation: the oldest messages after `afterSeq`, or without it the newest; only those before `beforeSeq`. */
export interface HistoryQuery {
  readonly conversationId: ConversationId
  readonly beforeSeq?: number
  readonly afterSeq?: number
  readonly limit: number
}

/** A page of messages in ascending order of seq, and whether more lie beyond it. */
export interface HistoryPage {
  readonly messages: ReadonlyArray<Message>
  readonly hasMore: boolean
  /** The reader sees the messages after this one: `0` for all. */
  readonly joinedSeq: number
}

/** The Go project's window: `endSendTime < sendTime ≤ startSendTime`, newest first. */
export interface ChatLogQuery {
  readonly conversationId: ConversationId
  readonly startSendTime?: number
  readonly endSendTime?: number
  readonly beforeSeq?: number
  readonly afterSeq?: number
  readonly messageId?: string
  readonly limit: number
}

type ReadFailure = Failure<"NoConversation" | "DatabaseError">

/** The reading user; `undefined` is a service, which sees every conversation from its beginning. */
export type Reader = UserId | undefined

/** Non-members get `NoConversation`. */
export class MessageStore extends Context.Service<
  MessageStore,
  {
    /**
     * Stores drafts in one transaction and in order: refuses drafts against the rules, recognises repeated ones, and numbers
     * the rest per conversation. One result per draft, in the same order. When it fails nothing is stored. A draft that may
     * come again is decided once: its result stays.
     */
    readonly appendBatch: (
      drafts: ReadonlyArray<Draft>
    ) => Effect.Effect<ReadonlyArray<AppendResult>, Failure<"DatabaseError" | "ServerError">>
    /** The results of those of these drafts that are decided. */
    readonly decided: (
      drafts: ReadonlyArray<Draft>
    ) => Effect.Effect<ReadonlyMap<MessageId, AppendResult>, Failure<"DatabaseError">>
    readonly history: (reader: Reader, query: HistoryQuery) => Effect.Effect<HistoryPage, ReadFailure>
    readonly chatLog: (reader: Reader, query: ChatLogQuery) => Effect.Effect<ReadonlyArray<Message>, ReadFailure>
  }
>()("fiberchat/domain/MessageStore") {}
