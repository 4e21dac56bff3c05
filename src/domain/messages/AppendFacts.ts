/** The facts of the store on which the decisions on a batch of drafts depend, and the keys of these facts. */
import type { PairFacts } from "../contacts/UserPair.ts"
import type { Role } from "../groups/Group.ts"
import type { PendingRequest } from "../groups/GroupRules.ts"
import type { ConversationId } from "../shared/ConversationIds.ts"
import type { Failure } from "../shared/Failure.ts"
import type { GroupInvitationId, MessageId, UserId } from "../shared/Ids.ts"
import type { Message } from "./Message.ts"
import type { AppendRefusal } from "./Refusals.ts"

/** The facts that some draft of the batch needs. */
export interface AppendFacts extends PairFacts {
  /** Messages stored before under a draft's (sender, client id), by {@link clientKey}. */
  readonly known: ReadonlyMap<string, KnownMessage>
  /** The refusals of drafts that have come before, by the id of the draft. */
  readonly refused: ReadonlyMap<MessageId, Failure<AppendRefusal>>
  /** Where each conversation that exists ends. */
  readonly ends: ReadonlyMap<ConversationId, ConversationEnd>
  /** The users that exist: of private conversations that do not exist yet, and of group events. */
  readonly users: ReadonlySet<UserId>
  /** The members of the groups concerned, by {@link memberKey}. */
  readonly members: ReadonlyMap<string, Membership>
  readonly groups: ReadonlyMap<ConversationId, GroupFacts>
  /** Pairs of a user and another whom they let bring them into groups, by {@link pairKey}. */
  readonly admitting: ReadonlySet<string>
  /** The pending requests to join a group, by the {@link memberKey} of the joining user. */
  readonly asked: ReadonlyMap<string, PendingRequest>
  /** The invitations by which users want to join. */
  readonly invitations: ReadonlyMap<GroupInvitationId, InvitationFacts>
  /** The messages that drafts want to change, by {@link messageKey}. */
  readonly targets: ReadonlyMap<string, Message>
  /** How many have each reaction to these messages. */
  readonly reactions: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** The reactions that senders have given to these messages before, by {@link reactionKey}. */
  readonly ownReactions: ReadonlyMap<string, string>
}

/** A stored message, and the digest of its first content when it has another one now. */
export interface KnownMessage {
  readonly message: Message
  readonly firstDigest: string
}

/** Seq and time of a conversation's last message. */
export interface ConversationEnd {
  readonly seq: number
  readonly sendTime: number
  /** How many messages of types 0 to 6 it has. */
  readonly readable: number
}

export interface Membership {
  readonly role: Role
  /** The member sees the messages after this seq. */
  readonly joinedSeq: number
}

export interface InvitationFacts {
  readonly groupId: ConversationId
  /** Unix milliseconds. */
  readonly expiresAt: number
  readonly usesLeft: number
}

export interface GroupFacts {
  readonly isVerify: boolean
  readonly memberCount: number
}

export const clientKey = (sender: UserId, clientId: string): string => `${sender}/${clientId}`
export const memberKey = (conversationId: ConversationId, userId: UserId): string => `${conversationId}/${userId}`
export const messageKey = (conversationId: ConversationId, seq: number): string => `${conversationId}/${seq}`
export const reactionKey = (conversationId: ConversationId, seq: number, userId: UserId): string =>
  `${conversationId}/${seq}/${userId}`

/** The facts of a store that knows nothing. */
export const noFacts: AppendFacts = {
  known: new Map(),
  refused: new Map(),
  ends: new Map(),
  blocks: new Set(),
  friends: new Set(),
  users: new Set(),
  members: new Map(),
  groups: new Map(),
  admitting: new Set(),
  asked: new Map(),
  invitations: new Map(),
  targets: new Map(),
  reactions: new Map(),
  ownReactions: new Map()
}
