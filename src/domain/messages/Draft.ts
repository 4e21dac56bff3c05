/**
 * Drafts on their way to the store. A draft is a message, a change of a message or a group event; its constructors check,
 * once, everything that can be checked without the store.
 */
import { Result, Schema } from "effect"
import { type EventOf, GroupEvent } from "../groups/Group.ts"
import {
  ChatType,
  type ConversationId,
  conversationWith,
  groupConversation,
  type Receiver,
  type ReceiverId,
  receiverIn,
  receiverOf,
  singleMembers
} from "../shared/ConversationIds.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import type { ConnectionId, GroupId, MessageId, UserId } from "../shared/Ids.ts"
import { reactionOf } from "../shared/Text.ts"
import { type ChangeType, MessageType, type WrittenType } from "./Message.ts"
import { checkContent, isContentSmall } from "./MessageContent.ts"
import type { ChangeRefusal, DraftProblem, GroupEventRefusal, MessageRefusal } from "./Refusals.ts"

/** The sender, and the idempotency key: (sender, client id) names one message for ever. */
export interface Author {
  readonly senderId: UserId
  readonly clientId: string
}

/** The fields of every draft that its sender determines; the receiver is a user or a group. */
type Addressed = Author & { readonly conversationId: ConversationId } & Receiver

/** A message to a user or a group. */
export type UnsentMessage = Addressed & { readonly messageType: WrittenType; readonly content: string }

/** A recall, an edit or a reaction: a change of the message at `targetSeq`. */
export type UnsentChange<Type extends ChangeType = ChangeType> = Addressed & {
  readonly messageType: Type
  /** The new content or the reaction; empty for a recall, and to take a reaction back. */
  readonly content: string
  readonly targetSeq: number
}

/** An event in the life of a group. */
export type UnsentGroupEvent<Event extends GroupEvent = GroupEvent> = Addressed & {
  readonly messageType: typeof MessageType.system
  readonly event: Event
  /** The event as JSON, as it is stored. */
  readonly content: string
}

/** So far apart the clocks of gateways may be, in milliseconds: a time further ahead is from a clock that was wrong. */
export const clocksApartMillis = 60_000

/** A draft before the gateway has given it an id and a time. */
export type Unsent = UnsentMessage | UnsentChange | UnsentGroupEvent

interface Stamp {
  readonly messageId: MessageId
  /** Server time at which the gateway took it, Unix milliseconds. */
  readonly sendTime: number
  /** The connection that sent it, which gets an ack and no push. */
  readonly origin?: ConnectionId | undefined
  /** Read from a log, which may bring it again: its refusal is kept, so that it is decided once, for good. */
  readonly mayComeAgain?: boolean
}

/** A draft on its way to the store: checked by the gateway, not yet numbered. */
export type Draft = Unsent & Stamp

/** The errors with which the store refuses a draft of this kind. */
export type RefusalOf<D extends Unsent> =
  D extends UnsentGroupEvent<infer Event>
    ? GroupEventRefusal<Event>
    : D extends UnsentChange<infer Type>
      ? ChangeRefusal<Type>
      : MessageRefusal

/** A draft, or the reason why it cannot be one. */
export type Made<D extends Unsent> = Result.Result<D, Failure<DraftProblem>>

/** A message that a user writes. */
export interface Written {
  /**
   * Not needed; where it is present it must be the conversation of sender and receiver. Clients of the Go project send the id of
   * the sender.
   */
  readonly conversationId?: string | undefined
  readonly chatType: ChatType
  readonly receiveId: ReceiverId
  readonly messageType: WrittenType
  readonly content: string
}

/** The message that a change is about. */
export interface Target {
  readonly conversationId: ConversationId
  readonly seq: number
}

export const message = (author: Author, written: Written): Made<UnsentMessage> => {
  const { chatType, receiveId, messageType, content } = written
  const receiver = receiverOf(chatType, receiveId)
  const conversationId = conversationWith(author.senderId, receiver)
  const claims: ReadonlyArray<string | undefined> = [undefined, "", author.senderId, conversationId]
  if (!claims.includes(written.conversationId)) return Result.fail(failure("NoConversation"))
  return checked({ ...author, conversationId, ...receiver, messageType, content })
}

export const change = <Type extends ChangeType>(
  author: Author,
  { conversationId, seq }: Target,
  messageType: Type,
  content: string
): Made<UnsentChange<Type>> => {
  const both = singleMembers(conversationId)
  if (both !== undefined && !both.includes(author.senderId)) return Result.fail(failure("NoConversation"))
  const receiver = receiverIn(conversationId, author.senderId)
  const kept = messageType === MessageType.reaction ? reactionOf(content) : content
  return checked({ ...author, conversationId, ...receiver, messageType, content: kept, targetSeq: seq })
}

const isGroupEvent = Schema.is(GroupEvent)

export const groupEvent = <Event extends GroupEvent>(
  author: Author,
  groupId: GroupId,
  event: Event
): Made<UnsentGroupEvent<Event>> => {
  if (!isGroupEvent(event)) return Result.fail(failure("BadContent"))
  return checked({
    ...author,
    conversationId: groupConversation(groupId),
    chatType: ChatType.group,
    receiveId: groupId,
    messageType: MessageType.system,
    event,
    content: JSON.stringify(event)
  })
}

/** The group that a user creates; calling twice with the same client id creates it once. */
export const newGroup = (
  author: Author,
  groupId: GroupId,
  group: {
    readonly name: string
    readonly icon?: string
    readonly isVerify?: boolean
    readonly userIds?: ReadonlyArray<UserId>
  }
): Made<UnsentGroupEvent<EventOf<"created">>> => {
  const { name, icon = "", isVerify = false, userIds = [] } = group
  return groupEvent(author, groupId, { event: "created", name, icon, isVerify, userIds })
}

/** The seq of the changed message, or `undefined` for a draft that changes none. */
export const targetSeqOf = (draft: Unsent): number | undefined => ("targetSeq" in draft ? draft.targetSeq : undefined)

const clientIdMax = 64

const checked = <D extends Unsent>(draft: D): Made<D> => {
  const { clientId, content, messageType } = draft
  if (clientId === "") {
    return bad("a message needs an id: it makes sending it twice harmless")
  }
  if (clientId.length > clientIdMax || !clientId.isWellFormed()) {
    return bad(`the id of a message is well-formed Unicode of at most ${clientIdMax} characters`)
  }
  if (!isContentSmall(content)) return Result.fail(failure("ContentTooLarge"))
  // An event is a value of its schema already; its text is its own.
  if (messageType === MessageType.system) {
    return content.isWellFormed() ? Result.succeed(draft) : Result.fail(failure("BadContent"))
  }
  return Result.map(checkContent(messageType, content), () => draft)
}

const bad = (msg: string) => Result.fail(failure("BadParameters", { msg }))
