/** Drafts for tests of what stores and carries them. */
import type { GroupEvent } from "../../src/domain/groups/Group.ts"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import { MessageType } from "../../src/domain/messages/Message.ts"
import {
  ChatType,
  type ConversationId,
  type ReceiverId,
  singleConversationId
} from "../../src/domain/shared/ConversationIds.ts"
import type { ConnectionId, MessageId, UserId } from "../../src/domain/shared/Ids.ts"

let made = 0

/** Fields that a test gives a draft, whatever its kind. */
export interface DraftChanges extends Partial<Omit<Draft, "chatType" | "receiveId" | "messageType">> {
  readonly chatType?: ChatType
  readonly receiveId?: ReceiverId
  readonly messageType?: MessageType
  readonly targetSeq?: number
  readonly event?: GroupEvent
}

/** The event that a content says, when it says one. */
const eventIn = (content: string): unknown => {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}

/** A draft of a private message; what is not given is made up. */
export const draft = (sender: string, receiver: string, clientId: string, changes: DraftChanges = {}): Draft => {
  made += 1
  const event =
    changes.messageType === MessageType.system && changes.event === undefined
      ? { event: eventIn(changes.content ?? "") }
      : {}
  return {
    messageId: String(1_000_000 + made) as MessageId,
    clientId,
    conversationId: singleConversationId(sender as UserId, receiver as UserId),
    chatType: 1,
    senderId: sender as UserId,
    receiveId: receiver as UserId,
    sendTime: made,
    messageType: 0,
    content: `${clientId} of ${sender}`,
    origin: String(2_000_000 + made) as ConnectionId,
    ...changes,
    ...event
  } as Draft
}

export const conversationOf = (a: string, b: string): ConversationId => singleConversationId(a as UserId, b as UserId)

/** A draft of a message to a group, or of an event in its life. */
export const groupDraft = (
  sender: string,
  groupId: ConversationId,
  clientId: string,
  changes: DraftChanges = {}
): Draft =>
  draft(sender, groupId, clientId, {
    conversationId: groupId,
    chatType: ChatType.group,
    messageType: MessageType.text,
    ...changes
  })
