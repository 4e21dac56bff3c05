/** Who may do what to a group: decides whether an event takes place, and what it makes of the members. */
import { type Failure, failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"
import { type GroupEvent, groupMembersMax, isManager, outranks, Role } from "./Group.ts"

/** What the rules ask about a group and the users that an event names. */
export interface GroupView {
  readonly exists: boolean
  /** Whether who wants in must be approved. */
  readonly isVerify: boolean
  readonly memberCount: number
  readonly roleOf: (userId: UserId) => Role
  readonly isUser: (userId: UserId) => boolean
  /** Why these two have nothing to do with each other, if so. */
  readonly barrier: (a: UserId, b: UserId) => Failure | undefined
  /** Who has made the request for this user that is pending. */
  readonly askedFor: (userId: UserId) => UserId | undefined
}

/** A member's new role; {@link Role.former} for who is none any more. */
export interface RoleChange {
  readonly userId: UserId
  readonly role: Role
}

const forbidden = (msg: string): Failure => failure("Forbidden", { msg })

/**
 * What the event does to the members, or why it does not take place. To strangers a group does not exist; one that
 * everybody has left exists for nobody: there is no owner any more who could let anybody in.
 */
export const decideGroup = (
  event: GroupEvent,
  sender: UserId,
  view: GroupView
): ReadonlyArray<RoleChange> | Failure => {
  if (event.event === "created") return created(event.userIds, sender, view)
  if (!view.exists || view.memberCount === 0) return failure("NoConversation")
  const role = view.roleOf(sender)
  if (event.event === "joined") return joined(event, sender, role, view)
  if (role === Role.former) return failure("NoConversation")
  switch (event.event) {
    case "left":
      return role === Role.owner && view.memberCount > 1
        ? forbidden("the owner hands the group over before leaving it")
        : [{ userId: sender, role: Role.former }]
    case "removed":
      return removed(event.userIds, role, view)
    case "role":
      return roleGiven(event.userId, event.role, sender, role, view)
    case "changed":
      return role === Role.member ? forbidden("only managers change the group") : []
  }
}

/** Whether those who are brought in may be, by this user. */
const brought = (userIds: ReadonlyArray<UserId>, sender: UserId, view: GroupView): Failure | undefined => {
  for (const userId of userIds) {
    if (!view.isUser(userId)) return failure("UserNotFound", { msg: `no user ${userId}` })
    const barrier = view.barrier(sender, userId)
    if (barrier !== undefined) return barrier
  }
  return undefined
}

const created = (named: ReadonlyArray<UserId>, sender: UserId, view: GroupView) => {
  if (view.exists) return failure("Conflict")
  if (!view.isUser(sender)) return failure("UserNotFound")
  const userIds = [...new Set(named)].filter((userId) => userId !== sender)
  return (
    brought(userIds, sender, view) ?? [
      { userId: sender, role: Role.owner },
      ...userIds.map((userId) => ({ userId, role: Role.member }))
    ]
  )
}

const joined = (
  { userIds, asked }: Extract<GroupEvent, { event: "joined" }>,
  sender: UserId,
  role: Role,
  view: GroupView
): ReadonlyArray<RoleChange> | Failure => {
  if (role === Role.former && (userIds.length !== 1 || userIds[0] !== sender)) return failure("NoConversation")
  if (asked === true && !isManager(role)) return forbidden("only managers approve requests")
  if (view.isVerify && !isManager(role)) return forbidden("a manager must approve this")
  const newcomers = [...new Set(userIds)].filter((userId) => view.roleOf(userId) === Role.former)
  if (newcomers.length === 0) return failure("Conflict", { msg: "already a member" })
  if (view.memberCount + newcomers.length > groupMembersMax) return failure("GroupFull")
  if (asked === true) {
    // A request falls with what was between the two who are in it: nobody is brought in past a block.
    for (const userId of newcomers) {
      const inviter = view.askedFor(userId)
      if (inviter === undefined || view.barrier(inviter, userId) !== undefined) return failure("NoRequest")
    }
  } else if (role !== Role.former) {
    const problem = brought(newcomers, sender, view)
    if (problem !== undefined) return problem
  }
  return newcomers.map((userId) => ({ userId, role: Role.member }))
}

const removed = (userIds: ReadonlyArray<UserId>, role: Role, view: GroupView): ReadonlyArray<RoleChange> | Failure => {
  const leaving = [...new Set(userIds)].map((userId) => ({ userId, role: view.roleOf(userId) }))
  if (role === Role.member || leaving.some((other) => !outranks(role, other.role))) {
    return forbidden("only the owner, and managers ordinary members, remove from a group")
  }
  // All whom the event names are told of it: nobody who has never been in the group may be one of them.
  if (leaving.some((other) => other.role === Role.former)) return failure("NotMember")
  return leaving.map(({ userId }) => ({ userId, role: Role.former }))
}

const roleGiven = (
  userId: UserId,
  given: Role,
  sender: UserId,
  role: Role,
  view: GroupView
): ReadonlyArray<RoleChange> | Failure => {
  if (role !== Role.owner) return forbidden("only the owner gives roles")
  if (view.roleOf(userId) === Role.former) return failure("NotMember")
  if (userId === sender) {
    return given === Role.owner ? failure("Conflict") : forbidden("the owner hands the group over first")
  }
  if (view.roleOf(userId) === given) return failure("Conflict", { msg: "the member has this role" })
  const change = { userId, role: given }
  return given === Role.owner ? [{ userId: sender, role: Role.manager }, change] : [change]
}
