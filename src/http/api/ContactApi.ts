/** Friends, requests and blocks over HTTP (protocol.md section 2.2). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { FriendRequest, FriendRequestOutcome } from "../../domain/contacts/FriendRequest.ts"
import { Friend } from "../../domain/contacts/Friends.ts"
import { FriendRequestId, UserId } from "../../domain/shared/Ids.ts"
import { RequestMessage, RequestResponse } from "../../domain/shared/Request.ts"
import { Authorization } from "./Authorization.ts"
import { Done, failuresOf, Success } from "./Envelope.ts"

export class SocialGroup extends HttpApiGroup.make("social")
  .add(
    HttpApiEndpoint.post("request", "/friend/putIn", {
      payload: Schema.Struct({ userId: UserId, reqMsg: Schema.optionalKey(RequestMessage) }),
      success: Success(FriendRequestOutcome),
      error: failuresOf("UserNotFound", "Blocked", "Conflict", "RateLimited")
    }).annotate(OpenApi.Summary, "Send a friend request"),
    HttpApiEndpoint.put("respond", "/friend/putIn", {
      payload: Schema.Struct({ friendReqId: FriendRequestId, handleResult: RequestResponse }),
      success: Done,
      error: failuresOf("NoRequest", "Blocked", "Conflict", "RateLimited")
    }).annotate(OpenApi.Summary, "Pass or refuse a friend request, or cancel one's own"),
    HttpApiEndpoint.get("requests", "/friend/putIns", {
      query: { before: Schema.optionalKey(FriendRequestId) },
      success: Success(Schema.Struct({ list: Schema.Array(FriendRequest) })),
      error: failuresOf("NoRequest")
    }).annotate(OpenApi.Summary, "Friend requests by and to the caller, the newest first"),
    HttpApiEndpoint.get("friends", "/friends", {
      success: Success(Schema.Struct({ list: Schema.Array(Friend) })),
      error: failuresOf()
    }).annotate(OpenApi.Summary, "The caller's friends"),
    HttpApiEndpoint.get("online", "/friends/online", {
      success: Success(Schema.Struct({ onlineList: Schema.Record(Schema.String, Schema.Boolean) })),
      error: failuresOf()
    }).annotate(OpenApi.Summary, "Which friends are online"),
    HttpApiEndpoint.delete("remove", "/friend", {
      query: { userId: UserId },
      success: Done,
      error: failuresOf()
    }).annotate(OpenApi.Summary, "End a friendship on both sides"),
    HttpApiEndpoint.post("block", "/block", {
      payload: Schema.Struct({ userId: UserId }),
      success: Done,
      error: failuresOf("UserNotFound", "RateLimited")
    }).annotate(OpenApi.Summary, "Block a user"),
    HttpApiEndpoint.delete("unblock", "/block", {
      query: { userId: UserId },
      success: Done,
      error: failuresOf()
    }).annotate(OpenApi.Summary, "Unblock a user"),
    HttpApiEndpoint.get("blocks", "/blocks", {
      success: Success(Schema.Struct({ list: Schema.Array(UserId) })),
      error: failuresOf()
    }).annotate(OpenApi.Summary, "The users that the caller has blocked")
  )
  .middleware(Authorization)
  .prefix("/v1/social")
  .annotateMerge(OpenApi.annotations({ title: "Contacts", description: "Friends, requests and blocks" })) {}
