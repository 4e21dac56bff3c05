/** Groups: roles, limits, and the events that system messages tell of (protocol.md sections 1.6 and 2.2). */
import { Result, Schema } from "effect"
import { GroupInvitationId, UserId } from "../shared/Ids.ts"
import { isWellFormed, NameInput } from "../shared/Text.ts"

/** The Go project's numbers; 0 is a former member. */
export const Role = { former: 0, owner: 1, manager: 2, member: 3 } as const
/** The role of a member. */
export const RoleLevel = Schema.Literals([Role.owner, Role.manager, Role.member])
export type RoleLevel = typeof RoleLevel.Type
export type Role = typeof Role.former | RoleLevel

/** Whether the role comes with rights over other members. */
export const isManager = (role: Role): boolean => role === Role.owner || role === Role.manager

/** The smaller number is the higher rank; a former member has none. */
export const outranks = (role: Role, other: Role): boolean =>
  role !== Role.former && (other === Role.former || role < other)

export const groupMembersMax = 2_000
/** Users that are named at once: their ids fit into the content of a message. */
export const namedMax = 500

/** A name as it is stored. */
export const GroupName = Schema.String.check(Schema.isBetweenCodePoints(1, 64), isWellFormed)
/** A name as users give it. */
export const GroupNameInput = NameInput(64)
export const GroupIcon = Schema.String.check(Schema.isMaxLength(1024), isWellFormed)
/** Users that are named at once. */
export const NamedUsers = Schema.Array(UserId).check(Schema.isMaxLength(namedMax))
const SomeUsers = NamedUsers.check(Schema.isMinLength(1))

/**
 * An event in the life of a group: the JSON content of a system message, whose sender caused it. A group's members follow
 * from its events, one after the other.
 */
export const GroupEvent = Schema.Union([
  Schema.Struct({
    event: Schema.Literal("created"),
    name: GroupName,
    icon: GroupIcon,
    /** Whether a manager must approve whom other members bring in. */
    isVerify: Schema.Boolean,
    /** The first members, in addition to the creator. */
    userIds: NamedUsers
  }),
  /**
   * The sender joins by an invitation, or brings users in. `asked`: by requests; the sender is the manager who has approved
   * them, or the user who has accepted the one to be brought in.
   */
  Schema.Struct({
    event: Schema.Literal("joined"),
    userIds: SomeUsers,
    asked: Schema.optionalKey(Schema.Boolean),
    invitation: Schema.optionalKey(GroupInvitationId)
  }),
  Schema.Struct({ event: Schema.Literal("left") }),
  Schema.Struct({ event: Schema.Literal("removed"), userIds: SomeUsers }),
  /** A member's new role. When a member becomes the owner, the owner before becomes a manager. */
  Schema.Struct({ event: Schema.Literal("role"), userId: UserId, role: RoleLevel }),
  Schema.Struct({
    event: Schema.Literal("changed"),
    name: Schema.optionalKey(GroupName),
    icon: Schema.optionalKey(GroupIcon),
    isVerify: Schema.optionalKey(Schema.Boolean)
  })
])
export type GroupEvent = typeof GroupEvent.Type
/** The events of one kind. */
export type EventOf<Kind extends GroupEvent["event"]> = Extract<GroupEvent, { readonly event: Kind }>

const Content = Schema.fromJsonString(GroupEvent)
const decode = Schema.decodeUnknownSync(Content)
const decodeResult = Schema.decodeUnknownResult(Content)

/** The event of a stored system message. A content without an event is a defect. */
export const groupEventOf = (content: string): GroupEvent => decode(content)

/** The event in a text of any origin, or why the text has none. */
export const groupEventFrom = (content: string): Result.Result<GroupEvent, string> =>
  Result.mapError(decodeResult(content), ({ message }) => message)

/** The users who join and leave by an event, which may include its sender; some may be members already. */
export interface Crossings {
  readonly joining: ReadonlyArray<UserId>
  readonly leaving: ReadonlyArray<UserId>
}

const none: Crossings = { joining: [], leaving: [] }

/** The users who join and leave by an event, each once. */
export const crossingsOf = (event: GroupEvent, sender: UserId): Crossings => {
  switch (event.event) {
    case "created":
      return { joining: [...new Set([sender, ...event.userIds])], leaving: [] }
    case "joined":
      return { joining: [...new Set(event.userIds)], leaving: [] }
    case "left":
      return { joining: [], leaving: [sender] }
    case "removed":
      return { joining: [], leaving: [...new Set(event.userIds)] }
    case "role":
    case "changed":
      return none
  }
}

/** All users that an event is about. */
export const usersOf = (event: GroupEvent, sender: UserId): ReadonlyArray<UserId> => {
  const { joining, leaving } = crossingsOf(event, sender)
  return event.event === "role" ? [event.userId] : [...joining, ...leaving]
}
