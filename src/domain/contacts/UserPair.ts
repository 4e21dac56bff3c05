/** Two users, and what keeps them apart. */
import { type Failure, failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"

/** Two users, of whom the first is the one that acts or asks. */
export interface UserPair {
  readonly userId: UserId
  readonly otherId: UserId
}

export const pairKey = (user: UserId, other: UserId): string => `${user}/${other}`

/** What is known of users two by two. */
export interface PairFacts {
  /** Who blocks whom, by {@link pairKey}. */
  readonly blocks: ReadonlySet<string>
  /** Who is whose friend, by {@link pairKey}; where messages need friendship. */
  readonly friends: ReadonlySet<string>
}

/** Why these two may not write to each other or bring each other into groups, if so. */
export const barrier = (
  { blocks, friends }: PairFacts,
  requireFriendship: boolean,
  one: UserId,
  other: UserId
): Failure | undefined => {
  if (blocks.has(pairKey(one, other)) || blocks.has(pairKey(other, one))) return failure("Blocked")
  const areStrangers = requireFriendship && one !== other && !friends.has(pairKey(one, other))
  return areStrangers ? failure("NotFriends") : undefined
}
