/** The rights in a group: whether an event takes place, and the roles that it gives to members. */
import { Result } from "effect"
import type { ContactRefusal } from "../contacts/UserPair.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"
import { crossingsOf, type GroupEvent, groupMembersMax, isManager, outranks, Role } from "./Group.ts"

/** The facts about a group and the users of an event that the rules read. */
export interface GroupView {
  readonly exists: boolean
  /** Whether a manager must approve new members. */
  readonly isVerify: boolean
  readonly memberCount: number
  readonly roleOf: (userId: UserId) => Role
  readonly isUser: (userId: UserId) => boolean
  /** Fails where two users may not bring each other into groups. */
  readonly checkContact: (a: UserId, b: UserId) => Result.Result<void, Failure<ContactRefusal>>
  /** The user who has made the pending request for this user. */
  readonly requesterOf: (userId: UserId) => UserId | undefined
}

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

type Decided = Result.Result<ReadonlyArray<RoleChange>, Failure<EventRefusal>>

const refuse = (name: EventRefusal, msg?: string): Result.Result<never, Failure<EventRefusal>> =>
  Result.fail(failure(name, msg === undefined ? {} : { msg }))

const forbidden = (msg: string) => refuse("Forbidden", msg)

/**
 * The roles that an event gives. For non-members a group does not exist. A group that all members have left exists for
 * no user: no owner is left to let a user in.
 */
export const decideGroup = (event: GroupEvent, sender: UserId, view: GroupView): Decided => {
  if (event.event === "created") return created(event, sender, view)
  if (!view.exists || view.memberCount === 0) return refuse("NoConversation")
  const role = view.roleOf(sender)
  if (event.event === "joined") return joined(event, sender, role, view)
  if (role === Role.former) return refuse("NoConversation")
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

/** Fails where this user may not bring in one of the others. */
const checkBrought = (
  userIds: ReadonlyArray<UserId>,
  sender: UserId,
  view: GroupView
): Result.Result<void, Failure<EventRefusal>> => {
  for (const userId of userIds) {
    if (!view.isUser(userId)) return refuse("UserNotFound", `no user ${userId}`)
    const contact = view.checkContact(sender, userId)
    if (Result.isFailure(contact)) return contact
  }
  return Result.void
}

const members = (userIds: ReadonlyArray<UserId>): ReadonlyArray<RoleChange> =>
  userIds.map((userId) => ({ userId, role: Role.member }))

const created = (event: GroupEvent, sender: UserId, view: GroupView): Decided => {
  if (view.exists) return refuse("Conflict")
  if (!view.isUser(sender)) return refuse("UserNotFound")
  const others = crossingsOf(event, sender).joining.filter((userId) => userId !== sender)
  return Result.map(checkBrought(others, sender, view), () => [
    { userId: sender, role: Role.owner },
    ...members(others)
  ])
}

const joined = (
  event: Extract<GroupEvent, { event: "joined" }>,
  sender: UserId,
  role: Role,
  view: GroupView
): Decided => {
  const { userIds, asked } = event
  if (role === Role.former && (userIds.length !== 1 || userIds[0] !== sender)) return refuse("NoConversation")
  if (asked === true && !isManager(role)) return forbidden("only managers approve requests")
  if (view.isVerify && !isManager(role)) return forbidden("a manager must approve this")
  const newcomers = crossingsOf(event, sender).joining.filter((userId) => view.roleOf(userId) === Role.former)
  if (newcomers.length === 0) return refuse("Conflict", "already a member")
  if (view.memberCount + newcomers.length > groupMembersMax) return refuse("GroupFull")
  if (asked === true) {
    // A block also ends a request: a user is not brought in by an inviter whom they have blocked meanwhile.
    for (const userId of newcomers) {
      const requester = view.requesterOf(userId)
      if (requester === undefined || Result.isFailure(view.checkContact(requester, userId))) return refuse("NoRequest")
    }
  } else if (role !== Role.former) {
    return Result.map(checkBrought(newcomers, sender, view), () => members(newcomers))
  }
  return Result.succeed(members(newcomers))
}

const removed = (event: GroupEvent, sender: UserId, role: Role, view: GroupView): Decided => {
  const leaving = crossingsOf(event, sender).leaving.map((userId) => ({ userId, role: view.roleOf(userId) }))
  if (role === Role.member || leaving.some((other) => !outranks(role, other.role))) {
    return forbidden("only the owner, and managers ordinary members, remove from a group")
  }
  // All users that the event names get it: each of them must have been a member.
  if (leaving.some((other) => other.role === Role.former)) return refuse("NotMember")
  return Result.succeed(leaving.map(({ userId }) => ({ userId, role: Role.former })))
}

const roleGiven = (userId: UserId, given: Role, sender: UserId, role: Role, view: GroupView): Decided => {
  if (role !== Role.owner) return forbidden("only the owner gives roles")
  if (view.roleOf(userId) === Role.former) return refuse("NotMember")
  if (userId === sender) {
    return given === Role.owner ? refuse("Conflict") : forbidden("the owner hands the group over first")
  }
  if (view.roleOf(userId) === given) return refuse("Conflict", "the member has this role")
  const change = { userId, role: given }
  return Result.succeed(given === Role.owner ? [{ userId: sender, role: Role.manager }, change] : [change])
}
