/** Getting into a group, as clients ask for it over HTTP, RPC and socket alike (protocol.md sections 1.6 and 2.2). */
import { Schema } from "effect"
import { GroupId, GroupRequestId, UserId } from "../shared/Ids.ts"
import { HandleResult, RequestMessage, RequestResponse } from "../shared/Request.ts"
import { NamedUsers } from "./Group.ts"

/** A user asks to get into a group, or brings `userIds` in. */
export const JoinRequest = {
  groupId: GroupId,
  reqMsg: Schema.optionalKey(RequestMessage),
  userIds: Schema.optionalKey(NamedUsers.check(Schema.isMinLength(1)))
}

/** `pass`: the users are members now. `none`: a manager must approve the requests. */
export const Joining = Schema.Struct({
  handleResult: Schema.Literals([HandleResult.none, HandleResult.pass]),
  requests: Schema.Array(
    Schema.Struct({ id: GroupRequestId, userId: UserId }).pipe(Schema.encodeKeys({ id: "groupReqId" }))
  )
})
export type Joining = typeof Joining.Type

/** The response of a manager to a request, or its withdrawal by the requester or the user it would bring in. */
export const JoinResponse = { groupReqId: GroupRequestId, handleResult: RequestResponse }
