/** Friends, requests and blocks over HTTP (protocol.md section 2.2). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { failures, Success } from "./Envelope.ts"
import { Asked, FriendRequest } from "./FriendRequest.ts"
import { Friend } from "./Friends.ts"
import { FriendRequestId, UserId } from "./Ids.ts"
import { RequestAnswer, RequestMessage } from "./Request.ts"

const Nothing = Success(Schema.Struct({}))

export class SocialGroup extends HttpApiGroup.make("social")
  .add(
    HttpApiEndpoint.post("ask", "/friend/putIn", {
      payload: Schema.Struct({ userId: UserId, reqMsg: Schema.optionalKey(RequestMessage) }),
      success: Success(Asked),
      error: failures
    }),
    HttpApiEndpoint.put("answer", "/friend/putIn", {
      payload: Schema.Struct({ friendReqId: FriendRequestId, handleResult: RequestAnswer }),
      success: Nothing,
      error: failures
    }),
    HttpApiEndpoint.get("requests", "/friend/putIns", {
      query: { before: Schema.optionalKey(FriendRequestId) },
      success: Success(Schema.Struct({ list: Schema.Array(FriendRequest) })),
      error: failures
    }),
    HttpApiEndpoint.get("friends", "/friends", {
      success: Success(Schema.Struct({ list: Schema.Array(Friend) })),
      error: failures
    }),
    HttpApiEndpoint.get("online", "/friends/online", {
      success: Success(Schema.Struct({ onlineList: Schema.Record(Schema.String, Schema.Boolean) })),
      error: failures
    }),
    HttpApiEndpoint.delete("remove", "/friend", { query: { userId: UserId }, success: Nothing, error: failures }),
    HttpApiEndpoint.post("block", "/block", {
      payload: Schema.Struct({ userId: UserId }),
      success: Nothing,
      error: failures
    }),
    HttpApiEndpoint.delete("unblock", "/block", { query: { userId: UserId }, success: Nothing, error: failures }),
    HttpApiEndpoint.get("blocks", "/blocks", {
      success: Success(Schema.Struct({ list: Schema.Array(UserId) })),
      error: failures
    })
  )
  .middleware(Authorization)
  .prefix("/v1/social")
  .annotateMerge(OpenApi.annotations({ title: "Contacts", description: "Friends, requests and blocks" })) {}
