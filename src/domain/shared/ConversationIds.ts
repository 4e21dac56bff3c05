/** Conversation ids and who belongs to a private conversation. */
import { Schema } from "effect"
import type { UserId } from "./Ids.ts"

/** Either two user ids joined by `_` (private chat), or a group's id. */
export const ConversationId = Schema.String.check(
  Schema.isPattern(/^[1-9][0-9]{0,19}(_[1-9][0-9]{0,19})?$/u, { expected: "a conversation id" })
).pipe(Schema.brand("ConversationId"))
export type ConversationId = typeof ConversationId.Type

/** The Go project's numbers. */
export const ChatType = { group: 0, single: 1 } as const
export type ChatType = (typeof ChatType)[keyof typeof ChatType]

/** Decimal strings without leading zeros compare as numbers do: the shorter is the smaller. */
const isBefore = (a: string, b: string): boolean => (a.length === b.length ? a < b : a.length < b.length)

/** The id of the private conversation of two users: the same whoever asks, ids sorted as numbers. */
export const singleConversationId = (a: UserId, b: UserId): ConversationId =>
  (isBefore(a, b) ? `${a}_${b}` : `${b}_${a}`) as ConversationId

/** The two members of a private conversation, or `undefined` when the id is a group's. */
export const singleMembers = (id: ConversationId): readonly [UserId, UserId] | undefined => {
  const cut = id.indexOf("_")
  return cut < 0 ? undefined : [id.slice(0, cut) as UserId, id.slice(cut + 1) as UserId]
}

/** Whom a user writes to there: the other member of a private conversation, or the group, whose id is the conversation's. */
export const receiverIn = (id: ConversationId, userId: UserId): UserId => {
  const both = singleMembers(id)
  // With oneself both are the same.
  return both === undefined ? (id as string as UserId) : both[both[0] === userId ? 1 : 0]
}

/** The conversation of this kind in which a user writes to a receiver: the inverse of {@link receiverIn}. */
export const conversationWith = (chatType: ChatType, userId: UserId, receiver: UserId): ConversationId =>
  chatType === ChatType.group ? (receiver as string as ConversationId) : singleConversationId(userId, receiver)
