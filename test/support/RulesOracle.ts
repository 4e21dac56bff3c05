/**
 * The rules of docs/protocol.md, sections 1.6 and 2.2, once more, as plainly as can be: one draft after the other, on
 * lists that hold everything. Nothing of `src/` is used but types, so that a rule that is wrong there is wrong there alone.
 */
import type { GroupEvent } from "../../src/domain/groups/Group.ts"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import type { MessagePolicy } from "../../src/domain/messages/MessagePolicy.ts"

type Policy = MessagePolicy["Service"]

/** A message as a member sees it, and its first content. */
interface Said {
  readonly seq: number
  readonly sender: string
  readonly clientId: string
  readonly type: number
  readonly target: number | undefined
  readonly first: string
  readonly at: number
  content: string
  recalled: boolean
  edited: boolean
  /** The last reaction of each user. */
  readonly reactions: Map<string, string>
}

interface Member {
  /** 1 owner, 2 manager, 3 ordinary member. */
  readonly role: number
  readonly joinedSeq: number
}

class Conversation {
  readonly messages: Array<Said> = []
  readonly members = new Map<string, Member>()
  isVerify = false
}

/** `stored 3`, `again 3`, or the name of the refusal. */
export type Verdict = string

/** The effect of a stored draft. */
type Changes = Array<() => void>

const [system, recall, edit] = [7, 8, 9] as const

const targetOf = (draft: Draft): number | undefined => ("targetSeq" in draft ? draft.targetSeq : undefined)

/** Times do not run back, but where a clock was more than a minute ahead and is set right. */
const timeAfter = (last: number, sendTime: number): number =>
  sendTime >= last || last - sendTime > 60_000 ? sendTime : last

export class RulesOracle {
  readonly conversations = new Map<string, Conversation>()
  /** Pairs of friends, and of users of whom one blocks the other, in both directions. */
  readonly friends = new Set<string>()
  readonly blocks = new Set<string>()
  /** Users whose request to get into the group waits. */
  readonly asking = new Set<string>()
  /** Users who let nobody bring them into groups. */
  readonly shut = new Set<string>()
  /** The one invitation that there is. */
  invitation = { id: "", groupId: "", expiresAt: 0, usesLeft: 0 }
  /** The refusals of drafts that may come again, by the draft's own id. */
  private readonly refused = new Map<string, Verdict>()
  private readonly users: ReadonlyArray<string>
  private readonly policy: Policy

  constructor(users: ReadonlyArray<string>, policy: Policy) {
    this.users = users
    this.policy = policy
  }

  decide(draft: Draft): Verdict {
    const before = this.refused.get(draft.messageId)
    if (before !== undefined) return before
    const isAgain = this.named(draft) !== undefined
    const verdict = this.judge(draft)
    if (draft.mayComeAgain === true && !isAgain && !verdict.startsWith("stored")) {
      this.refused.set(draft.messageId, verdict)
    }
    return verdict
  }

  private judge(draft: Draft): Verdict {
    const known = this.named(draft)
    if (known !== undefined) return this.again(known, draft)
    const conversation = this.conversations.get(draft.conversationId) ?? new Conversation()
    const changes: Changes = []
    const refused =
      draft.messageType === system
        ? this.event(draft as Draft & { event: GroupEvent }, conversation, changes)
        : (this.receiver(draft, conversation) ?? this.change(draft, conversation, changes))
    if (refused !== undefined) return refused
    this.conversations.set(draft.conversationId, conversation)
    const seq = conversation.messages.length + 1
    conversation.messages.push({
      seq,
      sender: draft.senderId,
      clientId: draft.clientId,
      type: draft.messageType,
      target: targetOf(draft),
      first: draft.content,
      at: timeAfter(conversation.messages.at(-1)?.at ?? 0, draft.sendTime),
      content: draft.content,
      recalled: false,
      edited: false,
      reactions: new Map()
    })
    for (const change of changes) change()
    return `stored ${seq}`
  }

  /** The message that this sender has given this id. */
  private named({ senderId, clientId }: Draft) {
    for (const [id, { messages }] of this.conversations) {
      const message = messages.find((one) => one.sender === senderId && one.clientId === clientId)
      if (message !== undefined) return { id, message }
    }
    return undefined
  }

  private again({ id, message }: { id: string; message: Said }, draft: Draft): Verdict {
    const isSame =
      id === draft.conversationId &&
      message.type === draft.messageType &&
      message.target === targetOf(draft) &&
      message.first === draft.content
    return isSame ? `again ${message.seq}` : "Conflict"
  }

  private apart(one: string, other: string): string | undefined {
    if (this.blocks.has(`${one} ${other}`)) return "Blocked"
    return this.policy.requireFriendship && one !== other && !this.friends.has(`${one} ${other}`)
      ? "NotFriends"
      : undefined
  }

  private receiver({ chatType, senderId, receiveId, messageType }: Draft, conversation: Conversation) {
    if (chatType === 0) return conversation.members.has(senderId) ? undefined : "NoConversation"
    if (conversation.messages.length === 0 && !this.users.includes(receiveId)) return "NoReceiver"
    // A recall says nothing to the receiver.
    return messageType === recall ? undefined : this.apart(senderId, receiveId)
  }

  private change(draft: Draft, { messages, members }: Conversation, changes: Changes): string | undefined {
    const { messageType, senderId, content, sendTime, chatType } = draft
    if (messageType < recall) return undefined
    const { recallMillis, editMillis } = this.policy.windows
    const target = messages.find(({ seq }) => seq === targetOf(draft))
    const sees = chatType === 1 ? 0 : (members.get(senderId)?.joinedSeq ?? 0)
    if (target === undefined || target.seq <= sees || target.type > 6) return "NoMessage"
    if (target.recalled) return "Conflict"
    const isOwn = target.sender === senderId
    const isLate = (window: number) => window > 0 && (sendTime - target.at > window || target.at - sendTime > 60_000)
    if (messageType === recall) {
      const own = members.get(senderId)?.role ?? 4
      const author = members.get(target.sender)?.role ?? 4
      const mayAlways = chatType === 0 && own <= 2 && (isOwn || own < author)
      if (!mayAlways && !isOwn) return "Forbidden"
      if (!mayAlways && isLate(recallMillis)) return "TooLate"
      changes.push(() => {
        target.recalled = true
        target.content = ""
        target.reactions.clear()
        for (const one of messages) if (one.type === edit && one.target === target.seq) one.content = ""
      })
      return undefined
    }
    if (messageType === edit) {
      if (!isOwn) return "Forbidden"
      if (isLate(editMillis)) return "TooLate"
      changes.push(() => {
        target.content = content
        target.edited = true
      })
      return undefined
    }
    const after = new Map(target.reactions)
    if (content === "") after.delete(senderId)
    else after.set(senderId, content)
    const isNew = content !== "" && ![...target.reactions.values()].includes(content)
    if (isNew && new Set(after.values()).size > 20) return "Conflict"
    changes.push(() => {
      if (content === "") target.reactions.delete(senderId)
      else target.reactions.set(senderId, content)
    })
    return undefined
  }

  private event(
    draft: Draft & { event: GroupEvent },
    conversation: Conversation,
    changes: Changes
  ): string | undefined {
    const { event, senderId: sender } = draft
    const { members, messages } = conversation
    const role = members.get(sender)?.role
    const isManager = role === 1 || role === 2
    const give = (userId: string, role: number) =>
      changes.push(() => {
        const joinedSeq = this.policy.groupHistory === "all" ? 0 : messages.length - 1
        members.set(userId, { role, joinedSeq: members.get(userId)?.joinedSeq ?? joinedSeq })
        this.asking.delete(userId)
      })
    const decides = (userId: string) => this.shut.has(userId) && !this.asking.has(userId)
    const bring = (newcomers: ReadonlyArray<string>, named: ReadonlyArray<string>): string | undefined => {
      for (const userId of newcomers) {
        const problem = this.users.includes(userId) ? this.apart(sender, userId) : "UserNotFound"
        if (problem !== undefined) return problem
      }
      const joining = newcomers.filter((userId) => !decides(userId))
      for (const userId of joining) give(userId, 3)
      const leftOut = newcomers.filter(decides)
      if (leftOut.length > 0) {
        changes.push(() => {
          const message = messages.at(-1)
          const userIds = named.filter((userId) => !leftOut.includes(userId))
          if (message !== undefined) message.content = JSON.stringify({ ...event, userIds })
        })
      }
      return event.event === "joined" && joining.length === 0 ? "Forbidden" : undefined
    }
    if (event.event === "created") {
      if (messages.length > 0) return "Conflict"
      give(sender, 1)
      changes.push(() => {
        conversation.isVerify = event.isVerify
      })
      return bring([...new Set(event.userIds.filter((userId) => userId !== sender))], event.userIds)
    }
    if (members.size === 0) return "NoConversation"
    if (event.event === "joined") {
      const isAlone = event.userIds.every((userId) => userId === sender)
      if (role === undefined && !isAlone) return "NoConversation"
      if (event.asked === true && role === 3) return "Forbidden"
      const mayBring = role !== undefined && (isManager || !conversation.isVerify)
      if (event.asked !== true && event.invitation === undefined && !mayBring) return "Forbidden"
      const newcomers = [...new Set(event.userIds.filter((userId) => !members.has(userId)))]
      if (newcomers.length === 0) return "Conflict"
      if (event.asked === true) {
        // Nobody here is asked whether they join: who is asked, has asked.
        if (!newcomers.every((userId) => userId !== sender && this.asking.has(userId))) return "NoRequest"
        for (const userId of newcomers) give(userId, 3)
        return undefined
      }
      if (event.invitation === undefined) return bring(newcomers, event.userIds)
      const { id, groupId, expiresAt, usesLeft } = this.invitation
      const isGood = event.invitation === id && draft.conversationId === groupId && draft.sendTime < expiresAt
      if (!isGood || usesLeft === 0 || newcomers.some((userId) => userId !== sender)) return "BadInvitation"
      changes.push(() => {
        this.invitation.usesLeft -= 1
      })
      give(sender, 3)
      return undefined
    }
    if (role === undefined) return "NoConversation"
    switch (event.event) {
      case "left":
        if (role === 1 && members.size > 1) return "Forbidden"
        changes.push(() => members.delete(sender))
        return undefined
      case "removed": {
        const roles = event.userIds.map((userId) => members.get(userId)?.role)
        if (!isManager || roles.some((other) => other !== undefined && other <= role)) return "Forbidden"
        if (roles.includes(undefined)) return "NotMember"
        for (const userId of event.userIds) changes.push(() => members.delete(userId))
        return undefined
      }
      case "role": {
        if (role !== 1) return "Forbidden"
        const had = members.get(event.userId)?.role
        if (had === undefined) return "NotMember"
        if (event.userId === sender) return event.role === 1 ? "Conflict" : "Forbidden"
        if (had === event.role) return "Conflict"
        if (event.role === 1) give(sender, 2)
        give(event.userId, event.role)
        return undefined
      }
      case "changed":
        if (!isManager) return "Forbidden"
        changes.push(() => {
          conversation.isVerify = event.isVerify ?? conversation.isVerify
        })
        return undefined
    }
  }
}
