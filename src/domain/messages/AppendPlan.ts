/** What becomes of a batch of drafts, decided in memory from what the store knew before it. */

import { groupEventOf, Role } from "../groups/Group.ts"
import { decideGroup } from "../groups/GroupRules.ts"
import { ChatType, type ConversationId } from "../shared/ConversationIds.ts"
import { type Failure, failure, isFailure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"
import type { GroupChange, MemberChange, MessageChange } from "./AppendChanges.ts"
import type { AppendFacts, KnownMessage, Membership } from "./AppendFacts.ts"
import { type AppendRules, AppendState } from "./AppendState.ts"
import { changeProblem } from "./ChangeRules.ts"
import { type ChangeType, type Draft, isChange, type Message, MessageType } from "./Message.ts"
import type { AppendResult } from "./MessageStore.ts"

export interface AppendPlan {
  /** One per draft, in the same order. */
  readonly results: ReadonlyArray<AppendResult>
  /** The messages to write, in order: per conversation their seqs follow each other. */
  readonly stored: ReadonlyArray<Message>
  /** What becomes of members of groups, in order: the last word about a member counts, and the furthest `readSeq`. */
  readonly memberChanges: ReadonlyArray<MemberChange>
  /** What becomes of groups themselves, in order. */
  readonly groupChanges: ReadonlyArray<GroupChange>
  /** How many members the groups have in the end whose members change. */
  readonly memberCounts: ReadonlyMap<ConversationId, number>
  /** Stored messages that are changed, those of this batch among them, in order. */
  readonly messageChanges: ReadonlyArray<MessageChange>
}

/**
 * Decides draft by draft: a (sender, client id) that is known is a duplicate, or a conflict when it named something
 * else; what may not be is refused; the rest is numbered. Each decision counts for the drafts after it. Times of a
 * conversation never run back, whatever the clocks of the gateways say: going by time is going by seq.
 */
export const appendPlan = (drafts: ReadonlyArray<Draft>, facts: AppendFacts, rules: AppendRules): AppendPlan => {
  const state = new AppendState(facts, rules)
  const results = drafts.map((draft): AppendResult => {
    const first = state.knownAs(draft)
    if (first !== undefined) {
      return isSame(first, draft, rules.digestOf)
        ? { _tag: "Duplicate", message: first.message }
        : rejected(failure("Conflict", { msg: "this id already names another message" }))
    }
    const appended = append(draft, state, rules)
    return isFailure(appended) ? rejected(appended) : { _tag: "Stored", message: appended }
  })
  const { stored, memberChanges, groupChanges, memberCounts, messageChanges } = state
  return { results, stored, memberChanges, groupChanges, memberCounts, messageChanges }
}

const rejected = (error: Failure): AppendResult => ({ _tag: "Rejected", error })

const isSame = ({ message, firstDigest }: KnownMessage, draft: Draft, digestOf: AppendRules["digestOf"]): boolean =>
  // Whoever founds a group again makes up another id for it.
  (message.conversationID === draft.conversationId || isFounding(message, draft)) &&
  message.messageType === draft.messageType &&
  message.targetSeq === draft.targetSeq &&
  (firstDigest === "" ? message.content === draft.content : firstDigest === digestOf(draft.content))

const isFounding = (message: Message, draft: Draft): boolean =>
  message.messageType === MessageType.system && message.seq === 1 && draft.messageType === MessageType.system

/** The message that a draft becomes, or why it does not. */
const append = (draft: Draft, state: AppendState, rules: AppendRules): Message | Failure => {
  const { chatType, conversationId, senderId, messageType } = draft
  if (chatType === ChatType.single) {
    const problem = privateProblem(draft, state)
    if (problem !== undefined) return problem
  } else {
    if (messageType === MessageType.system) return appendGroupEvent(draft, state)
    if (state.membership(conversationId, senderId).role === Role.former) return failure("NoConversation")
  }
  return isChange(messageType) ? appendChange(draft, messageType, state, rules) : state.store(draft)
}

/** Why a private draft is refused, if so. */
const privateProblem = (draft: Draft, state: AppendState): Failure | undefined => {
  const { conversationId, senderId, receiveId, messageType } = draft
  const isThere = state.hasConversation(conversationId) || (state.isUser(receiveId) && state.isUser(senderId))
  if (!isThere) return failure("NoReceiver")
  // Taking one's words back says nothing to the other.
  return messageType === MessageType.recall ? undefined : state.barrier(senderId, receiveId)
}

const appendGroupEvent = (draft: Draft, state: AppendState): Message | Failure => {
  const { conversationId: groupId, senderId } = draft
  const event = groupEventOf(draft.content)
  const roles = decideGroup(event, senderId, state.group(groupId))
  if (isFailure(roles)) return roles
  const message = state.store(draft)
  state.changeMembers(message, roles)
  if (event.event === "created" || event.event === "changed") state.changeGroup({ groupId, event })
  return message
}

const appendChange = (draft: Draft, kind: ChangeType, state: AppendState, rules: AppendRules): Message | Failure => {
  const { conversationId, senderId, content, targetSeq = 0 } = draft
  // In a private conversation both have the same rights, from the beginning.
  const membership = (userId: UserId): Membership =>
    draft.chatType === ChatType.single ? equal : state.membership(conversationId, userId)
  const sender = membership(senderId)
  const target = targetSeq > sender.joinedSeq ? state.message(conversationId, targetSeq) : undefined
  if (target === undefined) return failure("NoMessage")
  const problem = changeProblem(
    draft,
    kind,
    {
      target,
      senderRole: sender.role,
      authorRole: membership(target.sendId).role,
      reactions: state.reactionsTo(conversationId, targetSeq),
      ownReaction: state.reactionOf(senderId, conversationId, targetSeq)
    },
    rules.policy.windows
  )
  if (problem !== undefined) return problem
  const message = state.store(draft)
  state.changeMessage({ kind, conversationId, targetSeq, seq: message.seq, userId: senderId, content, before: target })
  return message
}

const equal: Membership = { role: Role.member, joinedSeq: 0 }
