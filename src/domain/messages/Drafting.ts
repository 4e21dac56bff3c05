/** From what a user wants to say to a draft: everything that can be checked without the store. */

import type { GroupEvent } from "../groups/Group.ts"
import {
  ChatType,
  type ConversationId,
  conversationWith,
  receiverIn,
  singleMembers
} from "../shared/ConversationIds.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import type { MessageId, UserId } from "../shared/Ids.ts"
import { type ChangeType, type Draft, MessageType, type WrittenType } from "./Message.ts"
import { isContentSmall, isContentValid } from "./MessageContent.ts"

/** Who says it, and under which id: the idempotency key. */
export interface Author {
  readonly senderId: UserId
  readonly clientId: string
}

/** A draft without what the gateway makes up for it. */
export type Wish = Omit<Draft, "messageId" | "sendTime" | "origin" | "repeated">

/** A message of a user to another one, or to a group. */
export interface WrittenMessage {
  /** Not needed; where it is given it must be true. */
  readonly conversationID?: string
  readonly chatType: ChatType
  readonly receiveId: UserId
  readonly messageType: WrittenType
  readonly content: string
}

/** A change of a message: recall, edit, or a reaction; empty to take it back. */
export interface WantedChange {
  readonly conversationID: ConversationId
  readonly seq: number
  readonly messageType: ChangeType
  readonly content: string
}

/** What the user writes, or why they cannot. */
export const written = (author: Author, message: WrittenMessage): Wish | Failure => {
  const { conversationID, chatType, receiveId, messageType, content } = message
  const conversationId = conversationWith(chatType, author.senderId, receiveId)
  if (conversationID !== undefined && conversationID !== "" && conversationID !== conversationId) {
    return failure("NoConversation")
  }
  return checked({ ...author, conversationId, chatType, receiveId, messageType, content })
}

/** How the user wants to change a message, or why they cannot. */
export const changed = (author: Author, change: WantedChange): Wish | Failure => {
  const { conversationID: conversationId, seq, messageType, content } = change
  const both = singleMembers(conversationId)
  if (both !== undefined && !both.includes(author.senderId)) return failure("NoConversation")
  return checked({
    ...author,
    conversationId,
    chatType: both === undefined ? ChatType.group : ChatType.single,
    receiveId: receiverIn(conversationId, author.senderId),
    messageType,
    content,
    targetSeq: seq
  })
}

/** What a user makes happen to a group. */
export const happening = (author: Author, groupId: ConversationId, event: GroupEvent): Wish | Failure =>
  checked({
    ...author,
    conversationId: groupId,
    chatType: ChatType.group,
    receiveId: receiverIn(groupId, author.senderId),
    messageType: MessageType.system,
    content: JSON.stringify(event)
  })

/** A group that a user founds; calling twice with the same client id founds it once. */
export const founding = (
  author: Author,
  groupId: ConversationId,
  group: {
    readonly name: string
    readonly icon?: string
    readonly isVerify?: boolean
    readonly userIds?: ReadonlyArray<UserId>
  }
): Wish | Failure => {
  const { name, icon = "", isVerify = false, userIds = [] } = group
  return happening(author, groupId, { event: "created", name, icon, isVerify, userIds })
}

/** The draft of a wish. Its time is the server's. */
export const draftOf = (wish: Wish, messageId: MessageId, now: number): Draft => ({ ...wish, messageId, sendTime: now })

const checked = (wish: Wish): Wish | Failure => {
  if (wish.clientId === "") {
    return failure("BadParameters", { msg: "a message needs an id: it makes sending it twice harmless" })
  }
  if (!wish.clientId.isWellFormed()) {
    return failure("BadParameters", { msg: "the id of a message is well-formed Unicode" })
  }
  if (!isContentSmall(wish.content)) return failure("ContentTooLarge")
  return isContentValid(wish.messageType, wish.content) ? wish : failure("BadContent")
}
