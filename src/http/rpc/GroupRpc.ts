/** Groups for other services, over RPC (protocol.md section 3.1). Each call acts for the user it names, within their rights. */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { RoleLevel } from "../../domain/groups/Group.ts"
import { GroupInvitation, invitationFailures } from "../../domain/groups/GroupInvitation.ts"
import { Joining, JoinRequest, JoinResponse } from "../../domain/groups/Joining.ts"
import { ClientId } from "../../domain/messages/Message.ts"
import { groupEventRefusals, joinFailures, joinResponseFailures, sendFailures } from "../../domain/messages/Refusals.ts"
import { FailureSchema } from "../../domain/shared/Failure.ts"
import { GroupId, GroupInvitationId, GroupRequestId, UserId } from "../../domain/shared/Ids.ts"
import { GroupChanges, GroupEntry, GroupRequestEntry, GroupUser, NewInvitation } from "../api/GroupEntries.ts"

export class GroupRpcs extends RpcGroup.make(
  /** As `POST /v1/social/group/putIn`: `userId` asks to get in, joins by an invitation, or brings `userIds` in. */
  Rpc.make("GroupPutIn", {
    payload: { userId: UserId, clientId: Schema.optionalKey(ClientId), ...JoinRequest.fields },
    success: Joining,
    error: FailureSchema(...joinFailures)
  }),
  /** As `PUT /v1/social/group/putIn`. */
  Rpc.make("GroupPutInHandle", {
    payload: { userId: UserId, ...JoinResponse },
    success: Schema.Void,
    error: FailureSchema(...joinResponseFailures)
  }),
  /** As `GET /v1/social/group/putIns`. */
  Rpc.make("GroupPutInList", {
    payload: { userId: UserId, groupId: Schema.optionalKey(GroupId), before: Schema.optionalKey(GroupRequestId) },
    success: Schema.Array(GroupRequestEntry),
    error: FailureSchema("DatabaseError", "NoConversation", "Forbidden", "NoRequest")
  }),
  /** As `POST /v1/social/group/invitations`. */
  Rpc.make("CreateGroupInvitation", {
    payload: { userId: UserId, ...NewInvitation },
    success: GroupInvitation,
    error: FailureSchema("DatabaseError", ...invitationFailures, "Conflict")
  }),
  /** As `GET /v1/social/group/invitations`. */
  Rpc.make("GroupInvitationList", {
    payload: { userId: UserId, groupId: GroupId },
    success: Schema.Array(GroupInvitation),
    error: FailureSchema("DatabaseError", ...invitationFailures)
  }),
  /** As `DELETE /v1/social/group/invitations`. */
  Rpc.make("RevokeGroupInvitation", {
    payload: { userId: UserId, groupId: GroupId, id: GroupInvitationId },
    success: Schema.Void,
    error: FailureSchema("DatabaseError", ...invitationFailures)
  }),
  /** As `GET /v1/social/groups`. */
  Rpc.make("GroupList", {
    payload: { userId: UserId, after: Schema.optionalKey(GroupId) },
    success: Schema.Array(GroupEntry),
    error: FailureSchema("DatabaseError")
  }),
  /** As `GET /v1/social/group/users`. */
  Rpc.make("GroupUsers", {
    payload: { userId: UserId, groupId: GroupId },
    success: Schema.Array(GroupUser),
    error: FailureSchema("DatabaseError", "NoConversation")
  }),
  /** As `PATCH /v1/social/group`. */
  Rpc.make("ChangeGroup", {
    payload: { userId: UserId, ...GroupChanges },
    success: Schema.Void,
    error: FailureSchema(...sendFailures(groupEventRefusals.changed))
  }),
  /** As `PUT /v1/social/group/users`. */
  Rpc.make("GiveGroupRole", {
    payload: { userId: UserId, groupId: GroupId, memberId: UserId, roleLevel: RoleLevel },
    success: Schema.Void,
    error: FailureSchema(...sendFailures(groupEventRefusals.role))
  }),
  /** As `DELETE /v1/social/group/users`: removes `memberId`; where that is `userId`, the user leaves. */
  Rpc.make("RemoveFromGroup", {
    payload: { userId: UserId, groupId: GroupId, memberId: UserId },
    success: Schema.Void,
    error: FailureSchema(...sendFailures([...groupEventRefusals.left, ...groupEventRefusals.removed]))
  })
) {}
