/** The port to friendships and the requests that lead to them. */
import { Context, type Effect, Schema } from "effect"
import type { Failure } from "../shared/Failure.ts"
import { type FriendRequestId, UserId } from "../shared/Ids.ts"
import type { RequestResponse } from "../shared/Request.ts"
import type { FriendRequest, FriendRequestOutcome, FriendRequestRefusal } from "./FriendRequest.ts"

/** A friend, without private fields. */
export const Friend = Schema.Struct({ friendUid: UserId, nickname: Schema.String, avatar: Schema.String }).annotate({
  identifier: "Friend"
})
export type Friend = typeof Friend.Type

/** Friendship is mutual, and each step is one transaction. */
export class Friends extends Context.Service<
  Friends,
  {
    /**
     * Requests friendship; if the other user has done so before, the two are friends at once. While a request waits, another
     * one finds it. A request that its user has cancelled is forgotten when they request anew. The limits are `friendsMax`
     * and `requestsPendingMax`; a request to oneself is a bad parameter.
     */
    readonly request: (
      userId: UserId,
      other: UserId,
      message: string
    ) => Effect.Effect<
      FriendRequestOutcome,
      Failure<FriendRequestRefusal | "BadParameters" | "UserNotFound" | "DatabaseError">
    >
    /** Responds to a request. The same response again has no effect. */
    readonly respond: (
      userId: UserId,
      id: FriendRequestId,
      response: RequestResponse
    ) => Effect.Effect<void, Failure<FriendRequestRefusal | "NoRequest" | "DatabaseError">>
    /** Requests to and of a user, newest first, at most `requestPageMax`: those before the request `before`, or the newest. */
    readonly requests: (
      userId: UserId,
      before: FriendRequestId | undefined
    ) => Effect.Effect<ReadonlyArray<FriendRequest>, Failure<"NoRequest" | "DatabaseError">>
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<Friend>, Failure<"DatabaseError">>
    /** The friends whose presence a user sees: those who show it, where neither blocks the other. */
    readonly visible: (userId: UserId) => Effect.Effect<ReadonlyArray<UserId>, Failure<"DatabaseError">>
    /**
     * Ends the friendship on both sides and, where messages need friendship, the pending requests to bring one of the two
     * into a group by the other. Idempotent.
     */
    readonly remove: (userId: UserId, friend: UserId) => Effect.Effect<void, Failure<"DatabaseError">>
  }
>()("fiberchat/domain/Friends") {}
