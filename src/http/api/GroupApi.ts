/** Groups over HTTP (protocol.md section 2.2). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { GroupIcon, GroupNameInput, NamedUsers, RoleLevel } from "../../domain/groups/Group.ts"
import {
  GroupInvitation,
  InvitationCode,
  InvitedGroup,
  invitationFailures
} from "../../domain/groups/GroupInvitation.ts"
import { Joining, JoinRequest, JoinResponse, KeptRequests } from "../../domain/groups/Joining.ts"
import { ClientId } from "../../domain/messages/Message.ts"
import { groupEventRefusals, joinFailures, joinResponseFailures, sendFailures } from "../../domain/messages/Refusals.ts"
import { GroupId, GroupInvitationId, GroupRequestId, UserId } from "../../domain/shared/Ids.ts"
import { Authorization } from "./Authorization.ts"
import { Done, failuresOf, Success } from "./Envelope.ts"
import { GroupChanges, GroupEntry, GroupRequestEntry, GroupUser, NewInvitation } from "./GroupEntries.ts"

export class GroupGroup extends HttpApiGroup.make("group")
  .add(
    HttpApiEndpoint.post("create", "/group", {
      payload: Schema.Struct({
        name: GroupNameInput,
        icon: Schema.optionalKey(GroupIcon),
        isVerify: Schema.optionalKey(Schema.Boolean),
        userIds: Schema.optionalKey(NamedUsers),
        /** Makes creating a group twice harmless: (creator, clientId) names one message permanently. */
        clientId: Schema.optionalKey(ClientId)
      }),
      success: Success(Schema.Struct({ groupId: GroupId, requests: KeptRequests })),
      error: failuresOf(...sendFailures(groupEventRefusals.created))
    }).annotate(OpenApi.Summary, "Create a group"),
    HttpApiEndpoint.patch("change", "/group", {
      payload: Schema.Struct(GroupChanges).check(
        Schema.makeFilter(({ groupId: _, ...changes }) => Object.keys(changes).length > 0, {
          expected: "one of name, icon and isVerify"
        })
      ),
      success: Done,
      error: failuresOf(...sendFailures(groupEventRefusals.changed))
    }).annotate(OpenApi.Summary, "Change a group's name, icon or join approval; for managers"),
    HttpApiEndpoint.get("list", "/groups", {
      query: { after: Schema.optionalKey(GroupId) },
      success: Success(Schema.Struct({ list: Schema.Array(GroupEntry) })),
      error: failuresOf()
    }).annotate(OpenApi.Summary, "The groups of the caller"),
    HttpApiEndpoint.post("invite", "/group/putIn", {
      payload: JoinRequest,
      success: Success(Joining),
      error: failuresOf(...joinFailures)
    }).annotate(OpenApi.Summary, "Join a group by an invitation, or bring others in; otherwise by request"),
    HttpApiEndpoint.put("respond", "/group/putIn", {
      payload: Schema.Struct(JoinResponse),
      success: Done,
      error: failuresOf(...joinResponseFailures)
    }).annotate(OpenApi.Summary, "Pass or refuse a request to join a group, or cancel one's own"),
    HttpApiEndpoint.get("requests", "/group/putIns", {
      /** The requests of a group, for its managers; without `groupId` those by and for the caller. */
      query: { groupId: Schema.optionalKey(GroupId), before: Schema.optionalKey(GroupRequestId) },
      success: Success(Schema.Struct({ list: Schema.Array(GroupRequestEntry) })),
      error: failuresOf("NoConversation", "Forbidden", "NoRequest")
    }).annotate(OpenApi.Summary, "Requests to join a group, or those by and for the caller; the newest first"),
    HttpApiEndpoint.post("createInvitation", "/group/invitations", {
      payload: Schema.Struct(NewInvitation),
      success: Success(Schema.Struct({ invitation: GroupInvitation })),
      error: failuresOf(...invitationFailures, "Conflict")
    }).annotate(OpenApi.Summary, "Make an invitation to a group; for managers"),
    HttpApiEndpoint.get("invitations", "/group/invitations", {
      query: { groupId: GroupId },
      success: Success(Schema.Struct({ list: Schema.Array(GroupInvitation) })),
      error: failuresOf(...invitationFailures)
    }).annotate(OpenApi.Summary, "The invitations to a group that are good; for managers"),
    HttpApiEndpoint.delete("revokeInvitation", "/group/invitations", {
      query: { groupId: GroupId, id: GroupInvitationId },
      success: Done,
      error: failuresOf(...invitationFailures)
    }).annotate(OpenApi.Summary, "Revoke an invitation; for managers"),
    HttpApiEndpoint.get("invitedGroup", "/group/invitation", {
      query: { code: InvitationCode },
      success: Success(InvitedGroup),
      error: failuresOf("BadInvitation")
    }).annotate(OpenApi.Summary, "The group that an invitation's code opens"),
    HttpApiEndpoint.get("users", "/group/users", {
      query: { groupId: GroupId },
      success: Success(Schema.Struct({ list: Schema.Array(GroupUser) })),
      error: failuresOf("NoConversation")
    }).annotate(OpenApi.Summary, "The members of a group"),
    HttpApiEndpoint.put("giveRole", "/group/users", {
      payload: Schema.Struct({ groupId: GroupId, userId: UserId, roleLevel: RoleLevel }),
      success: Done,
      error: failuresOf(...sendFailures(groupEventRefusals.role))
    }).annotate(OpenApi.Summary, "Change a member's role, or transfer ownership; for the owner"),
    HttpApiEndpoint.delete("remove", "/group/users", {
      query: { groupId: GroupId, userId: Schema.optionalKey(UserId) },
      success: Done,
      error: failuresOf(...sendFailures([...groupEventRefusals.left, ...groupEventRefusals.removed]))
    }).annotate(OpenApi.Summary, "Leave a group, or remove a member"),
    HttpApiEndpoint.get("online", "/group/users/online", {
      query: { groupId: GroupId },
      success: Success(Schema.Struct({ onlineList: Schema.Record(UserId, Schema.Boolean) })),
      error: failuresOf("NoConversation")
    }).annotate(OpenApi.Summary, "Which members of a group are online")
  )
  .middleware(Authorization)
  .prefix("/v1/social")
  .annotateMerge(OpenApi.annotations({ title: "Groups", description: "Up to 2 000 members each" })) {}
