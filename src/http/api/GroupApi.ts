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
import { about, Done, failuresOf, Success } from "./Envelope.ts"
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
    }).annotateMerge(
      about(
        "Create a group",
        "The caller owns it. Users who do not let the caller add them get a request instead. With a `clientId` the request can be sent again: it has the same group as its result."
      )
    ),
    HttpApiEndpoint.patch("change", "/group", {
      payload: Schema.Struct(GroupChanges).check(
        Schema.makeFilter(({ groupId: _, ...changes }) => Object.keys(changes).length > 0, {
          expected: "one of name, icon and isVerify"
        })
      ),
      success: Done,
      error: failuresOf(...sendFailures(groupEventRefusals.changed))
    }).annotateMerge(about("Change a group's name, icon or join approval; for managers", "At least one of the three.")),
    HttpApiEndpoint.get("list", "/groups", {
      query: { after: Schema.optionalKey(GroupId) },
      success: Success(Schema.Struct({ list: Schema.Array(GroupEntry) })),
      error: failuresOf()
    }).annotateMerge(about("The groups of the caller", "By id, at most 500; the next page is after the last `id`.")),
    HttpApiEndpoint.post("invite", "/group/putIn", {
      payload: JoinRequest,
      success: Success(Joining),
      error: failuresOf(...joinFailures)
    }).annotateMerge(
      about(
        "Join a group by an invitation, or bring others in; otherwise by request",
        "With the code of a good `invitation` the caller is a member at once. With `userIds` a member brings others in. Without either, the caller asks, and a manager decides."
      )
    ),
    HttpApiEndpoint.put("respond", "/group/putIn", {
      payload: Schema.Struct(JoinResponse),
      success: Done,
      error: failuresOf(...joinResponseFailures)
    }).annotateMerge(
      about(
        "Pass or refuse a request to join a group, or cancel one's own",
        "A request that `awaitsUser` is passed by that user, all others by managers. Managers and that user refuse; the user who asked cancels."
      )
    ),
    HttpApiEndpoint.get("requests", "/group/putIns", {
      /** The requests of a group, for its managers; without `groupId` those by and for the caller. */
      query: { groupId: Schema.optionalKey(GroupId), before: Schema.optionalKey(GroupRequestId) },
      success: Success(Schema.Struct({ list: Schema.Array(GroupRequestEntry) })),
      error: failuresOf("NoConversation", "Forbidden", "NoRequest")
    }).annotateMerge(
      about(
        "Requests to join a group, or those by and for the caller; the newest first",
        "With a `groupId` those of the group, for managers. At most 200; `before` is the `id` with which the page before ended."
      )
    ),
    HttpApiEndpoint.post("createInvitation", "/group/invitations", {
      payload: Schema.Struct(NewInvitation),
      success: Success(Schema.Struct({ invitation: GroupInvitation })),
      error: failuresOf(...invitationFailures, "Conflict")
    }).annotateMerge(
      about(
        "Make an invitation to a group; for managers",
        "Everybody who has its `code` joins at once, until it ends, is used up or is revoked. A group has at most 100."
      )
    ),
    HttpApiEndpoint.get("invitations", "/group/invitations", {
      query: { groupId: GroupId },
      success: Success(Schema.Struct({ list: Schema.Array(GroupInvitation) })),
      error: failuresOf(...invitationFailures)
    }).annotateMerge(
      about(
        "The invitations to a group that are good; for managers",
        "Those that are neither over nor used up, newest first."
      )
    ),
    HttpApiEndpoint.delete("revokeInvitation", "/group/invitations", {
      query: { groupId: GroupId, id: GroupInvitationId },
      success: Done,
      error: failuresOf(...invitationFailures)
    }).annotateMerge(
      about(
        "Revoke an invitation; for managers",
        "Nobody joins by it from now on. It has no effect where there is none."
      )
    ),
    HttpApiEndpoint.get("invitedGroup", "/group/invitation", {
      query: { code: InvitationCode },
      success: Success(InvitedGroup),
      error: failuresOf("BadInvitation")
    }).annotateMerge(
      about(
        "The group that an invitation's code opens",
        "For a user who holds a code and wants to know what they would join."
      )
    ),
    HttpApiEndpoint.get("users", "/group/users", {
      query: { groupId: GroupId },
      success: Success(Schema.Struct({ list: Schema.Array(GroupUser) })),
      error: failuresOf("NoConversation")
    }).annotateMerge(about("The members of a group", "For members: the highest rank first.")),
    HttpApiEndpoint.put("giveRole", "/group/users", {
      payload: Schema.Struct({ groupId: GroupId, userId: UserId, roleLevel: RoleLevel }),
      success: Done,
      error: failuresOf(...sendFailures(groupEventRefusals.role))
    }).annotateMerge(
      about(
        "Change a member's role, or transfer ownership; for the owner",
        "With role 1 the owner hands the group over, and becomes a manager."
      )
    ),
    HttpApiEndpoint.delete("remove", "/group/users", {
      query: { groupId: GroupId, userId: Schema.optionalKey(UserId) },
      success: Done,
      error: failuresOf(...sendFailures([...groupEventRefusals.left, ...groupEventRefusals.removed]))
    }).annotateMerge(
      about(
        "Leave a group, or remove a member",
        "Without `userId` the caller leaves, which an owner does not before handing over. The owner removes anybody, managers remove ordinary members."
      )
    ),
    HttpApiEndpoint.get("online", "/group/users/online", {
      query: { groupId: GroupId },
      success: Success(Schema.Struct({ onlineList: Schema.Record(UserId, Schema.Boolean) })),
      error: failuresOf("NoConversation")
    }).annotateMerge(
      about(
        "Which members of a group are online",
        "`false` stands for members who are offline, and for those whose presence the caller may not see."
      )
    )
  )
  .middleware(Authorization)
  .prefix("/v1/social")
  .annotateMerge(OpenApi.annotations({ title: "Groups", description: "Up to 2 000 members each" })) {}
