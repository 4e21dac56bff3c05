/** The port to contacts and blocks. */
import { Context, type Effect } from "effect"
import type { PrivacySetting } from "../accounts/Privacy.ts"
import type { Failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"
import type { UserPair } from "./UserPair.ts"

export class Contacts extends Context.Service<
  Contacts,
  {
    /**
     * The contacts whose presence this user sees: friends, and, unless messages need friendship, users with whom messages
     * went both ways; those of them whose setting admits this user, and none where either blocks the other. At most
     * {@link contactsMax}, friends first.
     */
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<UserId>, Failure<"DatabaseError">>
    /**
     * Those of these users whose setting admits this user, in no order; none where either blocks the other. It costs as much
     * as the number of these users, however many contacts there are.
     */
    readonly among: (
      userId: UserId,
      userIds: ReadonlyArray<UserId>,
      setting: PrivacySetting
    ) => Effect.Effect<ReadonlyArray<UserId>, Failure<"DatabaseError">>
    /** The same for many users at once: those of these pairs in which the setting of the other user admits the user. */
    readonly pairs: (
      pairs: ReadonlyArray<UserPair>,
      setting: PrivacySetting
    ) => Effect.Effect<ReadonlyArray<UserPair>, Failure<"DatabaseError">>
    /** As {@link among}, whether or not one blocks the other: blocked users have names, too. */
    readonly findable: (
      userId: UserId,
      userIds: ReadonlyArray<UserId>,
      setting: PrivacySetting
    ) => Effect.Effect<ReadonlyArray<UserId>, Failure<"DatabaseError">>
    /** Those of these users that are friends of this user, or have written to them. */
    readonly known: (
      userId: UserId,
      userIds: ReadonlyArray<UserId>
    ) => Effect.Effect<ReadonlyArray<UserId>, Failure<"DatabaseError">>
    /**
     * Stops messages between the two, in both directions, and cancels unanswered requests: for friendship, and to bring one
     * of the two into a group by the other. A friendship stays. Idempotent. The limit is {@link blocksMax}; oneself is a bad
     * parameter.
     */
    readonly block: (
      userId: UserId,
      blocked: UserId
    ) => Effect.Effect<void, Failure<"BadParameters" | "UserNotFound" | "RateLimited" | "DatabaseError">>
    readonly unblock: (userId: UserId, blocked: UserId) => Effect.Effect<void, Failure<"DatabaseError">>
    /** The users that this user blocks. */
    readonly blocks: (userId: UserId) => Effect.Effect<ReadonlyArray<UserId>, Failure<"DatabaseError">>
  }
>()("fiberchat/domain/Contacts") {}

/** The most contacts that are listed. */
export const contactsMax = 5_000
/** The most users that one user blocks. */
export const blocksMax = 5_000
