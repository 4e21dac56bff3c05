/** The port to the conversations of users: changes, and read positions. */
import { Context, type Effect } from "effect"
import type { ContactRefusal } from "../contacts/UserPair.ts"
import type { ConversationId } from "../shared/ConversationIds.ts"
import type { Failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"
import type { SyncSource } from "./SyncPage.ts"

/** A read position after it was asked to move. */
export interface ReadMark {
  readonly seq: number
  readonly moved: boolean
  /** One of the two users of a private conversation blocks the other: only the reader's own devices see the position. */
  readonly isBlocked: boolean
}

/** The users who see a message, without its sender, by whether they have read it. */
export interface ReadRecords {
  readonly reads: ReadonlyArray<UserId>
  readonly unReads: ReadonlyArray<UserId>
}

export class Conversations extends Context.Service<
  Conversations,
  SyncSource & {
    /** For the users who see the message. */
    readonly readRecords: (
      reader: UserId,
      messageId: string
    ) => Effect.Effect<ReadRecords, Failure<"NoMessage" | "DatabaseError">>
    /**
     * Whether the other members know of the conversation: from its first message on. Fails also where the two users of a
     * private conversation may not write to each other.
     */
    readonly isVisibleToOthers: (
      userId: UserId,
      conversationId: ConversationId
    ) => Effect.Effect<boolean, Failure<"NoConversation" | ContactRefusal | "DatabaseError">>
    /**
     * Moves the read position of a member forward to `seq`, never back. A `seq` past the last message is a bad parameter.
     */
    readonly markRead: (
      reader: UserId,
      conversationId: ConversationId,
      seq: number
    ) => Effect.Effect<ReadMark, Failure<"NoConversation" | "BadParameters" | "DatabaseError">>
  }
>()("fiberchat/domain/Conversations") {}
