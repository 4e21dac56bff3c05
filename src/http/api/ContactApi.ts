/** Friends, requests and blocks over HTTP (protocol.md section 2.2). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { FriendRequest, FriendRequestOutcome } from "../../domain/contacts/FriendRequest.ts"
import { Friend } from "../../domain/contacts/Friends.ts"
import { FriendRequestId, UserId } from "../../domain/shared/Ids.ts"
import { RequestMessage, RequestResponse } from "../../domain/shared/Request.ts"
import { Authorization } from "./Authorization.ts"
import { about, Done, failuresOf, Success } from "./Envelope.ts"

export class SocialGroup extends HttpApiGroup.make("social")
  .add(
    HttpApiEndpoint.post("request", "/friend/putIn", {
      payload: Schema.Struct({ userId: UserId, reqMsg: Schema.optionalKey(RequestMessage) }),
      success: Success(FriendRequestOutcome),
      error: failuresOf("UserNotFound", "Blocked", "Conflict", "RateLimited")
    }).annotateMerge(
      about(
        "Send a friend request",
        "Two users who ask each other are friends at once (`handleResult` 2). While a request waits, the same one returns it."
      )
    ),
    HttpApiEndpoint.put("respond", "/friend/putIn", {
      payload: Schema.Struct({ friendReqId: FriendRequestId, handleResult: RequestResponse }),
      success: Done,
      error: failuresOf("NoRequest", "Blocked", "Conflict", "RateLimited")
    }).annotateMerge(
      about(
        "Pass or refuse a friend request, or cancel one's own",
        "The user who was asked passes (2) or refuses (3), the user who asked cancels (4). The same response again has no effect."
      )
    ),
    HttpApiEndpoint.get("requests", "/friend/putIns", {
      query: { before: Schema.optionalKey(FriendRequestId) },
      success: Success(Schema.Struct({ list: Schema.Array(FriendRequest) })),
      error: failuresOf("NoRequest")
    }).annotateMerge(
      about(
        "Friend requests by and to the caller, the newest first",
        "At most 200; `before` is the `id` with which the page before ended."
      )
    ),
    HttpApiEndpoint.get("friends", "/friends", {
      success: Success(Schema.Struct({ list: Schema.Array(Friend) })),
      error: failuresOf()
    }).annotateMerge(about("The caller's friends", "All of them, at most 5 000, by id.")),
    HttpApiEndpoint.get("online", "/friends/online", {
      success: Success(Schema.Struct({ onlineList: Schema.Record(Schema.String, Schema.Boolean) })),
      error: failuresOf()
    }).annotateMerge(
      about(
        "Which friends are online",
        "Of the friends who show their presence to the caller, where neither blocks the other."
      )
    ),
    HttpApiEndpoint.delete("remove", "/friend", {
      query: { userId: UserId },
      success: Done,
      error: failuresOf()
    }).annotateMerge(about("End a friendship on both sides", "It has no effect where the two are no friends.")),
    HttpApiEndpoint.post("block", "/block", {
      payload: Schema.Struct({ userId: UserId }),
      success: Done,
      error: failuresOf("UserNotFound", "RateLimited")
    }).annotateMerge(
      about(
        "Block a user",
        "Stops messages between the two in both directions, cancels requests that wait between them, and hides presence. A friendship stays."
      )
    ),
    HttpApiEndpoint.delete("unblock", "/block", {
      query: { userId: UserId },
      success: Done,
      error: failuresOf()
    }).annotateMerge(about("Unblock a user", "It has no effect where the user is not blocked.")),
    HttpApiEndpoint.get("blocks", "/blocks", {
      success: Success(Schema.Struct({ list: Schema.Array(UserId) })),
      error: failuresOf()
    }).annotateMerge(about("The users that the caller has blocked", "At most 5 000."))
  )
  .middleware(Authorization)
  .prefix("/v1/social")
  .annotateMerge(OpenApi.annotations({ title: "Contacts", description: "Friends, requests and blocks" })) {}
