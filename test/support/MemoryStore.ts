/** A store after the plans of `appendPlan` were carried out, in plain collections. */
import { pairKey } from "../../src/domain/contacts/UserPair.ts"
import { Role } from "../../src/domain/groups/Group.ts"
import type { PendingRequest } from "../../src/domain/groups/GroupRules.ts"
import type { MessageChange } from "../../src/domain/messages/AppendChanges.ts"
import {
  type AppendFacts,
  clientKey,
  type InvitationFacts,
  type KnownMessage,
  type Membership,
  memberKey,
  messageKey
} from "../../src/domain/messages/AppendFacts.ts"
import { type AppendPlan, appendPlan } from "../../src/domain/messages/AppendPlan.ts"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import { type Message, MessageType } from "../../src/domain/messages/Message.ts"
import type { MessagePolicy } from "../../src/domain/messages/MessagePolicy.ts"
import type { AppendRefusal } from "../../src/domain/messages/Refusals.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { Failure } from "../../src/domain/shared/Failure.ts"
import type { GroupInvitationId, MessageId, UserId } from "../../src/domain/shared/Ids.ts"

export const digestOf = (content: string): string => `digest of ${content}`

interface StoredMessage {
  message: Message
  firstDigest: string
}

interface MemoryGroup {
  name: string
  isVerify: boolean
}

export class MemoryStore {
  readonly messages = new Map<string, StoredMessage>()
  readonly members = new Map<string, Membership>()
  /** How far who has written in a conversation or come into it has read at least, by {@link memberKey}. */
  readonly positions = new Map<string, number>()
  readonly groups = new Map<ConversationId, MemoryGroup>()
  /** The reactions to a message, by user. */
  readonly reactions = new Map<string, Map<UserId, string>>()
  /** Pending requests, by {@link memberKey}, and how others ended. */
  readonly asked = new Map<string, "pending" | `passed by ${string} at ${number}`>()
  readonly blocks = new Set<string>()
  readonly friends = new Set<string>()
  /** Users who let nobody bring them into groups. */
  readonly shut = new Set<string>()
  readonly invitations = new Map<GroupInvitationId, InvitationFacts>()
  readonly refused = new Map<MessageId, Failure<AppendRefusal>>()
  readonly users: ReadonlySet<UserId>
  /** Edits of each message, which go with it when it is recalled. */
  private readonly edits = new Map<string, Array<string>>()

  constructor(users: ReadonlyArray<string>) {
    this.users = new Set(users as ReadonlyArray<UserId>)
  }

  ask(conversationId: ConversationId, userId: UserId): void {
    this.asked.set(memberKey(conversationId, userId), "pending")
  }

  block(one: string, other: string): void {
    this.blocks.add(pairKey(one as UserId, other as UserId))
  }

  befriend(one: string, other: string): void {
    this.friends.add(pairKey(one as UserId, other as UserId)).add(pairKey(other as UserId, one as UserId))
  }

  /** Everything that there is to know, whatever a batch needs. */
  facts(): AppendFacts {
    const stored = [...this.messages.values()]
    const isNow = (role: Role) => role !== Role.former
    return {
      known: new Map(
        stored.map((one): [string, KnownMessage] => [clientKey(one.message.senderId, one.message.clientId), one])
      ),
      refused: new Map(this.refused),
      ends: new Map(
        stored.map(({ message: { conversationId, seq, sendTime } }) => [
          conversationId,
          { seq, sendTime, readable: this.readable(conversationId) }
        ])
      ),
      blocks: this.blocks,
      friends: this.friends,
      users: this.users,
      members: new Map(this.members),
      groups: new Map(
        [...this.groups].map(([id, { isVerify }]) => {
          const memberCount = [...this.members].filter(([key, { role }]) => key.startsWith(`${id}/`) && isNow(role))
          return [id, { isVerify, memberCount: memberCount.length }]
        })
      ),
      admitting: new Set(
        [...this.users].flatMap((userId) =>
          this.shut.has(userId) ? [] : [...this.users].map((other) => pairKey(userId, other))
        )
      ),
      // All have asked by themselves.
      asked: new Map(
        [...this.asked].flatMap(([key, state]): ReadonlyArray<[string, PendingRequest]> => {
          const inviterId = key.slice(key.indexOf("/") + 1) as UserId
          return state === "pending" ? [[key, { inviterId, awaitsUser: false }]] : []
        })
      ),
      invitations: new Map(this.invitations),
      targets: new Map(stored.map(({ message }) => [messageKey(message.conversationId, message.seq), message])),
      reactions: new Map(
        [...this.reactions].map(([key, given]) => [
          key,
          new Map([...Map.groupBy(given.values(), (reaction) => reaction)].map(([one, all]) => [one, all.length]))
        ])
      ),
      ownReactions: new Map(
        [...this.reactions].flatMap(([key, given]) =>
          [...given].map(([userId, reaction]): [string, string] => [`${key}/${userId}`, reaction])
        )
      )
    }
  }

  /** Decides on the drafts together, and carries it out. */
  append(drafts: ReadonlyArray<Draft>, policy: MessagePolicy["Service"]): AppendPlan["results"] {
    const plan = appendPlan(drafts, this.facts(), { policy, digestOf })
    this.carryOut(plan)
    return plan.results
  }

  private carryOut(plan: AppendPlan): void {
    for (const message of plan.stored) {
      const first = message.messageType === MessageType.edit ? message.content : plan.firstContents.get(message)
      const firstDigest = first === undefined ? "" : digestOf(first)
      this.messages.set(messageKey(message.conversationId, message.seq), { message, firstDigest })
      if (message.messageType <= 6) this.raise(memberKey(message.conversationId, message.senderId), message.seq)
    }
    for (const { conversationId: groupId, event } of plan.groupChanges) {
      const { name = "", isVerify = false } = this.groups.get(groupId) ?? {}
      this.groups.set(groupId, { name: event.name ?? name, isVerify: event.isVerify ?? isVerify })
    }
    for (const { conversationId, userId, role, joinedSeq, readSeq, changedBy, changedAt } of plan.memberChanges) {
      const key = memberKey(conversationId, userId)
      this.members.set(key, { role, joinedSeq })
      this.raise(key, readSeq)
      if (role === Role.former || this.asked.get(key) !== "pending") continue
      this.asked.set(key, `passed by ${changedBy} at ${changedAt}`)
    }
    for (const { draftId, error } of plan.refusals) {
      if (this.refused.has(draftId)) throw new Error(`${draftId} is decided twice`)
      this.refused.set(draftId, error)
    }
    for (const [id, count] of plan.invitationUses) {
      const invitation = this.invitations.get(id)
      if (invitation === undefined) throw new Error(`no invitation ${id}`)
      this.invitations.set(id, { ...invitation, usesLeft: invitation.usesLeft - count })
    }
    for (const change of plan.messageChanges) this.change(change)
  }

  private readable(id: ConversationId): number {
    const all = [...this.messages.values()]
    return all.filter(({ message }) => message.conversationId === id && message.messageType <= 6).length
  }

  private raise(key: string, seq: number): void {
    this.positions.set(key, Math.max(seq, this.positions.get(key) ?? 0))
  }

  private change({ kind, conversationId, targetSeq, seq, userId, content, before }: MessageChange): void {
    const key = messageKey(conversationId, targetSeq)
    const target = this.messages.get(key)
    if (target === undefined) throw new Error(`no message ${key}`)
    if (kind === MessageType.reaction) {
      const given = this.reactions.get(key) ?? new Map<UserId, string>()
      if (content === "") given.delete(userId)
      else given.set(userId, content)
      this.reactions.set(key, given)
      return
    }
    target.firstDigest ||= digestOf(before.content)
    if (kind === MessageType.edit) {
      target.message = { ...target.message, content, edited: true }
      this.edits.set(key, [...(this.edits.get(key) ?? []), messageKey(conversationId, seq)])
      return
    }
    target.message = { ...target.message, content: "", recalled: true }
    this.reactions.delete(key)
    for (const edit of this.edits.get(key) ?? []) {
      const stored = this.messages.get(edit)
      if (stored !== undefined) stored.message = { ...stored.message, content: "" }
    }
  }
}
