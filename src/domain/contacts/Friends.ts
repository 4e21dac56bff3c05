/** The port to friendships and the requests that lead to them. */
import { Context, type Effect, Schema } from "effect"
import type { Failure } from "../shared/Failure.ts"
import { type FriendRequestId, UserId } from "../shared/Ids.ts"
import type { RequestAnswer } from "../shared/Request.ts"
import type { Asked, FriendRequest } from "./FriendRequest.ts"

/** A friend as others may see them. */
export const Friend = Schema.Struct({ friendUid: UserId, nickname: Schema.String, avatar: Schema.String }).annotate({
  identifier: "Friend"
})
export type Friend = typeof Friend.Type

/** Everything can fail with `DatabaseError`. Friendship is mutual, and each step is one transaction. */
export class Friends extends Context.Service<
  Friends,
  {
    /**
     * Asks for friendship; where the other has asked before, the two are friends at once. While a request waits, asking
     * again finds it. A request that the asking user has cancelled is forgotten when they ask anew. Fails with
     * `BadParameters` for oneself, `UserNotFound`, `Blocked`, `Conflict` between friends, and with `RateLimited` past
     * `friendsMax` and `requestsPendingMax`.
     */
    readonly ask: (userId: UserId, other: UserId, message: string) => Effect.Effect<Asked, Failure>
    /**
     * Answers a request. The same answer again has no effect. Fails with `NoRequest` when there is none that this user
     * may answer so, `Conflict` when it has another answer, `Blocked` when it is to be passed while one blocks the
     * other, and `RateLimited` past `friendsMax`.
     */
    readonly answer: (userId: UserId, id: FriendRequestId, answer: RequestAnswer) => Effect.Effect<void, Failure>
    /**
     * Requests to and of a user, newest first, at most `requestPageMax`: those before the request `before`, or the newest.
     * Fails with `NoRequest` when that is not one of theirs.
     */
    readonly requests: (
      userId: UserId,
      before: FriendRequestId | undefined
    ) => Effect.Effect<ReadonlyArray<FriendRequest>, Failure>
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<Friend>, Failure>
    /** The friends whose presence a user sees: where neither blocks the other. */
    readonly visible: (userId: UserId) => Effect.Effect<ReadonlyArray<UserId>, Failure>
    /**
     * Ends the friendship on both sides, and, where messages need friendship, what is pending to bring one of them into a
     * group by the other. Idempotent.
     */
    readonly remove: (userId: UserId, friend: UserId) => Effect.Effect<void, Failure>
  }
>()("fiberchat/domain/Friends") {}
