/** Two users, and whether they may write to each other or bring each other into groups. */
import { Result } from "effect"
import { type Failure, failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"

/** Two users, the acting one first. */
export interface UserPair {
  readonly userId: UserId
  readonly otherId: UserId
}

export const pairKey = (user: UserId, other: UserId): string => `${user}/${other}`

/** The facts about pairs of users. */
export interface PairFacts {
  /** Pairs of a user and a user blocked by them, by {@link pairKey}. */
  readonly blocks: ReadonlySet<string>
  /** Pairs of friends, by {@link pairKey}; read only where messages need friendship. */
  readonly friends: ReadonlySet<string>
}

/** The errors of two users who may not. */
export type ContactRefusal = "Blocked" | "NotFriends"

/** Fails where two users may not write to each other or bring each other into groups. */
export const checkContact = (
  { blocks, friends }: PairFacts,
  requireFriendship: boolean,
  one: UserId,
  other: UserId
): Result.Result<void, Failure<ContactRefusal>> => {
  if (blocks.has(pairKey(one, other)) || blocks.has(pairKey(other, one))) return Result.fail(failure("Blocked"))
  const areStrangers = requireFriendship && one !== other && !friends.has(pairKey(one, other))
  return areStrangers ? Result.fail(failure("NotFriends")) : Result.void
}
