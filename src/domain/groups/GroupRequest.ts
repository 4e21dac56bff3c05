/** Requests to get into a group: decided from what is known of the group and of those who want in or bring in. */
import { type Failure, failure } from "../shared/Failure.ts"
import type { GroupRequestId, UserId } from "../shared/Ids.ts"
import { HandleResult, type RequestAnswer } from "../shared/Request.ts"
import { type GroupId, isManager, type Role } from "./Group.ts"

/** Somebody wants to get into a group, or a member wants to bring them in, and a manager is to approve. */
export interface GroupRequest {
  readonly id: GroupRequestId
  readonly groupId: GroupId
  readonly userId: UserId
  /** The user themselves when nobody else asks for them. */
  readonly inviterId: UserId
  readonly message: string
  /** Unix milliseconds. */
  readonly requestedAt: number
  readonly handleResult: HandleResult
  readonly handledBy: UserId | undefined
  readonly handledAt: number | undefined
}

/** A request that is to be kept. */
export type NewRequest = Pick<GroupRequest, "id" | "groupId" | "userId" | "inviterId" | "message" | "requestedAt">

/** Requests in one answer. */
export const groupRequestPageMax = 200
/** Requests of one group that are pending. */
export const groupRequestsPendingMax = 1_000

/** What is asked about a group and the users who are to get into it. */
export interface AskView {
  readonly isUser: (userId: UserId) => boolean
  /** Why the inviter has nothing to do with this user, if so. */
  readonly barrier: (inviter: UserId, userId: UserId) => Failure | undefined
  readonly isMember: (userId: UserId) => boolean
  /** Whether a request for them is pending, whoever has made it. */
  readonly isAwaited: (userId: UserId) => boolean
  /** Pending requests of the group. */
  readonly pending: number
}

/** The requests that are kept of these for one group, or why none is: one user that may not be named refuses all. */
export const decideAsk = (requests: ReadonlyArray<NewRequest>, view: AskView): ReadonlyArray<NewRequest> | Failure => {
  for (const { userId, inviterId } of requests) {
    if (!view.isUser(userId)) return failure("UserNotFound", { msg: `no user ${userId}` })
    const barrier = view.barrier(inviterId, userId)
    if (barrier !== undefined) return barrier
  }
  if (requests.every(({ userId }) => view.isMember(userId))) {
    return failure("Conflict", { msg: "already a member" })
  }
  const added = requests.filter(({ userId }) => !view.isMember(userId) && !view.isAwaited(userId))
  return view.pending + added.length > groupRequestsPendingMax
    ? failure("Conflict", { msg: `${groupRequestsPendingMax} requests of this group are pending` })
    : added
}

/**
 * Why this user may not answer so, if so. Managers pass and refuse, who has made the request or is to get in by it
 * cancels it; to all others it does not exist.
 */
export const answerProblem = (
  userId: UserId,
  role: Role,
  answer: RequestAnswer,
  request: Pick<GroupRequest, "userId" | "inviterId">
): Failure | undefined => {
  const isTheirs = userId === request.userId || userId === request.inviterId
  const isRight = answer === HandleResult.cancel ? isTheirs : isManager(role)
  if (isRight) return undefined
  return isTheirs ? failure("Forbidden") : failure("NoRequest")
}

/** What is told of a request that has another answer. */
export const closedBefore: Failure = failure("Conflict", { msg: "the request was closed before" })

/** What becomes of an answer: it counts, it repeats what was answered before, or it is refused. */
export const decideAnswer = (answer: RequestAnswer, before: HandleResult): "Counts" | "Repeats" | Failure => {
  if (answer === before) return "Repeats"
  return before === HandleResult.none ? "Counts" : closedBefore
}
