/** What becomes of a batch of drafts, decided in memory from what the store knew before it. */
import {
  type AppendFacts,
  type ConversationEnd,
  clientKey,
  type KnownMessage,
  type Membership,
  memberKey,
  messageKey,
  pairKey,
  reactionKey
} from "./AppendFacts.ts"
import { changeProblem } from "./ChangeRules.ts"
import { ChatType, type ConversationId } from "./Conversation.ts"
import { ApiError } from "./ErrorTable.ts"
import { type GroupEvent, groupEventOf, Role } from "./Group.ts"
import { decideGroup, type GroupView } from "./GroupRules.ts"
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
  const known = new Map(facts.known)
  const ends = new Map(facts.ends)
  const members = new Map(facts.members)
  const groups = new Map(facts.groups)
  const targets = new Map(facts.targets)
  const reactions = new Map(facts.reactions)
  const ownReactions = new Map(facts.ownReactions)
  const asked = new Set(facts.asked)
  const wantsTargets = drafts.some(({ messageType }) => isChange(messageType))
  const plan = {
    results: [] as Array<AppendResult>,
    stored: [] as Array<Message>,
    members: [] as Array<MemberChange>,
    groups: [] as Array<GroupChange>,
    changes: [] as Array<MessageChange>
  }

  /** Why two users may not write to each other or bring each other into groups, if so. */
  const barrier = (a: UserId, b: UserId): ApiError | undefined => {
    if (facts.blocks.has(pairKey(a, b)) || facts.blocks.has(pairKey(b, a))) return ApiError.of("Blocked")
    const areStrangers = rules.policy.requireFriendship && a !== b && !facts.friends.has(pairKey(a, b))
    return areStrangers ? ApiError.of("NotFriends") : undefined
  }

  /** The role that lets a draft's sender write into a group; in a private conversation both have the same. */
  const roleOf = (conversationId: ConversationId, userId: UserId): Role =>
    members.get(memberKey(conversationId, userId))?.role ?? Role.former

  const store = (draft: Draft): Message => {
    const message = numbered(draft, ends.get(draft.conversationId) ?? beforeFirst)
    ends.set(draft.conversationId, message)
    known.set(clientKey(draft.senderId, draft.clientId), { message, firstDigest: "" })
    if (wantsTargets) targets.set(messageKey(draft.conversationId, message.seq), message)
    plan.stored.push(message)
    return message
  }

  /** Why a private draft is refused, if so. */
  const privateProblem = ({ conversationId, senderId, receiveId }: Draft): ApiError | undefined =>
    ends.has(conversationId) || (facts.users.has(receiveId) && facts.users.has(senderId))
      ? barrier(senderId, receiveId)
      : ApiError.of("NoReceiver")

  const appendGroupEvent = (draft: Draft): Message | ApiError => {
    const { conversationId, senderId } = draft
    const event = groupEventOf(draft.content)
    const group = groups.get(conversationId)
    const view: GroupView = {
      exists: ends.has(conversationId),
      isVerify: group?.isVerify ?? false,
      memberCount: group?.memberCount ?? 0,
      roleOf: (userId) => roleOf(conversationId, userId),
      isUser: (userId) => facts.users.has(userId),
      barrier,
      hasAsked: (userId) => asked.has(memberKey(conversationId, userId))
    }
    const decided = decideGroup(event, senderId, view)
    if (decided instanceof ApiError) return decided
    const message = store(draft)
    let memberCount = view.memberCount
    for (const { userId, role } of decided) {
      const key = memberKey(conversationId, userId)
      const before = members.get(key) ?? { role: Role.former, joinedSeq: 0 }
      const isNew = before.role === Role.former
      memberCount += Number(isNew) - Number(role === Role.former)
      // A new member sees their own joining first.
      const joinedSeq = rules.policy.groupHistory === "all" ? 0 : message.seq - 1
      const membership: Membership = { role, joinedSeq: isNew ? joinedSeq : before.joinedSeq }
      members.set(key, membership)
      // Who is a member has no request pending.
      if (role !== Role.former) asked.delete(key)
      plan.members.push({ conversationId, userId, changedBy: senderId, changedAt: message.sendTime, ...membership })
    }
    const isVerify = event.event === "created" || event.event === "changed" ? event.isVerify : undefined
    groups.set(conversationId, { memberCount, isVerify: isVerify ?? view.isVerify })
    if (event.event === "created" || event.event === "changed") plan.groups.push({ groupId: conversationId, event })
    return message
  }

  /** Changes a message that exists, and what a draft of it that comes again is answered with. */
  const amend = (message: Message, changes: Partial<Message>): void => {
    targets.set(messageKey(message.conversationID, message.seq), { ...message, ...changes })
    const key = clientKey(message.sendId, message.clientId)
    const first = known.get(key)
    if (first === undefined) return
    known.set(key, {
      message: { ...first.message, ...changes },
      firstDigest: first.firstDigest || rules.digestOf(first.message.content)
    })
  }

  /** Takes the words away from a message, and from the edits of it. */
  const recall = (target: Message): void => {
    amend(target, { content: "", recalled: true })
    for (const { message } of [...known.values()]) {
      const isOfTarget = message.conversationID === target.conversationID && message.targetSeq === target.seq
      if (isOfTarget && message.messageType === MessageType.edit) amend(message, { content: "" })
    }
  }

  /** The last reaction of each user counts. */
  const react = ({ conversationId, senderId, content }: Draft, seq: number): void => {
    const key = messageKey(conversationId, seq)
    const ownKey = reactionKey(conversationId, seq, senderId)
    const counts = new Map(reactions.get(key))
    const last = ownReactions.get(ownKey) ?? ""
    const count = (reaction: string, more: number) => counts.set(reaction, (counts.get(reaction) ?? 0) + more)
    if (last !== "" && count(last, -1).get(last) === 0) counts.delete(last)
    if (content !== "") count(content, 1)
    ownReactions.set(ownKey, content)
    reactions.set(key, counts)
  }

  const appendChange = (draft: Draft): Message | ApiError => {
    const { conversationId, senderId, messageType, targetSeq = 0 } = draft
    const key = messageKey(conversationId, targetSeq)
    const isPrivate = draft.chatType === ChatType.single
    const target = targets.get(key)
    const joinedSeq = isPrivate ? 0 : (members.get(memberKey(conversationId, senderId))?.joinedSeq ?? 0)
    const problem = changeProblem(
      draft,
      {
        target: targetSeq > joinedSeq ? target : undefined,
        senderRole: isPrivate ? Role.member : roleOf(conversationId, senderId),
        authorRole: isPrivate || target === undefined ? Role.member : roleOf(conversationId, target.sendId),
        reactions: reactions.get(key) ?? new Map()
      },
      rules.policy.windows
    )
    if (problem !== undefined || target === undefined) return problem ?? ApiError.of("NoMessage")
    const message = store(draft)
    const kind = messageType as MessageChange["kind"]
    plan.changes.push({
      kind,
      conversationId,
      targetSeq,
      seq: message.seq,
      userId: senderId,
      content: draft.content,
      before: target
    })
    if (kind === MessageType.recall) recall(target)
    if (kind === MessageType.edit) amend(target, { content: draft.content, edited: true })
    if (kind === MessageType.reaction) react(draft, targetSeq)
    return message
  }

  const append = (draft: Draft): Message | ApiError => {
    if (draft.chatType === ChatType.single) {
      const problem = privateProblem(draft)
      if (problem !== undefined) return problem
    } else {
      if (draft.messageType === MessageType.system) return appendGroupEvent(draft)
      if (roleOf(draft.conversationId, draft.senderId) === Role.former) return ApiError.of("NoConversation")
    }
    return isChange(draft.messageType) ? appendChange(draft) : store(draft)
  }

  for (const draft of drafts) {
    const first = known.get(clientKey(draft.senderId, draft.clientId))
    if (first !== undefined) {
      plan.results.push(
        isSame(first, draft, rules.digestOf)
          ? { _tag: "Duplicate", message: first.message }
          : rejected(ApiError.of("Conflict", { msg: "this id already names another message" }))
      )
      continue
    }
    const appended = append(draft)
    plan.results.push(appended instanceof ApiError ? rejected(appended) : { _tag: "Stored", message: appended })
  }
  return plan
}

const beforeFirst: ConversationEnd = { seq: 0, sendTime: 0 }

const rejected = (error: ApiError): AppendResult => ({ _tag: "Rejected", error })

const isSame = ({ message, firstDigest }: KnownMessage, draft: Draft, digestOf: AppendRules["digestOf"]): boolean =>
  // Whoever founds a group again makes up another id for it.
  (message.conversationID === draft.conversationId || isFounding(message, draft)) &&
  message.messageType === draft.messageType &&
  message.targetSeq === draft.targetSeq &&
  (firstDigest === "" ? message.content === draft.content : firstDigest === digestOf(draft.content))

const isFounding = (message: Message, draft: Draft): boolean =>
  message.messageType === MessageType.system && message.seq === 1 && draft.messageType === MessageType.system

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
  content: draft.content,
  ...(draft.targetSeq === undefined ? {} : { targetSeq: draft.targetSeq })
})
