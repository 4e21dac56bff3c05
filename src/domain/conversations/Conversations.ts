/** The port to what users have in their conversations: what changed, and how far they have read. */
import { Context, type Effect } from "effect"
import type { ConversationId } from "../shared/ConversationIds.ts"
import type { Failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"
import type { SyncPage, SyncPosition } from "./Sync.ts"

/** What a device asks for. */
export interface SyncQuery {
  readonly position: SyncPosition
  /** Messages in the page. */
  readonly limit: number
  /** For a device that has nothing: at most so many newest messages of each conversation. */
  readonly newest: number | undefined
  /** Positions that the device knows better than the cursor. */
  readonly known: { readonly [conversationId: string]: number }
}

/** A read position after it was asked to move. */
export interface ReadMark {
  readonly seq: number
  readonly moved: boolean
  /** One of the two in a private conversation blocks the other: only the reader's own devices hear of it. */
  readonly isBlocked: boolean
}

/** Who has read a message, its sender left out, of those who see it. */
export interface ReadRecords {
  readonly reads: ReadonlyArray<UserId>
  readonly unReads: ReadonlyArray<UserId>
}

/** Everything can fail with `DatabaseError`. */
export class Conversations extends Context.Service<
  Conversations,
  {
    /**
     * A page of what has changed for the reader, and the position after it; that has no walk when this page was the
     * last. Fails with `BadParameters` when the position is none that this store ever had.
     */
    readonly sync: (
      reader: UserId,
      query: SyncQuery
    ) => Effect.Effect<SyncPage & { readonly next: SyncPosition }, Failure>
    /** Fails with `NoMessage` for anybody who does not see the message. */
    readonly readRecords: (reader: UserId, messageId: string) => Effect.Effect<ReadRecords, Failure>
    /**
     * Whether others know of the conversation, which they do from its first message on. Fails with `NoConversation` for
     * anybody who is not a member, and where the two in a private conversation may not write to each other with `Blocked`
     * or `NotFriends`.
     */
    readonly mayBeHeard: (userId: UserId, conversationId: ConversationId) => Effect.Effect<boolean, Failure>
    /**
     * Moves the read position forward to `seq`, never back. Fails with `NoConversation` for anybody who is not a
     * member, with `BadParameters` past the last message.
     */
    readonly markRead: (reader: UserId, conversationId: ConversationId, seq: number) => Effect.Effect<ReadMark, Failure>
  }
>()("fiberchat/domain/Conversations") {}
