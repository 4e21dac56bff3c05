/** The algorithm of `conversation.sync` (protocol.md section 1.7): from the changes since a version to a page. */
import { Effect } from "effect"
import type { Message } from "../messages/Message.ts"
import { fitting } from "../messages/Page.ts"
import type { ConversationId } from "../shared/ConversationIds.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"
import { type SyncedConversation, type SyncPosition, syncConversationsMax } from "./Sync.ts"

/** The request of a device. */
export interface SyncQuery {
  readonly position: SyncPosition
  /** Messages in the page. */
  readonly limit: number
  /** For a new device: at most so many newest messages of each conversation. */
  readonly newest: number | undefined
  /** Positions that the device knows better than the cursor. */
  readonly known: { readonly [conversationId: string]: number }
}

/** A conversation that has changed since a version, as the store has it. */
export interface StoredChange {
  readonly conversationId: ConversationId
  readonly lastSeq: number
  readonly readSeq: number
  readonly unread: number
  /** How far the other user of a private conversation has read, if the reader may know. */
  readonly peerReadSeq: number | undefined
  readonly joinedSeq: number
  /** The last message that is not newer than the version. */
  readonly sinceSeq: number
  /** The position that the device has named itself. */
  readonly knownSeq: number | undefined
  /** The reader is no member any more. */
  readonly hasLeft: boolean
  readonly marks: ListMarks
}

/** The changes for a reader, in the order of conversation ids, and the version of the store. */
export interface StoredChanges {
  readonly version: number
  /** The term of this version, and that of {@link ChangesQuery.asOf}. */
  readonly term: string | undefined
  readonly termAsOf: string | undefined
  readonly changes: ReadonlyArray<StoredChange>
}

/** The changes that sync asks the store for. */
export interface ChangesQuery {
  /** Changes newer than this version; `-1` for everything. */
  readonly since: number
  /** The newest version of which the cursor tells; `-1` for none. */
  readonly asOf: number
  /** Conversations from this one on, itself included or not. */
  readonly from: { readonly conversationId: ConversationId; readonly isIncluded: boolean } | undefined
  /** The positions that the device has named. A conversation of which it lacks messages counts as changed. */
  readonly known: SyncQuery["known"]
  readonly limit: number
}

/** The two questions of sync to the store. */
export interface SyncSource {
  readonly changedSince: (reader: UserId, query: ChangesQuery) => Effect.Effect<StoredChanges, Failure<"DatabaseError">>
  /** The messages of these ranges, in their order, as the reader sees them. */
  readonly messagesIn: (
    reader: UserId,
    ranges: ReadonlyArray<SeqRange>
  ) => Effect.Effect<ReadonlyArray<Message>, Failure<"DatabaseError">>
}

/** A page, and the position after it. After the last page the position has no walk. */
export interface SyncPage {
  readonly conversations: ReadonlyArray<SyncedConversation>
  readonly next: SyncPosition
}

/** Reads a page of the changes for the reader. A position that this store never had is a stale cursor. */
export const syncPage = Effect.fn("syncPage")(function* (
  source: SyncSource,
  reader: UserId,
  query: SyncQuery
): Effect.fn.Return<SyncPage, Failure<"StaleCursor" | "DatabaseError">> {
  const { position, known } = query
  const { since, walk } = position
  const width = widthOf(position)
  const from = walk && { conversationId: walk.conversationId, isIncluded: walk.seq !== undefined }
  const asOf = Math.max(since, walk?.until ?? since)
  const found = yield* source.changedSince(reader, { since, asOf, from, known, limit: width + 1 })
  const { version, changes } = found
  // A store that was set back and has gone on since must not leave out what the device never had.
  const isForeign = position.term !== undefined && position.term !== found.termAsOf
  if (asOf > version || isForeign) return yield* failure("StaleCursor")
  const term = walk === undefined ? found.term : (position.term ?? found.termAsOf)
  const until = walk?.until ?? version
  const newest = walk === undefined ? query.newest : walk.newest
  const changed = changes.slice(0, width).map((change) => changedOf(change, position, newest))
  const ranges = rangesOf(changed, query.limit)
  const messages = ranges.length === 0 ? [] : fitting(yield* source.messagesIn(reader, ranges))
  const { conversations, last } = pageOf(changed, messages, changes.length === changed.length)
  const next: SyncPosition =
    last === undefined
      ? { since: until, term, walk: undefined }
      : { since, term, walk: { until, newest, width: conversations.length, ...last } }
  return { conversations, next }
})

/** A change, and the position after which the device misses messages. */
const changedOf = (
  change: StoredChange,
  { since, walk }: SyncPosition,
  newest: number | undefined
): ChangedConversation => {
  const { sinceSeq, knownSeq, ...same } = change
  const isNew = since < 0 && newest !== undefined
  const missedFrom = knownSeq ?? (isNew ? change.lastSeq - newest : sinceSeq)
  const resumedFrom = walk?.conversationId === change.conversationId ? (walk.seq ?? 0) : 0
  return { ...same, fromSeq: Math.min(change.lastSeq, Math.max(change.joinedSeq, missedFrom, resumedFrom)) }
}

/**
 * Conversations that a page reads: more than the page before had, since they may have few messages each. A page that turns
 * out shorter is followed by one that reads more.
 */
const widthOf = ({ walk }: SyncPosition): number =>
  Math.min(syncConversationsMax, walk === undefined ? syncConversationsMax : 4 * walk.width)

/** A conversation that has changed, and the position after which the device misses messages. */
interface ChangedConversation {
  readonly conversationId: ConversationId
  readonly lastSeq: number
  readonly readSeq: number
  readonly unread: number
  readonly peerReadSeq: number | undefined
  readonly joinedSeq: number
  readonly fromSeq: number
  /** The reader is no member any more. */
  readonly hasLeft: boolean
  readonly marks: ListMarks
}

/** The marks of a conversation in the reader's list. */
export type ListMarks = Pick<SyncedConversation, "isHidden" | "isPinned" | "isMuted">

/** Messages `fromSeq < seq ≤ toSeq` of a conversation. */
export interface SeqRange {
  readonly conversationId: ConversationId
  readonly fromSeq: number
  readonly toSeq: number
}

/**
 * The messages of a page, conversation by conversation. Seqs have no gaps, so that their number is known before they are
 * read.
 */
const rangesOf = (changed: ReadonlyArray<ChangedConversation>, limit: number): ReadonlyArray<SeqRange> => {
  let room = limit
  return changed.flatMap(({ conversationId, fromSeq, lastSeq, hasLeft }) => {
    const count = hasLeft ? 0 : Math.min(room, lastSeq - fromSeq)
    room -= count
    return count <= 0 ? [] : { conversationId, fromSeq, toSeq: fromSeq + count }
  })
}

/** A page of a response; `last` is where it ended when it is not the last one. */
interface CutPage {
  readonly conversations: ReadonlyArray<SyncedConversation>
  readonly last: { readonly conversationId: ConversationId; readonly seq: number | undefined } | undefined
}

/**
 * Puts the page together: all conversations until the messages that were read end in the middle of one. `messages` are
 * those of {@link rangesOf} in order, or a first part of them; `isLast` says that no conversation follows.
 */
const pageOf = (
  changed: ReadonlyArray<ChangedConversation>,
  messages: ReadonlyArray<Message>,
  isLast: boolean
): CutPage => {
  const byConversation = Map.groupBy(messages, ({ conversationId }) => conversationId)
  const conversations: Array<SyncedConversation> = []
  let last: CutPage["last"]
  for (const { conversationId, fromSeq, lastSeq, readSeq, unread, peerReadSeq, joinedSeq, hasLeft, marks } of changed) {
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
      unread,
      ...(peerReadSeq === undefined ? {} : { peerReadSeq }),
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
