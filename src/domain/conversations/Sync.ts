/** `conversation.sync` (protocol.md section 1.7): the request, the response and the cursor. */
import { Option, Schema } from "effect"
import { Message, wireMessage } from "../messages/Message.ts"
import { ConversationId } from "../shared/ConversationIds.ts"
import type { UserId } from "../shared/Ids.ts"
import { Natural } from "../shared/Natural.ts"

/** Messages in one response, all conversations together. */
export const syncMax = 200
/** Conversations in one response. */
export const syncConversationsMax = 100
const positionsMax = 500

const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: syncMax }))

export const SyncPayload = Schema.Struct({
  cursor: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256))),
  /** Positions that the device knows better than the cursor. */
  conversations: Schema.optionalKey(Schema.Record(ConversationId, Natural).check(Schema.isMaxProperties(positionsMax))),
  newest: Schema.optionalKey(Count),
  limit: Schema.optionalKey(Count)
})

/** One conversation of the response, and its missed messages that fit. */
export const SyncedConversationFields = {
  conversationId: ConversationId,
  /** Position of its last message. */
  seq: Schema.Int,
  /** The caller's read position, and the messages of types 0 to 6 after it that were not recalled. */
  readSeq: Schema.Int,
  unread: Schema.Int,
  /** How far the other user of a private conversation has read; absent where one of the two blocks the other. */
  peerReadSeq: Schema.optionalKey(Schema.Int),
  /** The caller sees the messages after this one; absent for everything. */
  joinedSeq: Schema.optionalKey(Schema.Int),
  /** The marks in the caller's list; absent for no. */
  isHidden: Schema.optionalKey(Schema.Literal(true)),
  isPinned: Schema.optionalKey(Schema.Literal(true)),
  isMuted: Schema.optionalKey(Schema.Literal(true)),
  /** The caller is no member any more, and sees nothing of it. */
  left: Schema.optionalKey(Schema.Literal(true)),
  messages: Schema.Array(Message),
  hasMore: Schema.Boolean
}

export const SyncedConversation = Schema.Struct(SyncedConversationFields).pipe(
  Schema.encodeKeys({ conversationId: "conversationID" })
)
export type SyncedConversation = typeof SyncedConversation.Type

/** The response: one page, and the cursor after it. */
export const SyncResponse = Schema.Struct({
  cursor: Schema.String,
  hasMore: Schema.Boolean,
  conversations: Schema.Array(SyncedConversation)
})

/** Encodes as {@link SyncResponse} does, at a tenth of its cost. */
export const wireSyncResponse = ({
  conversations,
  ...page
}: typeof SyncResponse.Type): typeof SyncResponse.Encoded => ({
  ...page,
  conversations: conversations.map(({ conversationId, messages, ...same }) => ({
    ...same,
    conversationID: conversationId,
    messages: messages.map(wireMessage)
  }))
})

/** A device's position in the changes of its user's conversations. */
export interface SyncPosition {
  /** Everything up to this version of the store was sent; `-1` for nothing at all. */
  readonly since: number
  /** The term of the newest version of which it tells; none where nothing was sent. */
  readonly term: string | undefined
  /** A response of several pages, which walks through the conversations in the order of their ids. */
  readonly walk:
    | {
        /** The version of the store when the walk began, from which the next one starts. */
        readonly until: number
        /** The last conversation that was sent. */
        readonly conversationId: ConversationId
        /** Its last message that was sent, when more follow. */
        readonly seq: number | undefined
        readonly newest: number | undefined
        /** How many conversations the last page had: where they are long, the next one needs no more of them. */
        readonly width: number
      }
    | undefined
}

/** The position of a new device. */
export const beginning: SyncPosition = { since: -1, term: undefined, walk: undefined }

const Width = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: syncConversationsMax }))
/** Cursors of earlier versions have no term. */
const Cursor = Schema.fromJsonString(
  Schema.Tuple([
    Schema.String,
    Schema.Int,
    Schema.NullOr(Schema.Tuple([Schema.Int, ConversationId, Schema.NullOr(Natural), Schema.NullOr(Count), Width])),
    Schema.optionalKey(Schema.NullOr(Schema.String))
  ])
).pipe((json) => Schema.StringFromBase64Url.pipe(Schema.decodeTo(json)))
const decodeCursor = Schema.decodeUnknownOption(Cursor)
const encodeCursor = Schema.encodeSync(Cursor)

/** The opaque text of a position of this user. */
export const cursorOf = (user: UserId, { since, term, walk }: SyncPosition): string =>
  encodeCursor([
    user,
    since,
    walk === undefined ? null : [walk.until, walk.conversationId, walk.seq ?? null, walk.newest ?? null, walk.width],
    term ?? null
  ])

/** The position of a cursor; none for a cursor of another user. */
export const positionOf = (user: UserId, cursor: string): Option.Option<SyncPosition> =>
  Option.flatMap(decodeCursor(cursor), ([owner, since, walk, cursorTerm]) => {
    if (owner !== user) return Option.none()
    const term = cursorTerm ?? undefined
    if (walk === null) return Option.some({ since, term, walk: undefined })
    const [until, conversationId, seq, newest, width] = walk
    return Option.some({
      since,
      term,
      walk: { until, conversationId, seq: seq ?? undefined, newest: newest ?? undefined, width }
    })
  })
