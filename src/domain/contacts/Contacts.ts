/** The port to who knows whom and who blocks whom. */
import { Context, type Effect } from "effect"
import type { Failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"
import type { UserPair } from "./UserPair.ts"

/** Everything can fail with `DatabaseError`. */
export class Contacts extends Context.Service<
  Contacts,
  {
    /**
     * The users whose phone and presence this one sees: friends, and, unless messages need friendship, those with whom
     * messages went both ways; nobody where either blocks the other. At most {@link contactsMax}, friends first.
     */
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<UserId>, Failure>
    /**
     * Those of these users that are contacts, in no order, however many contacts there are: it costs what is asked for,
     * and not the whole list.
     */
    readonly among: (userId: UserId, userIds: ReadonlyArray<UserId>) => Effect.Effect<ReadonlyArray<UserId>, Failure>
    /** The same for many users at once: those of these pairs that are contacts. */
    readonly pairs: (pairs: ReadonlyArray<UserPair>) => Effect.Effect<ReadonlyArray<UserPair>, Failure>
    /**
     * Stops messages between the two, in both directions, and cancels requests that nobody has answered: to be friends,
     * and to bring one of them into a group by the other; a friendship stays. Idempotent. Fails with `BadParameters` for
     * oneself, with `UserNotFound`, and with `RateLimited` past {@link blocksMax}.
     */
    readonly block: (userId: UserId, blocked: UserId) => Effect.Effect<void, Failure>
    readonly unblock: (userId: UserId, blocked: UserId) => Effect.Effect<void, Failure>
    /** Whom this user blocks. */
    readonly blocks: (userId: UserId) => Effect.Effect<ReadonlyArray<UserId>, Failure>
  }
>()("fiberchat/domain/Contacts") {}

/** The most contacts that are listed. */
export const contactsMax = 5_000
/** The most users that one user blocks. */
export const blocksMax = 5_000
