/** The port to groups, their members and requests to join. Messages change groups: see `GroupEvent`. */
import { Context, type Effect } from "effect"
import type { Failure } from "../shared/Failure.ts"
import type { GroupId, GroupRequestId, UserId } from "../shared/Ids.ts"
import type { HandleResult } from "../shared/Request.ts"
import type { Role, RoleLevel } from "./Group.ts"
import type { GroupRequest, NewRequest, RequestRefusal } from "./GroupRequest.ts"

/** A group, as one of its members sees it. */
export interface GroupInfo {
  readonly id: GroupId
  readonly name: string
  readonly icon: string
  readonly isVerify: boolean
  /** The reader's own. */
  readonly role: RoleLevel
  readonly memberCount: number
}

export interface GroupMember {
  readonly userId: UserId
  readonly nickname: string
  readonly avatar: string
  readonly role: RoleLevel
}

/** A member, and whether the group makes that member's presence visible to the reader. */
export interface MemberVisibility {
  readonly userId: UserId
  /**
   * A member who shows their presence to contacts, and requested to join or has written or acted in the group, is visible to
   * the others. A member who was brought in and has been silent is not; neither are two users to each other when one blocks the other. Leaving ends the
   * visibility. Readers are always visible to themselves.
   */
  readonly isVisible: boolean
}

/** The users who get the messages of a group, as of its message `seq`. */
export interface GroupAudience {
  readonly seq: number
  /** A member gets the messages after `joinedSeq`. */
  readonly members: ReadonlyArray<{ readonly userId: UserId; readonly joinedSeq: number }>
}

/** Groups in one answer. */
export const groupPageMax = 500

/** Non-members get `NoConversation`. */
export class Groups extends Context.Service<
  Groups,
  {
    /** The role of a user in a group, and whether its managers approve whom other members bring in; `undefined` without such a group. */
    readonly membership: (
      groupId: GroupId,
      userId: UserId
    ) => Effect.Effect<{ readonly role: Role; readonly isVerify: boolean } | undefined, Failure<"DatabaseError">>
    /** The groups that a user is in, by id, after this one; at most {@link groupPageMax}. */
    readonly list: (
      userId: UserId,
      after: GroupId | undefined
    ) => Effect.Effect<ReadonlyArray<GroupInfo>, Failure<"DatabaseError">>
    /** For members: all of them, highest rank first. */
    readonly members: (
      reader: UserId,
      groupId: GroupId
    ) => Effect.Effect<ReadonlyArray<GroupMember>, Failure<"NoConversation" | "DatabaseError">>
    /** For members: all of them, in no order, with the visibility of their presence. */
    readonly membersWithVisibility: (
      reader: UserId,
      groupId: GroupId
    ) => Effect.Effect<ReadonlyArray<MemberVisibility>, Failure<"NoConversation" | "DatabaseError">>
    readonly audience: (groupId: GroupId) => Effect.Effect<GroupAudience, Failure<"DatabaseError">>
    /**
     * Keeps requests for users to join one group, as `decideRequests` decides. Returns the pending request of each user who
     * is no member.
     */
    readonly addRequests: (
      requests: ReadonlyArray<NewRequest>
    ) => Effect.Effect<
      ReadonlyArray<Pick<GroupRequest, "id" | "userId">>,
      Failure<RequestRefusal | "NoConversation" | "DatabaseError">
    >
    /**
     * For managers: the requests of a group, newest first, before this one, which is one of the group's; at most
     * {@link groupRequestPageMax}. Other members get `Forbidden`.
     */
    readonly requests: (
      reader: UserId,
      groupId: GroupId,
      before: GroupRequestId | undefined
    ) => Effect.Effect<
      ReadonlyArray<GroupRequest>,
      Failure<"NoConversation" | "Forbidden" | "NoRequest" | "DatabaseError">
    >
    /**
     * The requests that a user has made, for themselves or others, and those of members who want to bring the user in, in the
     * same order.
     */
    readonly ownRequests: (
      userId: UserId,
      before: GroupRequestId | undefined
    ) => Effect.Effect<ReadonlyArray<GroupRequest>, Failure<"NoRequest" | "DatabaseError">>
    /** The pending request of a member to bring this user in on which the user decides. */
    readonly awaiting: (
      groupId: GroupId,
      userId: UserId
    ) => Effect.Effect<GroupRequest | undefined, Failure<"DatabaseError">>
    /** The user of a pending request has agreed: from now on the managers decide. */
    readonly consent: (id: GroupRequestId) => Effect.Effect<void, Failure<"DatabaseError">>
    readonly request: (id: GroupRequestId) => Effect.Effect<GroupRequest | undefined, Failure<"DatabaseError">>
    /** Closes a pending request without letting the user in. It is a conflict when the request has another response. */
    readonly close: (
      id: GroupRequestId,
      result: typeof HandleResult.refuse | typeof HandleResult.cancel,
      by: UserId,
      at: number
    ) => Effect.Effect<void, Failure<"NoRequest" | "Conflict" | "DatabaseError">>
  }
>()("fiberchat/domain/Groups") {}
