/** Groups, members and requests as HTTP and RPC show them (protocol.md section 2.2). */
import { Schema } from "effect"
import { GroupIcon, GroupNameInput, RoleLevel } from "../../domain/groups/Group.ts"
import { UsesMax, usesMaxDefault, ValidFor, validForDefault } from "../../domain/groups/GroupInvitation.ts"
import type { GroupRequest } from "../../domain/groups/GroupRequest.ts"
import type { GroupInfo, GroupMember } from "../../domain/groups/Groups.ts"
import { GroupId, GroupRequestId, UserId } from "../../domain/shared/Ids.ts"
import { AnyHandleResult } from "../../domain/shared/Request.ts"

/** A group as one of its members sees it; `roleLevel` is the caller's: 1 owner, 2 manager, 3 member. */
export const GroupEntry = Schema.Struct({
  id: GroupId,
  name: Schema.String,
  icon: Schema.String,
  isVerify: Schema.Boolean,
  roleLevel: RoleLevel,
  memberCount: Schema.Int
}).annotate({ identifier: "GroupEntry" })

export const GroupUser = Schema.Struct({
  groupId: GroupId,
  userId: UserId,
  nickname: Schema.String,
  userAvatarUrl: Schema.String,
  roleLevel: RoleLevel
}).annotate({ identifier: "GroupUser" })

/**
 * `handleResult`: 1 none, 2 pass, 3 refuse, 4 cancel. `awaitsUser`: the user decides, otherwise the managers. `groupName` for the
 * user whom somebody else wants to bring in. Times in Unix milliseconds.
 */
export const GroupRequestEntry = Schema.Struct({
  id: GroupRequestId,
  groupId: GroupId,
  userId: UserId,
  inviterUserId: UserId,
  awaitsUser: Schema.Boolean,
  groupName: Schema.optionalKey(Schema.String),
  reqMsg: Schema.String,
  reqTime: Schema.Int,
  handleResult: AnyHandleResult,
  handleUserId: Schema.optionalKey(UserId),
  handleTime: Schema.optionalKey(Schema.Int)
}).annotate({ identifier: "GroupRequestEntry" })

/** Changes of a group's properties; absent ones stay. */
export const GroupChanges = {
  groupId: GroupId,
  name: Schema.optionalKey(GroupNameInput),
  icon: Schema.optionalKey(GroupIcon),
  isVerify: Schema.optionalKey(Schema.Boolean)
}

/** An invitation to make: how long it is good, in milliseconds, and for how many. */
export const NewInvitation = {
  groupId: GroupId,
  validFor: Schema.optionalKey(ValidFor),
  usesMax: Schema.optionalKey(UsesMax)
}

/** The limits of an invitation to make. */
export const invitationLimits = ({
  validFor = validForDefault,
  usesMax = usesMaxDefault
}: {
  readonly validFor?: number
  readonly usesMax?: number
}) => ({ validForMillis: validFor, usesMax })

export const groupEntry = ({ role, ...group }: GroupInfo): typeof GroupEntry.Type => ({ ...group, roleLevel: role })

export const groupUser = (groupId: GroupId, member: GroupMember): typeof GroupUser.Type => ({
  groupId,
  userId: member.userId,
  nickname: member.nickname,
  userAvatarUrl: member.avatar,
  roleLevel: member.role
})

export const groupRequestEntry = (request: GroupRequest): typeof GroupRequestEntry.Type => ({
  id: request.id,
  groupId: request.groupId,
  userId: request.userId,
  inviterUserId: request.inviterId,
  awaitsUser: request.awaitsUser,
  ...(request.groupName === undefined ? {} : { groupName: request.groupName }),
  reqMsg: request.message,
  reqTime: request.requestedAt,
  handleResult: request.handleResult,
  ...(request.handledBy === undefined ? {} : { handleUserId: request.handledBy }),
  ...(request.handledAt === undefined ? {} : { handleTime: request.handledAt })
})
