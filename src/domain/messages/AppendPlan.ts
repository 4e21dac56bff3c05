/** The outcome of a batch of drafts, decided in memory from the facts that the store had before it. */
import { Result } from "effect"
import type { ContactRefusal } from "../contacts/UserPair.ts"
import { Role } from "../groups/Group.ts"
import { decideGroup } from "../groups/GroupRules.ts"
import { ChatType, type ConversationId } from "../shared/ConversationIds.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import type { GroupInvitationId, UserId } from "../shared/Ids.ts"
import type { GroupChange, KeptRefusal, MemberChange, MessageChange } from "./AppendChanges.ts"
import type { AppendFacts, KnownMessage, Membership } from "./AppendFacts.ts"
import { type AppendRules, AppendState } from "./AppendState.ts"
import { checkChange } from "./ChangeRules.ts"
import {
  type Draft,
  type RefusalOf,
  targetSeqOf,
  type Unsent,
  type UnsentChange,
  type UnsentGroupEvent
} from "./Draft.ts"
import { type Message, MessageType } from "./Message.ts"
import type { AppendResult } from "./MessageStore.ts"
import type { AppendRefusal } from "./Refusals.ts"

export interface AppendPlan {
  /** One per draft, in the same order. */
  readonly results: ReadonlyArray<AppendResult>
  /** The messages to write, in order: per conversation their seqs follow each other. */
  readonly stored: ReadonlyArray<Message>
  /** For each of them, how many messages of types 0 to 6 its conversation has up to it. */
  readonly readableCounts: ReadonlyArray<number>
  /** The content as it was sent, for stored messages that hold less: group events without users who decide themselves. */
  readonly firstContents: ReadonlyMap<Message, string>
  /** The refusals of drafts that may come again. */
  readonly refusals: ReadonlyArray<KeptRefusal>
  /** Changes of members, in order: of one member the last change counts, and the furthest `readSeq`. */
  readonly memberChanges: ReadonlyArray<MemberChange>
  /** Changes of groups themselves, in order. */
  readonly groupChanges: ReadonlyArray<GroupChange>
  /** The final number of members of each group whose members change. */
  readonly memberCounts: ReadonlyMap<ConversationId, number>
  /** How many join by each invitation. */
  readonly invitationUses: ReadonlyMap<GroupInvitationId, number>
  /** Stored messages that are changed, those of this batch among them, in order. */
  readonly messageChanges: ReadonlyArray<MessageChange>
}

/**
 * Decides draft by draft. A draft that was refused before stays refused, whatever the rules say by now; one with a known
 * (sender, client id) is a duplicate, or a conflict when the id named another message; a draft against the rules is refused;
 * all others are numbered. Each decision counts for the drafts after it.
 * Times have the order of seqs though the clocks of gateways differ; they run back only when a clock was set right.
 */
export const appendPlan = (drafts: ReadonlyArray<Draft>, facts: AppendFacts, rules: AppendRules): AppendPlan => {
  const state = new AppendState(facts, rules)
  const results = drafts.map((draft): AppendResult => {
    const before = decidedBefore(draft, state.refusalOf(draft), state.knownAs(draft), rules.digestOf)
    if (before !== undefined) return before
    const appended = append(draft, state, rules)
    if (Result.isSuccess(appended)) return { _tag: "Stored", message: appended.success }
    state.refuse(draft, appended.failure)
    return { _tag: "Rejected", error: appended.failure }
  })
  const { stored, readableCounts, firstContents, refusals, memberChanges, groupChanges, memberCounts, messageChanges } =
    state
  return {
    results,
    stored,
    readableCounts,
    firstContents,
    refusals,
    memberChanges,
    groupChanges,
    memberCounts,
    invitationUses: state.invitationUses,
    messageChanges
  }
}

/**
 * The result of a draft that is decided already: by its own refusal, or by the message that is stored under its id. Neither
 * changes any more.
 */
export const decidedBefore = (
  draft: Draft,
  refused: Failure<AppendRefusal> | undefined,
  known: KnownMessage | undefined,
  digestOf: AppendRules["digestOf"]
): AppendResult | undefined => {
  if (refused !== undefined) return { _tag: "Rejected", error: refused }
  if (known === undefined) return undefined
  return isSame(known, draft, digestOf)
    ? { _tag: "Duplicate", message: known.message }
    : { _tag: "Rejected", error: failure("Conflict", { msg: "this id already names another message" }) }
}

const isSame = ({ message, firstDigest }: KnownMessage, draft: Draft, digestOf: AppendRules["digestOf"]): boolean =>
  // A group that is created again has another id.
  (message.conversationId === draft.conversationId || isCreation(message)) &&
  message.messageType === draft.messageType &&
  message.targetSeq === targetSeqOf(draft) &&
  (firstDigest === "" ? message.content === draft.content : firstDigest === digestOf(draft.content))

const isCreation = ({ messageType, seq }: Message): boolean => messageType === MessageType.system && seq === 1

/** A new message, or the refusal of a draft of this kind. */
type Appended<D extends Unsent> = Result.Result<Message, Failure<RefusalOf<D>>>

const append = (draft: Draft, state: AppendState, rules: AppendRules): Appended<Draft> => {
  switch (draft.messageType) {
    case MessageType.system:
      return appendGroupEvent(draft, state)
    case MessageType.recall:
    case MessageType.edit:
    case MessageType.reaction:
      return appendChange(draft, state, rules)
    default:
      return Result.map(checkReceiver(draft, state), () => state.store(draft))
  }
}

/** Fails where the sender may not write to the receiver. */
const checkReceiver = (
  draft: Draft,
  state: AppendState
): Result.Result<void, Failure<ContactRefusal | "NoReceiver" | "NoConversation">> => {
  const { conversationId, senderId, messageType } = draft
  if (draft.chatType === ChatType.group) {
    const isMember = state.membership(conversationId, senderId).role !== Role.former
    return isMember ? Result.void : Result.fail(failure("NoConversation"))
  }
  const { receiveId } = draft
  const exists = state.hasConversation(conversationId) || (state.isUser(receiveId) && state.isUser(senderId))
  if (!exists) return Result.fail(failure("NoReceiver"))
  // A recall takes words back, and says nothing to the receiver.
  return messageType === MessageType.recall ? Result.void : state.checkContact(senderId, receiveId)
}

const appendGroupEvent = (draft: UnsentGroupEvent & Draft, state: AppendState): Appended<UnsentGroupEvent> => {
  const { conversationId, senderId, sendTime } = draft
  return Result.map(decideGroup(draft.event, senderId, state.group(conversationId, sendTime)), ({ event, roles }) => {
    const message = event === draft.event ? state.store(draft) : state.storeLess(draft, JSON.stringify(event))
    state.changeMembers(message, roles)
    if (event.event === "joined" && event.invitation !== undefined) state.useInvitation(event.invitation)
    if (event.event === "created" || event.event === "changed") {
      state.changeGroup({ conversationId, event })
    }
    return message
  })
}

const appendChange = (draft: UnsentChange & Draft, state: AppendState, rules: AppendRules): Appended<UnsentChange> => {
  const allowed = checkReceiver(draft, state)
  if (Result.isFailure(allowed)) return Result.fail(allowed.failure)
  const { conversationId, senderId, content, messageType, targetSeq } = draft
  // In a private conversation both have the same rights, from the beginning.
  const membership = (userId: UserId): Membership =>
    draft.chatType === ChatType.single ? equal : state.membership(conversationId, userId)
  const sender = membership(senderId)
  const target = targetSeq > sender.joinedSeq ? state.message(conversationId, targetSeq) : undefined
  if (target === undefined) return Result.fail(failure("NoMessage"))
  const view = {
    target,
    senderRole: sender.role,
    authorRole: membership(target.senderId).role,
    reactions: state.reactionsTo(conversationId, targetSeq),
    ownReaction: state.reactionOf(senderId, conversationId, targetSeq)
  }
  return Result.map(checkChange(draft, view, rules.policy.windows), () => {
    const message = state.store(draft)
    state.changeMessage({
      kind: messageType,
      conversationId,
      targetSeq,
      seq: message.seq,
      userId: senderId,
      content,
      before: target
    })
    return message
  })
}

const equal: Membership = { role: Role.member, joinedSeq: 0 }
