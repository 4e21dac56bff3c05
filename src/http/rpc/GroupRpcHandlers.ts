/** Handlers of the groups' RPC group. */
import { Effect } from "effect"
import { GroupInvitations } from "../../domain/groups/GroupInvitation.ts"
import { Groups } from "../../domain/groups/Groups.ts"
import { GroupService } from "../../domain/services/GroupService.ts"
import { Ids } from "../../domain/shared/Ids.ts"
import { groupEntry, groupRequestEntry, groupUser, invitationLimits } from "../api/GroupEntries.ts"
import { GroupRpcs } from "./GroupRpc.ts"

export const layer = GroupRpcs.toLayer(
  Effect.gen(function* () {
    const service = yield* GroupService
    const groups = yield* Groups
    const invitations = yield* GroupInvitations
    const ids = yield* Ids
    return GroupRpcs.of({
      GroupPutIn: ({ userId, clientId = ids.uniqueId(), ...request }) =>
        service.join({ senderId: userId, clientId }, request),
      GroupPutInHandle: ({ userId, groupReqId, handleResult }) => service.respond(userId, groupReqId, handleResult),
      GroupPutInList: ({ userId, groupId, before }) =>
        Effect.map(
          groupId === undefined ? groups.ownRequests(userId, before) : groups.requests(userId, groupId, before),
          (requests) => requests.map(groupRequestEntry)
        ),
      CreateGroupInvitation: ({ userId, groupId, ...limits }) =>
        invitations.create(userId, groupId, invitationLimits(limits)),
      GroupInvitationList: ({ userId, groupId }) => invitations.list(userId, groupId),
      RevokeGroupInvitation: ({ userId, groupId, id }) => invitations.revoke(userId, groupId, id),
      GroupList: ({ userId, after }) => Effect.map(groups.list(userId, after), (list) => list.map(groupEntry)),
      GroupUsers: ({ userId, groupId }) =>
        Effect.map(groups.members(userId, groupId), (members) => members.map((member) => groupUser(groupId, member))),
      ChangeGroup: ({ userId, groupId, ...changes }) => service.change(userId, groupId, changes),
      GiveGroupRole: ({ userId, groupId, memberId, roleLevel }) =>
        service.giveRole(userId, groupId, memberId, roleLevel),
      RemoveFromGroup: ({ userId, groupId, memberId }) => service.remove(userId, groupId, memberId)
    })
  })
)
