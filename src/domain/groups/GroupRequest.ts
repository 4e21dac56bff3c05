/** Requests to join a group, and the decisions on them. */
import { Result } from "effect"
import type { ContactRefusal } from "../contacts/UserPair.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import type { GroupId, GroupRequestId, UserId } from "../shared/Ids.ts"
import { HandleResult, type RequestResponse } from "../shared/Request.ts"
import { isManager, type Role } from "./Group.ts"

/**
 * The request of a user to join a group, or of a member to bring a user in. A manager decides on it, and before, where the
 * user does not let that member bring them in, the user.
 */
export interface GroupRequest {
  readonly id: GroupRequestId
  readonly groupId: GroupId
  readonly userId: UserId
  /** The user themselves, or the member who wants to bring them in. */
  readonly inviterId: UserId
  /** The user decides; afterwards, or otherwise, the managers. */
  readonly awaitsUser: boolean
  /** The group's name, for the user whom a member wants to bring in. */
  readonly groupName?: string | undefined
  readonly message: string
  /** Unix milliseconds. */
  readonly requestedAt: number
  readonly handleResult: HandleResult
  readonly handledBy: UserId | undefined
  readonly handledAt: number | undefined
}

/** A request that is to be kept. */
export type NewRequest = Pick<GroupRequest, "id" | "groupId" | "userId" | "inviterId" | "message" | "requestedAt">
/** The same, with who decides on it first. */
export type KeptRequest = NewRequest & Pick<GroupRequest, "awaitsUser">

/** Requests in one answer. */
export const groupRequestPageMax = 200
/** Requests of one group that are pending. */
export const groupRequestsPendingMax = 1_000

/** The facts about a group and the users of a request. */
export interface RequestView {
  readonly isUser: (userId: UserId) => boolean
  /** Fails where the inviter may not bring in this user. */
  readonly checkContact: (inviter: UserId, userId: UserId) => Result.Result<void, Failure<ContactRefusal>>
  /** Whether this user lets another one bring them in at once. */
  readonly admits: (userId: UserId, inviter: UserId) => boolean
  readonly isMember: (userId: UserId) => boolean
  /** Whether a request for them is pending, by any user. */
  readonly isPending: (userId: UserId) => boolean
  /** Pending requests of the group. */
  readonly pending: number
}

/** The errors with which a request is refused. */
export type RequestRefusal = "UserNotFound" | ContactRefusal | "Conflict"

/**
 * The requests for one group that are kept: those for users who are no members and have none. All are refused when one of them
 * names a user that it may not name.
 */
export const decideRequests = (
  requests: ReadonlyArray<NewRequest>,
  view: RequestView
): Result.Result<ReadonlyArray<KeptRequest>, Failure<RequestRefusal>> => {
  for (const { userId, inviterId } of requests) {
    if (!view.isUser(userId)) return Result.fail(failure("UserNotFound", { msg: `no user ${userId}` }))
    const contact = view.checkContact(inviterId, userId)
    if (Result.isFailure(contact)) return Result.fail(contact.failure)
  }
  const added = requests.filter(({ userId }) => !view.isMember(userId) && !view.isPending(userId))
  return view.pending + added.length > groupRequestsPendingMax
    ? Result.fail(failure("Conflict", { msg: `${groupRequestsPendingMax} requests of this group are pending` }))
    : Result.succeed(added.map((request) => ({ ...request, awaitsUser: awaitsUser(request, view) })))
}

/** A user who asks for themselves has decided. */
const awaitsUser = ({ userId, inviterId }: NewRequest, view: RequestView): boolean =>
  userId !== inviterId && !view.admits(userId, inviterId)

/**
 * Fails where this user may not respond so. The user passes and refuses a request that awaits them, managers pass all others and
 * refuse any; the requester and the user of the request cancel it; for all others the request does not exist.
 */
export const checkResponse = (
  userId: UserId,
  role: Role,
  response: RequestResponse,
  request: Pick<GroupRequest, "userId" | "inviterId" | "awaitsUser">
): Result.Result<void, Failure<"Forbidden" | "NoRequest">> => {
  const isTheirs = userId === request.userId || userId === request.inviterId
  const isAwaited = request.awaitsUser && userId === request.userId
  const isRight =
    response === HandleResult.cancel
      ? isTheirs
      : isAwaited || (isManager(role) && (response === HandleResult.refuse || !request.awaitsUser))
  if (isRight) return Result.void
  const isSeen = isTheirs || (isManager(role) && response !== HandleResult.cancel)
  return Result.fail(isSeen ? failure("Forbidden") : failure("NoRequest"))
}

/** The failure of a request that has another response. */
export const closedBefore: Failure<"Conflict"> = failure("Conflict", { msg: "the request was closed before" })

/** A response counts, repeats the one before, or is refused. */
export const decideResponse = (
  response: RequestResponse,
  before: HandleResult
): Result.Result<"Counts" | "Repeats", Failure<"Conflict">> => {
  if (response === before) return Result.succeed("Repeats")
  return before === HandleResult.none ? Result.succeed("Counts") : Result.fail(closedBefore)
}
