/** The port to what is known of groups. Changing them is a matter of messages: see `GroupEvent`. */
import { Context, type Effect } from "effect"
import type { Failure } from "../shared/Failure.ts"
import type { GroupRequestId, UserId } from "../shared/Ids.ts"
import type { HandleResult } from "../shared/Request.ts"
import type { GroupId, Role, RoleLevel } from "./Group.ts"
import type { GroupRequest, NewRequest } from "./GroupRequest.ts"

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

/** A member, as another one sees that member's presence. */
export interface Companion {
  readonly userId: UserId
  /**
   * Whether being in the group lets the reader know it: who has asked to get in, has written or has done something else
   * there shows to the others; who was brought in and has kept silent does not, nor anybody where either blocks the
   * other. Leaving ends it. Of oneself one knows.
   */
  readonly isOpen: boolean
}

/** Who gets the messages of a group, as of its message `seq`. */
export interface GroupAudience {
  readonly seq: number
  /** A member gets what comes after `joinedSeq`. */
  readonly members: ReadonlyArray<{ readonly userId: UserId; readonly joinedSeq: number }>
}

/** Groups in one answer. */
export const groupPageMax = 500

/** Everything can fail with `DatabaseError`; what is asked by nobody's right with `NoConversation`. */
export class Groups extends Context.Service<
  Groups,
  {
    /** How the user stands to a group, and whether its managers approve who wants in; `undefined` without such a group. */
    readonly standing: (
      groupId: GroupId,
      userId: UserId
    ) => Effect.Effect<{ readonly role: Role; readonly isVerify: boolean } | undefined, Failure>
    /** The groups that a user is in, by id, after this one; at most {@link groupPageMax}. */
    readonly list: (userId: UserId, after: string) => Effect.Effect<ReadonlyArray<GroupInfo>, Failure>
    /** For members: all of them, highest rank first. */
    readonly members: (reader: UserId, groupId: GroupId) => Effect.Effect<ReadonlyArray<GroupMember>, Failure>
    /** For members: all of them, in no order. */
    readonly companions: (reader: UserId, groupId: GroupId) => Effect.Effect<ReadonlyArray<Companion>, Failure>
    readonly audience: (groupId: GroupId) => Effect.Effect<GroupAudience, Failure>
    /**
     * Keeps requests for users to get into one group, as `decideAsk` decides. Gives the pending request of each user who
     * is no member.
     */
    readonly ask: (
      requests: ReadonlyArray<NewRequest>
    ) => Effect.Effect<ReadonlyArray<Pick<GroupRequest, "id" | "userId">>, Failure>
    /**
     * For managers: the requests of a group, newest first, before this one; at most {@link groupRequestPageMax}. Fails
     * with `NoRequest` when that is not one of the group's, and for other members with `Forbidden`.
     */
    readonly requests: (
      reader: UserId,
      groupId: GroupId,
      before: GroupRequestId | undefined
    ) => Effect.Effect<ReadonlyArray<GroupRequest>, Failure>
    /** The requests that a user has made, for themselves or others, in the same order. */
    readonly ownRequests: (
      userId: UserId,
      before: GroupRequestId | undefined
    ) => Effect.Effect<ReadonlyArray<GroupRequest>, Failure>
    readonly request: (id: GroupRequestId) => Effect.Effect<GroupRequest | undefined, Failure>
    /** Closes a pending request without letting the user in. Fails with `Conflict` when it was closed otherwise. */
    readonly close: (
      id: GroupRequestId,
      result: typeof HandleResult.refuse | typeof HandleResult.cancel,
      by: UserId,
      at: number
    ) => Effect.Effect<void, Failure>
  }
>()("fiberchat/domain/Groups") {}
