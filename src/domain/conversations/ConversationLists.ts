/** The port to the users' lists of conversations (protocol.md section 2.2). */
import { Context, type Effect, Option, Schema } from "effect"
import type { Message } from "../messages/Message.ts"
import type { ChatType } from "../shared/ConversationIds.ts"
import { ConversationId } from "../shared/ConversationIds.ts"
import type { Failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"

/** A conversation in a user's list. */
export interface ListedConversation {
  readonly conversationId: ConversationId
  readonly chatType: ChatType
  readonly lastSeq: number
  readonly readSeq: number
  readonly joinedSeq: number
  readonly isShown: boolean
  readonly isPinned: boolean
  readonly isMuted: boolean
  /** The last message that is something by itself, of those that the user sees. */
  readonly lastMessage: Message | undefined
}

/** Where a page of a list ended: conversations come in the order of their last change, the newest first. */
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

/** What a user makes of a conversation in their list; what is absent stays. A hidden one is shown again by a message. */
export interface ListChange {
  readonly conversationId: ConversationId
  readonly isShown?: boolean
  readonly isPinned?: boolean
  readonly isMuted?: boolean
  /** The read position, which moves forward only. */
  readonly readSeq?: number
}

/** A read position that has moved; others do not hear of it where one of the two blocks the other. */
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

/** The opaque text that stands for a position in a list. */
export const listCursorOf = ({ version, conversationId }: ListPosition): string =>
  encodePosition([version, conversationId])

/** The position that a text stands for. */
export const listPositionOf = (cursor: string): Option.Option<ListPosition> =>
  Option.map(decodePosition(cursor), ([version, conversationId]) => ({ version, conversationId }))

/** Everything can fail with `DatabaseError`. */
export class ConversationLists extends Context.Service<
  ConversationLists,
  {
    /**
     * Makes sure that a conversation is in the user's list, and tells its id: with another user (`NoReceiver` where
     * there is none, `Blocked`, `NotFriends`), or of a group of theirs (`NoConversation`).
     */
    readonly setUp: (userId: UserId, target: UserId, chatType: ChatType) => Effect.Effect<ConversationId, Failure>
    /** A page of the user's list, after the position. At most {@link listMax}, and no more than fit into an answer. */
    readonly list: (userId: UserId, after: ListPosition | undefined) => Effect.Effect<ListPage, Failure>
    /**
     * Changes a user's list, all or nothing; gives the read positions that have moved. Fails with `NoConversation` for
     * any that is not theirs, with `BadParameters` for a position past the last message.
     */
    readonly change: (
      userId: UserId,
      changes: ReadonlyArray<ListChange>
    ) => Effect.Effect<ReadonlyArray<MovedPosition>, Failure>
  }
>()("fiberchat/domain/ConversationLists") {}
