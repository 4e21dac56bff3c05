/** Invitations: codes by which anybody joins a group at once, with an end and a count (protocol.md section 2.2). */
import { Context, type Effect, Schema } from "effect"
import type { Failure } from "../shared/Failure.ts"
import { GroupId, GroupInvitationId, UserId } from "../shared/Ids.ts"
import { groupMembersMax } from "./Group.ts"

/** A code that cannot be guessed: 128 random bits. */
export const InvitationCode = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{1,64}$/u, { expected: "an invitation code" })
)

const dayMillis = 24 * 60 * 60 * 1_000

/** How long an invitation is good, in milliseconds: at least a minute, at most a year. */
export const ValidFor = Schema.Int.check(Schema.isBetween({ minimum: 60_000, maximum: 366 * dayMillis }))
export const validForDefault = 7 * dayMillis

/** How many users join by it. */
export const UsesMax = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: groupMembersMax }))
export const usesMaxDefault = 100

/** Invitations of one group that are kept; those that are over make room. */
export const invitationsMax = 100

/** An invitation as managers see it. Times in Unix milliseconds. */
export const GroupInvitation = Schema.Struct({
  id: GroupInvitationId,
  groupId: GroupId,
  code: Schema.String,
  createdBy: UserId,
  createdAt: Schema.Int,
  expiresAt: Schema.Int,
  usesMax: Schema.Int,
  /** How many have joined by it. */
  uses: Schema.Int
}).annotate({ identifier: "GroupInvitation" })
export type GroupInvitation = typeof GroupInvitation.Type

/** The group that a code opens, for a user who holds the code. */
export const InvitedGroup = Schema.Struct({
  groupId: GroupId,
  name: Schema.String,
  icon: Schema.String,
  memberCount: Schema.Int
}).annotate({ identifier: "InvitedGroup" })
export type InvitedGroup = typeof InvitedGroup.Type

/** The errors with which what only managers may do with invitations fails. */
export const invitationFailures = ["NoConversation", "Forbidden"] as const
type InvitationFailure = (typeof invitationFailures)[number]

/** The port to invitations. Non-members get `NoConversation`, members who are no managers `Forbidden`. */
export class GroupInvitations extends Context.Service<
  GroupInvitations,
  {
    /** Makes an invitation. It is a conflict when {@link invitationsMax} of the group are good. */
    readonly create: (
      managerId: UserId,
      groupId: GroupId,
      limits: { readonly validForMillis: number; readonly usesMax: number }
    ) => Effect.Effect<GroupInvitation, Failure<InvitationFailure | "Conflict" | "DatabaseError">>
    /** The invitations of a group that are good, the newest first. */
    readonly list: (
      managerId: UserId,
      groupId: GroupId
    ) => Effect.Effect<ReadonlyArray<GroupInvitation>, Failure<InvitationFailure | "DatabaseError">>
    /** Ends an invitation: it lets nobody in from now on. Idempotent. */
    readonly revoke: (
      managerId: UserId,
      groupId: GroupId,
      id: GroupInvitationId
    ) => Effect.Effect<void, Failure<InvitationFailure | "DatabaseError">>
    /** The group that a code opens, while it is good. */
    readonly find: (code: string) => Effect.Effect<InvitedGroup, Failure<"BadInvitation" | "DatabaseError">>
    /** The id of the invitation with this code, whether or not there is one. */
    readonly idOf: (code: string) => GroupInvitationId
  }
>()("fiberchat/domain/GroupInvitations") {}
