/** `conversation.sync` (protocol.md section 1.7): what a device asks, what it gets, and how a page is cut. */
import { Option, Schema } from "effect"
import { Message, wireMessage } from "../messages/Message.ts"
import { ConversationId } from "../shared/ConversationIds.ts"
import type { UserId } from "../shared/Ids.ts"
import { Natural } from "../shared/Natural.ts"

/** Messages in one answer, all conversations together. */
export const syncMax = 200
/** Conversations in one answer. */
const syncConversationsMax = 100
const positionsMax = 500

const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: syncMax }))

export const SyncPayload = Schema.Struct({
  cursor: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256))),
  /** Positions that the device knows better than the cursor. */
  conversations: Schema.optionalKey(Schema.Record(ConversationId, Natural).check(Schema.isMaxProperties(positionsMax))),
  newest: Schema.optionalKey(Count),
  limit: Schema.optionalKey(Count)
})

/** One conversation of the answer, and the missed messages of it that fit. */
export const SyncedConversationFields = {
  conversationId: ConversationId,
  /** Position of its last message. */
  seq: Schema.Int,
  /** The caller's read position, and the messages after it; one's own are never unread. */
  readSeq: Schema.Int,
  unread: Schema.Int,
  /** The caller sees what comes after this message; absent for everything. */
  joinedSeq: Schema.optionalKey(Schema.Int),
  /** What the caller has made of it in their list; absent for no. */
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

/** Where a device stands in the changes of its user's conversations. */
export interface SyncPosition {
  /** Everything up to this version of the store was sent; `-1` for nothing at all. */
  readonly since: number
  /** An answer of several pages, which goes through the conversations in the order of their ids. */
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

/** The position of a device that has nothing. */
export const beginning: SyncPosition = { since: -1, walk: undefined }

const Width = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: syncConversationsMax }))
const Cursor = Schema.fromJsonString(
  Schema.Tuple([
    Schema.String,
    Schema.Int,
    Schema.NullOr(Schema.Tuple([Schema.Int, ConversationId, Schema.NullOr(Natural), Schema.NullOr(Count), Width]))
  ])
).pipe((json) => Schema.StringFromBase64Url.pipe(Schema.decodeTo(json)))
const decodeCursor = Schema.decodeUnknownOption(Cursor)
const encodeCursor = Schema.encodeSync(Cursor)

/** The opaque text that stands for a position of this user. */
export const cursorOf = (user: UserId, { since, walk }: SyncPosition): string =>
  encodeCursor([
    user,
    since,
    walk === undefined ? null : [walk.until, walk.conversationId, walk.seq ?? null, walk.newest ?? null, walk.width]
  ])

/** The position that a cursor stands for, unless it is none of this user's. */
export const positionOf = (user: UserId, cursor: string): Option.Option<SyncPosition> =>
  Option.flatMap(decodeCursor(cursor), ([owner, since, walk]) => {
    if (owner !== user) return Option.none()
    if (walk === null) return Option.some({ since, walk: undefined })
    const [until, conversationId, seq, newest, width] = walk
    return Option.some({
      since,
      walk: { until, conversationId, seq: seq ?? undefined, newest: newest ?? undefined, width }
    })
  })

/**
 * How many conversations a page looks at. Somewhat more than the one before it had: it may have as many of few messages
 * each, and a page that is shorter for it is followed by one that looks at more.
 */
export const widthOf = ({ walk }: SyncPosition): number =>
  Math.min(syncConversationsMax, walk === undefined ? syncConversationsMax : 4 * walk.width)

/** A conversation with something new in it, and the position after which the device misses messages. */
export interface ChangedConversation {
  readonly conversationId: ConversationId
  readonly lastSeq: number
  readonly readSeq: number
  readonly joinedSeq: number
  readonly fromSeq: number
  /** The reader is no member any more. */
  readonly hasLeft: boolean
  readonly marks: ListMarks
}

/** What a reader has made of a conversation in their list. */
export type ListMarks = Pick<SyncedConversation, "isHidden" | "isPinned" | "isMuted">

/** Messages `fromSeq < seq ≤ toSeq` of a conversation. */
export interface SeqRange {
  readonly conversationId: ConversationId
  readonly fromSeq: number
  readonly toSeq: number
}

/**
 * The messages that a page asks for, conversation by conversation. Their numbers have no gaps, so that it is known
 * before anything is read how many there are.
 */
export const rangesOf = (changed: ReadonlyArray<ChangedConversation>, limit: number): ReadonlyArray<SeqRange> => {
  let room = limit
  return changed.flatMap(({ conversationId, fromSeq, lastSeq, hasLeft }) => {
    const count = hasLeft ? 0 : Math.min(room, lastSeq - fromSeq)
    room -= count
    return count <= 0 ? [] : { conversationId, fromSeq, toSeq: fromSeq + count }
  })
}

/** A page of an answer; `last` is where it ended when it is not the last one. */
export interface SyncPage {
  readonly conversations: ReadonlyArray<SyncedConversation>
  readonly last: { readonly conversationId: ConversationId; readonly seq: number | undefined } | undefined
}

/**
 * Puts the page together: all conversations until the messages that were read end in the middle of one. `messages` are
 * those of {@link rangesOf} in order, or a first part of them; `isLast` says that no conversation follows.
 */
export const pageOf = (
  changed: ReadonlyArray<ChangedConversation>,
  messages: ReadonlyArray<Message>,
  isLast: boolean
): SyncPage => {
  const byConversation = Map.groupBy(messages, ({ conversationId }) => conversationId)
  const conversations: Array<SyncedConversation> = []
  let last: SyncPage["last"]
  for (const { conversationId, fromSeq, lastSeq, readSeq, joinedSeq, hasLeft, marks } of changed) {
    if (hasLeft) {
      conversations.push({ ...nothingOf(conversationId), left: true })
      last = { conversationId, seq: undefined }
      continue
    }
    const own = byConversation.get(conversationId) ?? []
    const seq = own.at(-1)?.seq ?? fromSeq
    const hasMore = seq < lastSeq
    // A page that has no room for any of a conversation's messages leaves it to the next one.
    if (hasMore && own.length === 0) return { conversations, last }
    conversations.push({
      conversationId,
      seq: lastSeq,
      readSeq,
      unread: lastSeq - readSeq,
      ...(joinedSeq === 0 ? {} : { joinedSeq }),
      ...marks,
      messages: own,
      hasMore
    })
    last = { conversationId, seq: hasMore ? seq : undefined }
    if (hasMore) return { conversations, last }
  }
  return { conversations, last: isLast ? undefined : last }
}

const nothingOf = (conversationId: ConversationId): SyncedConversation => ({
  conversationId,
  seq: 0,
  readSeq: 0,
  unread: 0,
  messages: [],
  hasMore: false
})
