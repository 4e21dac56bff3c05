/** The port to the users' lists of conversations (protocol.md section 2.2). */
import { Context, type Effect, Option, Schema } from "effect"
import type { ContactRefusal } from "../contacts/UserPair.ts"
import type { Message } from "../messages/Message.ts"
import { type ChatType, ConversationId, type Receiver } from "../shared/ConversationIds.ts"
import type { Failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"

/** A conversation in a user's list. */
export interface ListedConversation {
  readonly conversationId: ConversationId
  readonly chatType: ChatType
  readonly lastSeq: number
  readonly readSeq: number
  /** Messages of types 0 to 6 after it that were not recalled. */
  readonly unread: number
  readonly joinedSeq: number
  readonly isShown: boolean
  readonly isPinned: boolean
  readonly isMuted: boolean
  /** The last message that the user sees; changes of messages do not count. */
  readonly lastMessage: Message | undefined
}

/** Where a page of a list ended: conversations come in the order of their last message of types 0 to 6, the newest first. */
export interface ListPosition {
  readonly version: number
  readonly conversationId: ConversationId
}

export interface ListPage {
  readonly conversations: ReadonlyArray<ListedConversation>
  /** Where the next page begins, if there is one. */
  readonly next: ListPosition | undefined
}

/** Conversations in one page of a list. */
export const listMax = 1_000
/** Conversations that are changed at once. */
export const listChangesMax = 500

/** Changes of a conversation in a user's list; absent fields stay. A new message of types 0 to 6 shows a hidden conversation again. */
export interface ListChange {
  readonly conversationId: ConversationId
  readonly isShown?: boolean
  readonly isPinned?: boolean
  readonly isMuted?: boolean
  /** The read position, which moves forward only. */
  readonly readSeq?: number
}

/** A read position that has moved; other members do not see it where one of the two users blocks the other. */
export interface MovedPosition {
  readonly conversationId: ConversationId
  readonly seq: number
  readonly isBlocked: boolean
}

const Position = Schema.fromJsonString(Schema.Tuple([Schema.Int, ConversationId])).pipe((json) =>
  Schema.StringFromBase64Url.pipe(Schema.decodeTo(json))
)
const decodePosition = Schema.decodeUnknownOption(Position)
const encodePosition = Schema.encodeSync(Position)

/** The opaque text of a position in a list. */
export const listCursorOf = ({ version, conversationId }: ListPosition): string =>
  encodePosition([version, conversationId])

/** The position of an opaque text. */
export const listPositionOf = (cursor: string): Option.Option<ListPosition> =>
  Option.map(decodePosition(cursor), ([version, conversationId]) => ({ version, conversationId }))

export class ConversationLists extends Context.Service<
  ConversationLists,
  {
    /**
     * Makes sure that a conversation is in the user's list, and returns its id: with another user, or of a group that the
     * user is in.
     */
    readonly setUp: (
      userId: UserId,
      receiver: Receiver
    ) => Effect.Effect<ConversationId, Failure<"NoReceiver" | ContactRefusal | "NoConversation" | "DatabaseError">>
    /** A page of the user's list, after the position. At most {@link listMax}, and no more than fit into an answer. */
    readonly list: (
      userId: UserId,
      after: ListPosition | undefined
    ) => Effect.Effect<ListPage, Failure<"DatabaseError">>
    /**
     * Changes a user's list, all or nothing; returns the read positions that have moved. The user must be in each of the
     * conversations; a position past the last message is a bad parameter.
     */
    readonly change: (
      userId: UserId,
      changes: ReadonlyArray<ListChange>
    ) => Effect.Effect<ReadonlyArray<MovedPosition>, Failure<"NoConversation" | "BadParameters" | "DatabaseError">>
  }
>()("fiberchat/domain/ConversationLists") {}
