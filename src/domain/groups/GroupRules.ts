/** The rights in a group: whether an event takes place, and the roles that it gives to members. */
import { Result } from "effect"
import type { ContactRefusal } from "../contacts/UserPair.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import type { GroupInvitationId, UserId } from "../shared/Ids.ts"
import {
  crossingsOf,
  type EventOf,
  type GroupEvent,
  groupMembersMax,
  isManager,
  outranks,
  Role,
  type RoleLevel
} from "./Group.ts"
import type { GroupRequest } from "./GroupRequest.ts"

/** The facts about a group and the users of an event that the rules read. */
export interface GroupView {
  readonly exists: boolean
  /** Whether a manager must approve whom other members bring in. */
  readonly isVerify: boolean
  readonly memberCount: number
  readonly roleOf: (userId: UserId) => Role
  readonly isUser: (userId: UserId) => boolean
  /** Fails where two users may not bring each other into groups. */
  readonly checkContact: (a: UserId, b: UserId) => Result.Result<void, Failure<ContactRefusal>>
  /** Whether this user lets another one bring them in at once. */
  readonly admits: (userId: UserId, other: UserId) => boolean
  /** The pending request for this user: who has made it, and whether the user decides on it. */
  readonly requestFor: (userId: UserId) => PendingRequest | undefined
  /** Whether an invitation is one of the group's, and good for one more. */
  readonly isInvitationGood: (id: GroupInvitationId) => boolean
}

/** A request that no response has closed yet. */
export type PendingRequest = Pick<GroupRequest, "inviterId" | "awaitsUser">

/** A member's new role; {@link Role.former} for a user who is no member any more. */
export interface RoleChange {
  readonly userId: UserId
  readonly role: Role
}

/** The errors with which the rules refuse an event. */
export type EventRefusal =
  | ContactRefusal
  | "NoConversation"
  | "Forbidden"
  | "Conflict"
  | "UserNotFound"
  | "GroupFull"
  | "NotMember"
  | "NoRequest"
  | "BadInvitation"

/** An event that takes place, and the roles that it gives. */
export interface GroupDecision {
  /** The event without the users who decide by themselves whether this sender brings them in. */
  readonly event: GroupEvent
  readonly roles: ReadonlyArray<RoleChange>
}

type Decided = Result.Result<GroupDecision, Failure<EventRefusal>>
type Roles = Result.Result<ReadonlyArray<RoleChange>, Failure<EventRefusal>>

const refuse = (name: EventRefusal, msg?: string): Result.Result<never, Failure<EventRefusal>> =>
  Result.fail(failure(name, msg === undefined ? {} : { msg }))

const forbidden = (msg: string) => refuse("Forbidden", msg)

/**
 * Whether an event takes place, and with whom. For non-members a group does not exist. A group that all members have left exists for
 * no user: no owner is left to let a user in.
 */
export const decideGroup = (event: GroupEvent, sender: UserId, view: GroupView): Decided => {
  if (event.event === "created") return created(event, sender, view)
  if (!view.exists || view.memberCount === 0) return refuse("NoConversation")
  const role = view.roleOf(sender)
  if (event.event === "joined") return joined(event, sender, role, view)
  if (role === Role.former) return refuse("NoConversation")
  return Result.map(changed(event, sender, role, view), (roles) => ({ event, roles }))
}

/** The roles that an event gives by which nobody joins. */
const changed = (
  event: Exclude<GroupEvent, { event: "created" | "joined" }>,
  sender: UserId,
  role: RoleLevel,
  view: GroupView
): Roles => {
  switch (event.event) {
    case "left":
      return role === Role.owner && view.memberCount > 1
        ? forbidden("the owner hands the group over before leaving it")
        : Result.succeed([{ userId: sender, role: Role.former }])
    case "removed":
      return removed(event, sender, role, view)
    case "role":
      return roleGiven(event.userId, event.role, sender, role, view)
    case "changed":
      return role === Role.member ? forbidden("only managers change the group") : Result.succeed([])
  }
}

/**
 * Those of these users whom the sender brings in at once: they let the sender do so, or have asked for it. Fails where the sender
 * may not name one of them.
 */
const brought = (
  userIds: ReadonlyArray<UserId>,
  sender: UserId,
  view: GroupView
): Result.Result<ReadonlyArray<UserId>, Failure<EventRefusal>> => {
  for (const userId of userIds) {
    if (!view.isUser(userId)) return refuse("UserNotFound", `no user ${userId}`)
    const contact = view.checkContact(sender, userId)
    if (Result.isFailure(contact)) return Result.fail(contact.failure)
  }
  return Result.succeed(
    userIds.filter((userId) => view.admits(userId, sender) || view.requestFor(userId)?.inviterId === userId)
  )
}

/** The event without these users. */
const without = <Event extends GroupEvent & { readonly userIds: ReadonlyArray<UserId> }>(
  event: Event,
  leftOut: ReadonlySet<UserId>
): Event => (leftOut.size === 0 ? event : { ...event, userIds: event.userIds.filter((userId) => !leftOut.has(userId)) })

const members = (userIds: ReadonlyArray<UserId>): ReadonlyArray<RoleChange> =>
  userIds.map((userId) => ({ userId, role: Role.member }))

const created = (event: EventOf<"created">, sender: UserId, view: GroupView): Decided => {
  if (view.exists) return refuse("Conflict")
  if (!view.isUser(sender)) return refuse("UserNotFound")
  const others = crossingsOf(event, sender).joining.filter((userId) => userId !== sender)
  return Result.map(brought(others, sender, view), (joining) => ({
    event: without(event, new Set(others).difference(new Set(joining))),
    roles: [{ userId: sender, role: Role.owner }, ...members(joining)]
  }))
}

const joined = (event: EventOf<"joined">, sender: UserId, role: Role, view: GroupView): Decided => {
  const isAlone = event.userIds.every((userId) => userId === sender)
  if (role === Role.former && !isAlone) return refuse("NoConversation")
  const right = checkRight(event, role, view)
  if (Result.isFailure(right)) return Result.fail(right.failure)
  const newcomers = crossingsOf(event, sender).joining.filter((userId) => view.roleOf(userId) === Role.former)
  if (newcomers.length === 0) return refuse("Conflict", "already a member")
  const admitted = event.asked === true ? byRequests(newcomers, sender, view) : atOnce(event, newcomers, sender, view)
  return Result.flatMap(admitted, (joining): Decided => {
    if (joining.length === 0) return forbidden("these users decide themselves whether they join")
    if (view.memberCount + joining.length > groupMembersMax) return refuse("GroupFull")
    return Result.succeed({
      event: without(event, new Set(newcomers).difference(new Set(joining))),
      roles: members(joining)
    })
  })
}

/** Fails where a user of this role may let nobody in this way. */
const checkRight = (
  { asked, invitation }: EventOf<"joined">,
  role: Role,
  { isVerify }: GroupView
): Result.Result<void, Failure<EventRefusal>> => {
  if (asked === true) return role === Role.member ? forbidden("only managers approve requests") : Result.void
  if (invitation !== undefined) return Result.void
  // An id can be guessed, and opens nothing: a user who knows no more must ask.
  const isApproved = role !== Role.former && (!isVerify || isManager(role))
  return isApproved ? Result.void : forbidden("a manager must approve this")
}

type Admitted = Result.Result<ReadonlyArray<UserId>, Failure<EventRefusal>>

/** The users who join by an invitation, or because a member brings them in. */
const atOnce = (
  { invitation }: EventOf<"joined">,
  newcomers: ReadonlyArray<UserId>,
  sender: UserId,
  view: GroupView
): Admitted => {
  if (invitation === undefined) return brought(newcomers, sender, view)
  const isOwn = newcomers.every((userId) => userId === sender)
  return isOwn && view.isInvitationGood(invitation) ? Result.succeed(newcomers) : refuse("BadInvitation")
}

/**
 * The users whose requests a manager approves, or the user who accepts the one to be brought in. Such a user joins at once only
 * where the member who asked could have brought them in.
 */
const byRequests = (newcomers: ReadonlyArray<UserId>, sender: UserId, view: GroupView): Admitted => {
  for (const userId of newcomers) {
    const isAccepting = userId === sender
    const request = view.requestFor(userId)
    if (request === undefined || request.awaitsUser !== isAccepting) return refuse("NoRequest")
    // A block also ends a request: a user is not brought in by an inviter whom they have blocked meanwhile.
    if (Result.isFailure(view.checkContact(request.inviterId, userId))) return refuse("NoRequest")
    if (!isAccepting) continue
    const inviterRole = view.roleOf(request.inviterId)
    if (inviterRole === Role.former || (view.isVerify && !isManager(inviterRole))) {
      return forbidden("a manager must approve this")
    }
  }
  return Result.succeed(newcomers)
}

const removed = (event: GroupEvent, sender: UserId, role: Role, view: GroupView): Roles => {
  const leaving = crossingsOf(event, sender).leaving.map((userId) => ({ userId, role: view.roleOf(userId) }))
  if (role === Role.member || leaving.some((other) => !outranks(role, other.role))) {
    return forbidden("only the owner, and managers ordinary members, remove from a group")
  }
  // All users that the event names get it: each of them must have been a member.
  if (leaving.some((other) => other.role === Role.former)) return refuse("NotMember")
  return Result.succeed(leaving.map(({ userId }) => ({ userId, role: Role.former })))
}

const roleGiven = (userId: UserId, given: Role, sender: UserId, role: Role, view: GroupView): Roles => {
  if (role !== Role.owner) return forbidden("only the owner gives roles")
  if (view.roleOf(userId) === Role.former) return refuse("NotMember")
  if (userId === sender) {
    return given === Role.owner ? refuse("Conflict") : forbidden("the owner hands the group over first")
  }
  if (view.roleOf(userId) === given) return refuse("Conflict", "the member has this role")
  const change = { userId, role: given }
  return Result.succeed(given === Role.owner ? [{ userId: sender, role: Role.manager }, change] : [change])
}
