/**
 * The state of a store with the decided drafts of a batch applied: the next draft is decided on it, and the changes in it
 * are written in the end.
 */
import type { Result } from "effect"

import { type ContactRefusal, checkContact, pairKey } from "../contacts/UserPair.ts"
import { Role } from "../groups/Group.ts"
import type { GroupView, PendingRequest, RoleChange } from "../groups/GroupRules.ts"
import type { ConversationId } from "../shared/ConversationIds.ts"
import type { Failure } from "../shared/Failure.ts"
import type { GroupInvitationId, MessageId, UserId } from "../shared/Ids.ts"
import type { GroupChange, KeptRefusal, MemberChange, MessageChange } from "./AppendChanges.ts"
import {
  type AppendFacts,
  type ConversationEnd,
  clientKey,
  type GroupFacts,
  type KnownMessage,
  type Membership,
  memberKey,
  messageKey,
  reactionKey
} from "./AppendFacts.ts"
import { clocksApartMillis, type Draft } from "./Draft.ts"
import { isWritten, type Message, MessageType } from "./Message.ts"
import type { MessagePolicy } from "./MessagePolicy.ts"
import type { AppendRefusal } from "./Refusals.ts"

/** The rules of a decision. */
export interface AppendRules {
  readonly policy: MessagePolicy["Service"]
  /** The digest of a content. Of a message that was edited, only the digest of the first content is stored. */
  readonly digestOf: (content: string) => string
}

export class AppendState {
  readonly stored: Array<Message> = []
  readonly readableCounts: Array<number> = []
  readonly firstContents = new Map<Message, string>()
  readonly refusals: Array<KeptRefusal> = []
  readonly memberChanges: Array<MemberChange> = []
  readonly groupChanges: Array<GroupChange> = []
  readonly memberCounts = new Map<ConversationId, number>()
  readonly invitationUses = new Map<GroupInvitationId, number>()
  readonly messageChanges: Array<MessageChange> = []
  private readonly facts: AppendFacts
  private readonly rules: AppendRules
  private readonly known: Map<string, KnownMessage>
  private readonly refused: Map<MessageId, Failure<AppendRefusal>>
  private readonly ends: Map<ConversationId, ConversationEnd>
  private readonly memberships: Map<string, Membership>
  private readonly groupFacts: Map<ConversationId, GroupFacts>
  private readonly asked: Map<string, PendingRequest>
  private readonly targets: Map<string, Message>
  private readonly reactions: Map<string, ReadonlyMap<string, number>>
  private readonly ownReactions: Map<string, string>

  constructor(facts: AppendFacts, rules: AppendRules) {
    this.facts = facts
    this.rules = rules
    this.known = new Map(facts.known)
    this.refused = new Map(facts.refused)
    this.ends = new Map(facts.ends)
    this.memberships = new Map(facts.members)
    this.groupFacts = new Map(facts.groups)
    this.asked = new Map(facts.asked)
    this.targets = new Map(facts.targets)
    this.reactions = new Map(facts.reactions)
    this.ownReactions = new Map(facts.ownReactions)
  }

  /** The message that was stored under the id of this draft. */
  knownAs({ senderId, clientId }: Draft): KnownMessage | undefined {
    return this.known.get(clientKey(senderId, clientId))
  }

  /** The refusal with which this draft has been decided. */
  refusalOf({ messageId }: Draft): Failure<AppendRefusal> | undefined {
    return this.refused.get(messageId)
  }

  /** The draft is refused, for good where it may come again. */
  refuse({ messageId, mayComeAgain }: Draft, error: Failure<AppendRefusal>): void {
    if (mayComeAgain !== true) return
    this.refused.set(messageId, error)
    this.refusals.push({ draftId: messageId, error })
  }

  hasConversation(conversationId: ConversationId): boolean {
    return this.ends.has(conversationId)
  }

  isUser(userId: UserId): boolean {
    return this.facts.users.has(userId)
  }

  /** Fails where two users may not write to each other or bring each other into groups. */
  checkContact(a: UserId, b: UserId): Result.Result<void, Failure<ContactRefusal>> {
    return checkContact(this.facts, this.rules.policy.requireFriendship, a, b)
  }

  /** The membership of a user in a group; the role of a stranger is {@link Role.former}. */
  membership(conversationId: ConversationId, userId: UserId): Membership {
    return this.memberships.get(memberKey(conversationId, userId)) ?? stranger
  }

  /** The facts about a group and its users at a time, in Unix milliseconds. */
  group(groupId: ConversationId, at: number): GroupView {
    return {
      exists: this.ends.has(groupId),
      ...this.factsOf(groupId),
      roleOf: (userId) => this.membership(groupId, userId).role,
      isUser: (userId) => this.isUser(userId),
      checkContact: (a, b) => this.checkContact(a, b),
      admits: (userId, other) => this.facts.admitting.has(pairKey(userId, other)),
      requestFor: (userId) => this.asked.get(memberKey(groupId, userId)),
      isInvitationGood: (id) => {
        const invitation = this.facts.invitations.get(id)
        if (invitation === undefined || invitation.groupId !== groupId || at >= invitation.expiresAt) return false
        return (this.invitationUses.get(id) ?? 0) < invitation.usesLeft
      }
    }
  }

  private factsOf(groupId: ConversationId): GroupFacts {
    return this.groupFacts.get(groupId) ?? { isVerify: false, memberCount: 0 }
  }

  message(conversationId: ConversationId, seq: number): Message | undefined {
    return this.targets.get(messageKey(conversationId, seq))
  }

  /** How many have each reaction to a message. */
  reactionsTo(conversationId: ConversationId, seq: number): ReadonlyMap<string, number> {
    return this.reactions.get(messageKey(conversationId, seq)) ?? new Map()
  }

  /** The reaction of a user to it, empty for none. */
  reactionOf(userId: UserId, conversationId: ConversationId, seq: number): string {
    return this.ownReactions.get(reactionKey(conversationId, seq, userId)) ?? ""
  }

  /** The draft becomes the next message of its conversation. */
  store(draft: Draft): Message {
    const end = this.ends.get(draft.conversationId) ?? beforeFirst
    const message = numbered(draft, end)
    const readable = end.readable + Number(isWritten(message.messageType))
    this.ends.set(draft.conversationId, { seq: message.seq, sendTime: message.sendTime, readable })
    this.readableCounts.push(readable)
    this.known.set(clientKey(draft.senderId, draft.clientId), { message, firstDigest: "" })
    this.targets.set(messageKey(draft.conversationId, message.seq), message)
    this.stored.push(message)
    return message
  }

  /** The same for a draft of which only this content takes place; sent again, it is compared as it was sent. */
  storeLess(draft: Draft, content: string): Message {
    const message = this.store({ ...draft, content })
    this.firstContents.set(message, draft.content)
    this.known.set(clientKey(draft.senderId, draft.clientId), {
      message,
      firstDigest: this.rules.digestOf(draft.content)
    })
    return message
  }

  /** One more joins by an invitation. */
  useInvitation(id: GroupInvitationId): void {
    this.invitationUses.set(id, (this.invitationUses.get(id) ?? 0) + 1)
  }

  /** Members get the roles that a message of their group gives them. */
  changeMembers({ conversationId, senderId, sendTime, seq }: Message, roles: ReadonlyArray<RoleChange>): void {
    const { isVerify, memberCount } = this.factsOf(conversationId)
    let count = memberCount
    for (const { userId, role } of roles) {
      const before = this.membership(conversationId, userId)
      const isNew = before.role === Role.former
      count += Number(isNew) - Number(role === Role.former)
      // A new member sees their own joining first.
      const joinedSeq = this.rules.policy.groupHistory === "all" ? 0 : seq - 1
      const membership: Membership = { role, joinedSeq: isNew ? joinedSeq : before.joinedSeq }
      const key = memberKey(conversationId, userId)
      this.memberships.set(key, membership)
      // A member has no pending request.
      if (role !== Role.former) this.asked.delete(key)
      this.memberChanges.push({
        conversationId,
        userId,
        seq,
        changedBy: senderId,
        changedAt: sendTime,
        readSeq: isNew ? seq - 1 : 0,
        ...membership
      })
    }
    this.groupFacts.set(conversationId, { isVerify, memberCount: count })
    if (roles.length > 0) this.memberCounts.set(conversationId, count)
  }

  changeGroup({ conversationId, event }: GroupChange): void {
    const { isVerify, memberCount } = this.factsOf(conversationId)
    this.groupFacts.set(conversationId, { isVerify: event.isVerify ?? isVerify, memberCount })
    this.groupChanges.push({ conversationId, event })
  }

  /** A message changes as another one says. */
  changeMessage(change: MessageChange): void {
    this.messageChanges.push(change)
    const { kind, before, content } = change
    if (kind === MessageType.recall) this.recall(before)
    if (kind === MessageType.edit) this.amend(before, { content, edited: true })
    if (kind === MessageType.reaction) this.react(change)
  }

  /** Changes an existing message, also as the result of its draft when that comes again. */
  private amend(message: Message, changes: Partial<Message>): void {
    this.targets.set(messageKey(message.conversationId, message.seq), { ...message, ...changes })
    const key = clientKey(message.senderId, message.clientId)
    const first = this.known.get(key)
    if (first === undefined) return
    this.known.set(key, {
      message: { ...first.message, ...changes },
      firstDigest: first.firstDigest || this.rules.digestOf(first.message.content)
    })
  }

  /** Takes the words away from a message, and from the edits of it. */
  private recall(target: Message): void {
    this.amend(target, { content: "", recalled: true })
    for (const { message } of [...this.known.values()]) {
      const isOfTarget = message.conversationId === target.conversationId && message.targetSeq === target.seq
      if (isOfTarget && message.messageType === MessageType.edit) this.amend(message, { content: "" })
    }
  }

  /** The last reaction of each user counts. */
  private react({ conversationId, targetSeq, userId, content }: MessageChange): void {
    const ownKey = reactionKey(conversationId, targetSeq, userId)
    const counts = new Map(this.reactionsTo(conversationId, targetSeq))
    const last = this.reactionOf(userId, conversationId, targetSeq)
    const count = (reaction: string, more: number) => counts.set(reaction, (counts.get(reaction) ?? 0) + more)
    if (last !== "" && count(last, -1).get(last) === 0) counts.delete(last)
    if (content !== "") count(content, 1)
    this.ownReactions.set(ownKey, content)
    this.reactions.set(messageKey(conversationId, targetSeq), counts)
  }
}

const beforeFirst: ConversationEnd = { seq: 0, sendTime: 0, readable: 0 }

const stranger: Membership = { role: Role.former, joinedSeq: 0 }

/** Times have the order of seqs, unless the clock was set back: then the true time counts. */
const timeOf = ({ sendTime }: Draft, end: ConversationEnd): number =>
  end.sendTime - sendTime <= clocksApartMillis ? Math.max(sendTime, end.sendTime) : sendTime

const numbered = (draft: Draft, end: ConversationEnd): Message => ({
  messageId: draft.messageId,
  clientId: draft.clientId,
  conversationId: draft.conversationId,
  seq: end.seq + 1,
  chatType: draft.chatType,
  senderId: draft.senderId,
  receiveId: draft.receiveId,
  sendTime: timeOf(draft, end),
  messageType: draft.messageType,
  content: draft.content,
  ...("targetSeq" in draft ? { targetSeq: draft.targetSeq } : {})
})
