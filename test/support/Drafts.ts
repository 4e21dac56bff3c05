/** Drafts for tests of what stores and carries them. */

import { type Draft, MessageType } from "../../src/domain/messages/Message.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import { ChatType, singleConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { ConnectionId, MessageId, UserId } from "../../src/domain/shared/Ids.ts"

let made = 0

/** A draft of a private message; what is not given is made up. */
export const draft = (sender: string, receiver: string, clientId: string, changes: Partial<Draft> = {}): Draft => {
  made += 1
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
    ...changes
  }
}

export const conversationOf = (a: string, b: string): ConversationId => singleConversationId(a as UserId, b as UserId)

/** A draft of a message to a group, or of an event in its life. */
export const groupDraft = (
  sender: string,
  groupId: ConversationId,
  clientId: string,
  changes: Partial<Draft> = {}
): Draft =>
  draft(sender, groupId, clientId, {
    conversationId: groupId,
    chatType: ChatType.group,
    messageType: MessageType.text,
    ...changes
  })
