/** What becomes of a batch of drafts, decided in memory from what the store knew before it. */
import type { ConversationId } from "./Conversation.ts"
import { ApiError } from "./ErrorTable.ts"
import type { UserId } from "./Ids.ts"
import type { Draft, Message } from "./Message.ts"
import type { AppendResult } from "./MessageStore.ts"

/** What the store knows of the drafts of a batch. */
export interface AppendFacts {
  /** Messages stored before under a draft's (sender, client id), by {@link clientKey}. */
  readonly known: ReadonlyMap<string, Message>
  /** Where each conversation that exists ends. */
  readonly ends: ReadonlyMap<ConversationId, ConversationEnd>
  /** Who blocks whom, by {@link blockKey}. */
  readonly blocks: ReadonlySet<string>
  /** The senders and receivers that exist, of drafts whose conversation does not exist yet. */
  readonly users: ReadonlySet<UserId>
}

/** Seq and time of a conversation's last message. */
export interface ConversationEnd {
  readonly seq: number
  readonly sendTime: number
}

export interface AppendPlan {
  /** One per draft, in the same order. */
  readonly results: ReadonlyArray<AppendResult>
  /** The messages to write, in order: per conversation their seqs follow each other. */
  readonly stored: ReadonlyArray<Message>
}

export const clientKey = (sender: UserId, clientId: string): string => `${sender}/${clientId}`
export const blockKey = (blocker: UserId, blocked: UserId): string => `${blocker}/${blocked}`

/**
 * Decides draft by draft: a (sender, client id) that is known is a duplicate, or a conflict when it named something
 * else; a receiver that is unknown, or blocked in either direction, is refused; the rest is numbered. Times of a conversation
 * never run back, whatever the clocks of the gateways say: going by time is going by seq.
 */
export const appendPlan = (drafts: ReadonlyArray<Draft>, facts: AppendFacts): AppendPlan => {
  const known = new Map(facts.known)
  const ends = new Map(facts.ends)
  const stored: Array<Message> = []
  const results = drafts.map((draft): AppendResult => {
    const key = clientKey(draft.senderId, draft.clientId)
    const first = known.get(key)
    if (first !== undefined) {
      return isSame(first, draft)
        ? { _tag: "Duplicate", message: first }
        : rejected(ApiError.of("Conflict", { msg: "this id already names another message" }))
    }
    const end = ends.get(draft.conversationId)
    if (end === undefined && !(facts.users.has(draft.receiveId) && facts.users.has(draft.senderId))) {
      return rejected(ApiError.of("NoReceiver"))
    }
    if (
      facts.blocks.has(blockKey(draft.senderId, draft.receiveId)) ||
      facts.blocks.has(blockKey(draft.receiveId, draft.senderId))
    ) {
      return rejected(ApiError.of("Blocked"))
    }
    const message = numbered(draft, end ?? beforeFirst)
    ends.set(draft.conversationId, message)
    known.set(key, message)
    stored.push(message)
    return { _tag: "Stored", message }
  })
  return { results, stored }
}

const beforeFirst: ConversationEnd = { seq: 0, sendTime: 0 }

const rejected = (error: ApiError): AppendResult => ({ _tag: "Rejected", error })

const isSame = (message: Message, draft: Draft): boolean =>
  message.conversationID === draft.conversationId &&
  message.messageType === draft.messageType &&
  message.content === draft.content

const numbered = (draft: Draft, end: ConversationEnd): Message => ({
  messageId: draft.messageId,
  clientId: draft.clientId,
  conversationID: draft.conversationId,
  seq: end.seq + 1,
  chatType: draft.chatType,
  sendId: draft.senderId,
  receiveId: draft.receiveId,
  sendTime: Math.max(draft.sendTime, end.sendTime),
  messageType: draft.messageType,
  content: draft.content
})
