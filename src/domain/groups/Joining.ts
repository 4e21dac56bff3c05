/** Getting into a group, as clients ask for it over HTTP, RPC and socket alike (protocol.md sections 1.6 and 2.2). */
import { Schema } from "effect"
import { GroupId, GroupRequestId, UserId } from "../shared/Ids.ts"
import { HandleResult, RequestMessage, RequestResponse } from "../shared/Request.ts"
import { NamedUsers } from "./Group.ts"
import { InvitationCode } from "./GroupInvitation.ts"

/** A user asks to get into a group, joins it by an invitation's code, or brings `userIds` in. */
export const joinRequest = {
  groupId: GroupId,
  invitation: Schema.optionalKey(InvitationCode),
  reqMsg: Schema.optionalKey(RequestMessage),
  userIds: Schema.optionalKey(NamedUsers.check(Schema.isMinLength(1)))
}

export const JoinRequest = Schema.Struct(joinRequest)
export type JoinRequest = typeof JoinRequest.Type

/** The requests that wait for managers, or for the users whom they would bring in. */
export const KeptRequests = Schema.Array(
  Schema.Struct({ id: GroupRequestId, userId: UserId }).pipe(Schema.encodeKeys({ id: "groupReqId" }))
)

/** `pass`: the users are members now, those of the requests apart. `none`: the requests must be approved. */
export const Joining = Schema.Struct({
  handleResult: Schema.Literals([HandleResult.none, HandleResult.pass]),
  requests: KeptRequests
})
export type Joining = typeof Joining.Type

/** The response to a request of a manager or of the user it would bring in, or its withdrawal by the requester. */
export const JoinResponse = { groupReqId: GroupRequestId, handleResult: RequestResponse }
