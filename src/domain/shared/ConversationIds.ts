/** Ids of conversations, from which the chat type, the members of a private chat and the receiver follow. */
import { Schema } from "effect"
import { Decimal, type GroupId, type UserId } from "./Ids.ts"

/** Either two user ids joined by `_` (private chat), or a group's id. */
export const ConversationId = Schema.String.check(
  Schema.isPattern(/^[1-9][0-9]{0,19}(_[1-9][0-9]{0,19})?$/u, { expected: "a conversation id" })
).pipe(Schema.brand("ConversationId"))
export type ConversationId = typeof ConversationId.Type

/** The Go project's numbers. */
export const ChatType = { group: 0, single: 1 } as const
export type ChatType = (typeof ChatType)[keyof typeof ChatType]
export const ChatTypeSchema = Schema.Literals([ChatType.group, ChatType.single])

/** The id of a user or of a group, by the chat type. */
export type ReceiverId = UserId | GroupId
export const ReceiverId: Schema.Codec<ReceiverId, string> = Decimal as unknown as Schema.Codec<ReceiverId, string>

/** The receiver of a message: another user, or a group. */
export type Receiver =
  | { readonly chatType: typeof ChatType.single; readonly receiveId: UserId }
  | { readonly chatType: typeof ChatType.group; readonly receiveId: GroupId }

/** The receiver that an id names under this chat type. */
export const receiverOf = (chatType: ChatType, receiveId: ReceiverId): Receiver =>
  chatType === ChatType.group
    ? { chatType, receiveId: receiveId as GroupId }
    : { chatType, receiveId: receiveId as UserId }

/** Decimal strings without leading zeros compare as numbers do: the shorter is the smaller. */
const isBefore = (a: string, b: string): boolean => (a.length === b.length ? a < b : a.length < b.length)

/** The id of the private conversation of two users: the same for both, ids sorted as numbers. */
export const singleConversationId = (a: UserId, b: UserId): ConversationId =>
  (isBefore(a, b) ? `${a}_${b}` : `${b}_${a}`) as ConversationId

/** The two members of a private conversation, or `undefined` when the id is a group's. */
export const singleMembers = (id: ConversationId): readonly [UserId, UserId] | undefined => {
  const cut = id.indexOf("_")
  return cut < 0 ? undefined : [id.slice(0, cut) as UserId, id.slice(cut + 1) as UserId]
}

/** The conversation of a group has the group's id. */
export const groupConversation = (groupId: GroupId): ConversationId => groupId as string as ConversationId

/** The group of a conversation, or `undefined` when it is a private one. */
export const groupOf = (id: ConversationId): GroupId | undefined =>
  id.includes("_") ? undefined : (id as string as GroupId)

/** The receiver of a user's messages in a conversation: the other member of a private one, or the group. */
export const receiverIn = (id: ConversationId, userId: UserId): Receiver => {
  const both = singleMembers(id)
  // With oneself both are the same.
  return both === undefined
    ? receiverOf(ChatType.group, id as string as GroupId)
    : receiverOf(ChatType.single, both[both[0] === userId ? 1 : 0])
}

/** The conversation in which a user writes to a receiver: the inverse of {@link receiverIn}. */
export const conversationWith = (userId: UserId, { chatType, receiveId }: Receiver): ConversationId =>
  chatType === ChatType.group ? groupConversation(receiveId) : singleConversationId(userId, receiveId)
