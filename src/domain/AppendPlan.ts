/** What becomes of a batch of drafts, decided in memory from what the store knew before it. */
import type { AppendFacts, KnownMessage, Membership } from "./AppendFacts.ts"
import { AppendState } from "./AppendState.ts"
import { changeProblem } from "./ChangeRules.ts"
import { ChatType, type ConversationId } from "./Conversation.ts"
import { ApiError } from "./ErrorTable.ts"
import { type GroupEvent, groupEventOf, Role } from "./Group.ts"
import { decideGroup } from "./GroupRules.ts"
import type { UserId } from "./Ids.ts"
import { type Draft, isChange, type Message, MessageType } from "./Message.ts"
import type { MessagePolicy } from "./MessagePolicy.ts"
import type { AppendResult } from "./MessageStore.ts"

export interface AppendPlan {
  /** One per draft, in the same order. */
  readonly results: ReadonlyArray<AppendResult>
  /** The messages to write, in order: per conversation their seqs follow each other. */
  readonly stored: ReadonlyArray<Message>
  /** What becomes of members of groups, in order: the last word about a member counts. */
  readonly members: ReadonlyArray<MemberChange>
  /** What becomes of groups themselves, in order. */
  readonly groups: ReadonlyArray<GroupChange>
  /** How many members the groups have in the end whose members change. */
  readonly memberCounts: ReadonlyMap<ConversationId, number>
  /** Stored messages that are changed, those of this batch among them, in order. */
  readonly changes: ReadonlyArray<MessageChange>
}

export interface MemberChange extends Membership {
  readonly conversationId: ConversationId
  readonly userId: UserId
  readonly changedBy: UserId
  /** Unix milliseconds. */
  readonly changedAt: number
}

export interface GroupChange {
  readonly groupId: ConversationId
  readonly event: Extract<GroupEvent, { event: "created" | "changed" }>
}

export interface MessageChange {
  readonly kind: typeof MessageType.recall | typeof MessageType.edit | typeof MessageType.reaction
  readonly conversationId: ConversationId
  /** The changed message, and the one that changes it. */
  readonly targetSeq: number
  readonly seq: number
  readonly userId: UserId
  /** The new content, or the reaction; empty for none. */
  readonly content: string
  /** What was changed, before. */
  readonly before: Message
}

/** What the plan goes by besides the facts. */
export interface AppendRules {
  readonly policy: MessagePolicy["Service"]
  /** Tells contents apart where the first one is not kept. */
  readonly digestOf: (content: string) => string
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
        : rejected(ApiError.of("Conflict", { msg: "this id already names another message" }))
    }
    const appended = append(draft, state, rules)
    return appended instanceof ApiError ? rejected(appended) : { _tag: "Stored", message: appended }
  })
  const { stored, members, groups, memberCounts, changes } = state
  return { results, stored, members, groups, memberCounts, changes }
}

const rejected = (error: ApiError): AppendResult => ({ _tag: "Rejected", error })

const isSame = ({ message, firstDigest }: KnownMessage, draft: Draft, digestOf: AppendRules["digestOf"]): boolean =>
  // Whoever founds a group again makes up another id for it.
  (message.conversationID === draft.conversationId || isFounding(message, draft)) &&
  message.messageType === draft.messageType &&
  message.targetSeq === draft.targetSeq &&
  (firstDigest === "" ? message.content === draft.content : firstDigest === digestOf(draft.content))

const isFounding = (message: Message, draft: Draft): boolean =>
  message.messageType === MessageType.system && message.seq === 1 && draft.messageType === MessageType.system

/** The message that a draft becomes, or why it does not. */
const append = (draft: Draft, state: AppendState, rules: AppendRules): Message | ApiError => {
  const { chatType, conversationId, senderId, messageType } = draft
  if (chatType === ChatType.single) {
    const problem = privateProblem(draft, state)
    if (problem !== undefined) return problem
  } else {
    if (messageType === MessageType.system) return appendGroupEvent(draft, state)
    if (state.membership(conversationId, senderId).role === Role.former) return ApiError.of("NoConversation")
  }
  return isChange(messageType) ? appendChange(draft, state, rules) : state.store(draft)
}

/** Why a private draft is refused, if so. */
const privateProblem = ({ conversationId, senderId, receiveId }: Draft, state: AppendState): ApiError | undefined =>
  state.hasConversation(conversationId) || (state.isUser(receiveId) && state.isUser(senderId))
    ? state.barrier(senderId, receiveId)
    : ApiError.of("NoReceiver")

const appendGroupEvent = (draft: Draft, state: AppendState): Message | ApiError => {
  const { conversationId: groupId, senderId } = draft
  const event = groupEventOf(draft.content)
  const roles = decideGroup(event, senderId, state.group(groupId))
  if (roles instanceof ApiError) return roles
  const message = state.store(draft)
  state.changeMembers(message, roles)
  if (event.event === "created" || event.event === "changed") state.changeGroup({ groupId, event })
  return message
}

const appendChange = (draft: Draft, state: AppendState, rules: AppendRules): Message | ApiError => {
  const { conversationId, senderId, content, targetSeq = 0 } = draft
  // In a private conversation both have the same rights, from the beginning.
  const membership = (userId: UserId): Membership =>
    draft.chatType === ChatType.single ? equal : state.membership(conversationId, userId)
  const sender = membership(senderId)
  const target = targetSeq > sender.joinedSeq ? state.message(conversationId, targetSeq) : undefined
  if (target === undefined) return ApiError.of("NoMessage")
  const problem = changeProblem(
    draft,
    {
      target,
      senderRole: sender.role,
      authorRole: membership(target.sendId).role,
      reactions: state.reactionsTo(conversationId, targetSeq)
    },
    rules.policy.windows
  )
  if (problem !== undefined) return problem
  const message = state.store(draft)
  const kind = draft.messageType as MessageChange["kind"]
  state.changeMessage({ kind, conversationId, targetSeq, seq: message.seq, userId: senderId, content, before: target })
  return message
}

const equal: Membership = { role: Role.member, joinedSeq: 0 }
