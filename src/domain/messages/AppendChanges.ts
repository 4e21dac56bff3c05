/** The changes of a batch of drafts, new messages aside: to members, groups and earlier messages. */
import type { GroupEvent } from "../groups/Group.ts"
import type { ConversationId } from "../shared/ConversationIds.ts"
import type { Failure } from "../shared/Failure.ts"
import type { MessageId, UserId } from "../shared/Ids.ts"
import type { Membership } from "./AppendFacts.ts"
import type { ChangeType, Message } from "./Message.ts"
import type { AppendRefusal } from "./Refusals.ts"

export interface MemberChange extends Membership {
  readonly conversationId: ConversationId
  readonly userId: UserId
  /** The message by which it changes. */
  readonly seq: number
  /** The smallest read position of the member: messages before the joining never count as unread. */
  readonly readSeq: number
  readonly changedBy: UserId
  /** Unix milliseconds. */
  readonly changedAt: number
}

export interface GroupChange {
  readonly conversationId: ConversationId
  readonly event: Extract<GroupEvent, { event: "created" | "changed" }>
}

/** The refusal of a draft that may come again. */
export interface KeptRefusal {
  readonly draftId: MessageId
  readonly error: Failure<AppendRefusal>
}

export interface MessageChange {
  readonly kind: ChangeType
  readonly conversationId: ConversationId
  /** The changed message, and the one that changes it. */
  readonly targetSeq: number
  readonly seq: number
  readonly userId: UserId
  /** The new content, or the reaction; empty for none. */
  readonly content: string
  /** The message before the change. */
  readonly before: Message
}
