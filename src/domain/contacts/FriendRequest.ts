/** Friend requests: their schemas, their limits, and what becomes of one, decided from what is between two users. */
import { Schema } from "effect"
import { type Failure, failure } from "../shared/Failure.ts"
import { FriendRequestId, UserId } from "../shared/Ids.ts"
import { AnyHandleResult, HandleResult, type RequestAnswer, RequestMessage } from "../shared/Request.ts"

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

/** What asking has led to: a request that waits (`none`), or a friendship, where the other had asked before (`pass`). */
export const Asked = Schema.Struct({
  friendReqId: FriendRequestId,
  handleResult: Schema.Literals([HandleResult.none, HandleResult.pass])
})
export type Asked = typeof Asked.Type

/** The most friends of a user. */
export const friendsMax = 5_000
/** The most requests that one user has sent and nobody has answered, and the most that wait for one user's answer. */
export const requestsPendingMax = 1_000
/** The most requests of one answer. */
export const requestPageMax = 200

/** What is between the user who asks and the one who is asked, and how much each of them has. */
export interface Relation {
  /** Either blocks the other. */
  readonly isBlocked: boolean
  readonly areFriends: boolean
  /** Requests between the two that nobody has answered: at most one of them is there. */
  readonly sent: FriendRequestId | undefined
  readonly received: FriendRequestId | undefined
  readonly ownFriends: number
  readonly otherFriends: number
  /** Requests of the asking user, to anybody, that nobody has answered. */
  readonly sentPending: number
  /** Requests to the other user, by anybody, that wait for an answer. */
  readonly receivedPending: number
}

export type AskDecision =
  /** The same request again. */
  | { readonly _tag: "Waiting"; readonly id: FriendRequestId }
  /** The other's request is passed by asking back. */
  | { readonly _tag: "Passed"; readonly id: FriendRequestId }
  | { readonly _tag: "New" }

const full = (msg: string): Failure => failure("RateLimited", { msg, retryAfter: 60_000 })
const tooManyFriends = full(`one of the two has ${friendsMax} friends`)

/** What becomes of asking, or why nothing does. */
export const decideAsk = (relation: Relation): AskDecision | Failure => {
  if (relation.isBlocked) return failure("Blocked")
  if (relation.areFriends) return failure("Conflict", { msg: "they are friends" })
  if (relation.sent !== undefined) return { _tag: "Waiting", id: relation.sent }
  if (relation.ownFriends >= friendsMax) return tooManyFriends
  if (relation.received !== undefined) {
    return relation.otherFriends >= friendsMax ? tooManyFriends : { _tag: "Passed", id: relation.received }
  }
  if (relation.sentPending >= requestsPendingMax)
    return full(`${requestsPendingMax} requests of this user are unanswered`)
  if (relation.receivedPending >= requestsPendingMax) return full(`${requestsPendingMax} requests wait for this user`)
  return { _tag: "New" }
}

/** Whether this user may answer so: what is not for them is as unknown to them as what is not there. */
export const mayAnswer = (
  userId: UserId,
  answer: RequestAnswer,
  { reqUid, userId: receiver }: Pick<FriendRequest, "reqUid" | "userId">
): boolean => userId === (answer === HandleResult.cancel ? reqUid : receiver)

/** What becomes of an answer: it counts, it repeats what was answered before, or it is refused. */
export const decideAnswer = (
  answer: RequestAnswer,
  before: HandleResult,
  relation: Pick<Relation, "isBlocked" | "ownFriends" | "otherFriends">
): "Counts" | "Repeats" | Failure => {
  if (answer === before) return "Repeats"
  // Before the next: a block has cancelled the request, and tells more.
  if (answer === HandleResult.pass && relation.isBlocked) return failure("Blocked")
  if (before !== HandleResult.none) return failure("Conflict", { msg: "this request has another answer" })
  if (answer !== HandleResult.pass) return "Counts"
  return Math.max(relation.ownFriends, relation.otherFriends) >= friendsMax ? tooManyFriends : "Counts"
}
