/** Friend requests: their schemas, their limits, and the decisions on them. */
import { Result, Schema } from "effect"
import type { ErrorName } from "../shared/ErrorTable.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import { FriendRequestId, UserId } from "../shared/Ids.ts"
import { AnyHandleResult, HandleResult, RequestMessage, type RequestResponse } from "../shared/Request.ts"

/** A request as the Go project names its fields. `userId` is asked, `reqUid` asks; `reqTime` in Unix milliseconds. */
export const FriendRequest = Schema.Struct({
  id: FriendRequestId,
  userId: UserId,
  reqUid: UserId,
  reqMsg: RequestMessage,
  reqTime: Schema.Int,
  handleResult: AnyHandleResult
}).annotate({ identifier: "FriendRequest" })
export type FriendRequest = typeof FriendRequest.Type

/** The outcome of a request: it waits (`none`), or the two are friends, where the other had made a request before (`pass`). */
export const FriendRequestOutcome = Schema.Struct({
  friendReqId: FriendRequestId,
  handleResult: Schema.Literals([HandleResult.none, HandleResult.pass])
})
export type FriendRequestOutcome = typeof FriendRequestOutcome.Type

/** The most friends of a user. */
export const friendsMax = 5_000
/** Unanswered requests by one user, and to one user, at most. */
export const requestsPendingMax = 1_000
/** Requests in one response at most. */
export const requestPageMax = 200

/** The relation of the requesting user to the other, and the numbers of friends and requests of both. */
export interface Relation {
  /** Either blocks the other. */
  readonly isBlocked: boolean
  readonly areFriends: boolean
  /** Unanswered requests between the two: at most one of them exists. */
  readonly sent: FriendRequestId | undefined
  readonly received: FriendRequestId | undefined
  readonly ownFriends: number
  readonly otherFriends: number
  /** Unanswered requests of the requesting user, to any user. */
  readonly sentPending: number
  /** Unanswered requests to the other user, by any user. */
  readonly receivedPending: number
}

export type RequestDecision =
  /** The same request again. */
  | { readonly _tag: "Waiting"; readonly id: FriendRequestId }
  /** A request back passes the other's request. */
  | { readonly _tag: "Passed"; readonly id: FriendRequestId }
  | { readonly _tag: "New" }

type Refused<Name extends ErrorName> = Result.Result<never, Failure<Name>>

const refuse = <Name extends ErrorName>(name: Name, msg?: string): Refused<Name> =>
  Result.fail(failure(name, msg === undefined ? {} : { msg }))
const full = (msg: string): Refused<"RateLimited"> => Result.fail(failure("RateLimited", { msg, retryAfter: 60_000 }))
const tooManyFriends = full(`one of the two has ${friendsMax} friends`)

/** The errors with which a friend request is refused. */
export type FriendRequestRefusal = "Blocked" | "Conflict" | "RateLimited"

/** The outcome of a request. */
export const decideRequest = (relation: Relation): Result.Result<RequestDecision, Failure<FriendRequestRefusal>> => {
  if (relation.isBlocked) return refuse("Blocked")
  if (relation.areFriends) return refuse("Conflict", "they are friends")
  if (relation.sent !== undefined) return Result.succeed({ _tag: "Waiting", id: relation.sent })
  if (relation.ownFriends >= friendsMax) return tooManyFriends
  if (relation.received !== undefined) {
    return relation.otherFriends >= friendsMax
      ? tooManyFriends
      : Result.succeed({ _tag: "Passed", id: relation.received })
  }
  if (relation.sentPending >= requestsPendingMax) {
    return full(`${requestsPendingMax} requests of this user are unanswered`)
  }
  if (relation.receivedPending >= requestsPendingMax) return full(`${requestsPendingMax} requests wait for this user`)
  return Result.succeed({ _tag: "New" })
}

/** Whether this user may respond so. A request for another user is as unknown as one that does not exist. */
export const mayRespond = (
  userId: UserId,
  response: RequestResponse,
  { reqUid, userId: receiver }: Pick<FriendRequest, "reqUid" | "userId">
): boolean => userId === (response === HandleResult.cancel ? reqUid : receiver)

/** A response counts, repeats the one before, or is refused. */
export const decideResponse = (
  response: RequestResponse,
  before: HandleResult,
  relation: Pick<Relation, "isBlocked" | "ownFriends" | "otherFriends">
): Result.Result<"Counts" | "Repeats", Failure<FriendRequestRefusal>> => {
  if (response === before) return Result.succeed("Repeats")
  // First, because a block has cancelled the request, and says more.
  if (response === HandleResult.pass && relation.isBlocked) return refuse("Blocked")
  if (before !== HandleResult.none) return refuse("Conflict", "this request has another answer")
  if (response !== HandleResult.pass) return Result.succeed("Counts")
  const isFull = Math.max(relation.ownFriends, relation.otherFriends) >= friendsMax
  return isFull ? tooManyFriends : Result.succeed("Counts")
}
