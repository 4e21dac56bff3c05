/** Groups: roles, limits, and the events that system messages tell of (protocol.md sections 1.6 and 2.2). */
import { Schema } from "effect"
import { ConversationId } from "../shared/ConversationIds.ts"
import { UserId } from "../shared/Ids.ts"
import { isWellFormed } from "../shared/WellFormed.ts"

/** The Go project's numbers; 0 is somebody who was a member. */
export const Role = { former: 0, owner: 1, manager: 2, member: 3 } as const
/** The role of a member. */
export const RoleLevel = Schema.Literals([Role.owner, Role.manager, Role.member])
export type RoleLevel = typeof RoleLevel.Type
export type Role = typeof Role.former | RoleLevel

/** Whether the role comes with rights over other members. */
export const isManager = (role: Role): boolean => role === Role.owner || role === Role.manager

/** The smaller number is the higher rank; who has left has none. */
export const outranks = (role: Role, other: Role): boolean =>
  role !== Role.former && (other === Role.former || role < other)

/** A group's id is its conversation's. */
export const GroupId = ConversationId.check(Schema.isPattern(/^[0-9]+$/u, { expected: "a group's id" }))
export type GroupId = typeof GroupId.Type

export const groupMembersMax = 2_000
/** Users that are named at once: their ids fit into the content of a message. */
export const namedMax = 500

export const GroupName = Schema.String.check(Schema.isBetweenCodePoints(1, 64), isWellFormed)
export const GroupIcon = Schema.String.check(Schema.isMaxLength(1024), isWellFormed)
/** Users that are named at once. */
export const NamedUsers = Schema.Array(UserId).check(Schema.isMaxLength(namedMax))
const SomeUsers = NamedUsers.check(Schema.isMinLength(1))

/**
 * What has happened to a group: the JSON content of a system message, whose sender has caused it. Membership is what
 * these events say, one after the other.
 */
export const GroupEvent = Schema.Union([
  Schema.Struct({
    event: Schema.Literal("created"),
    name: GroupName,
    icon: GroupIcon,
    /** Whether who wants in must be approved by a manager. */
    isVerify: Schema.Boolean,
    /** The first members besides the creator. */
    userIds: NamedUsers
  }),
  /** By themselves, or brought in by the sender; `asked` when a request of theirs was approved. */
  Schema.Struct({ event: Schema.Literal("joined"), userIds: SomeUsers, asked: Schema.optionalKey(Schema.Boolean) }),
  Schema.Struct({ event: Schema.Literal("left") }),
  Schema.Struct({ event: Schema.Literal("removed"), userIds: SomeUsers }),
  /** The role of a member; a new owner makes the old one a manager. */
  Schema.Struct({ event: Schema.Literal("role"), userId: UserId, role: RoleLevel }),
  Schema.Struct({
    event: Schema.Literal("changed"),
    name: Schema.optionalKey(GroupName),
    icon: Schema.optionalKey(GroupIcon),
    isVerify: Schema.optionalKey(Schema.Boolean)
  })
])
export type GroupEvent = typeof GroupEvent.Type

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(GroupEvent))

/** Reads the content of a system message. */
export const groupEventOf = (content: string): GroupEvent => decode(content)

/** The users that an event names besides its sender. */
export const namedUsers = (event: GroupEvent): ReadonlyArray<UserId> => {
  switch (event.event) {
    case "created":
    case "joined":
    case "removed":
      return event.userIds
    case "role":
      return [event.userId]
    case "left":
    case "changed":
      return []
  }
}
