/** The user service over HTTP (protocol.md section 2.2). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { PrivacyChange, PrivacySettings } from "../../domain/accounts/Privacy.ts"
import {
  FindRequest,
  LoginRequest,
  Profile,
  ProfileChange,
  PublicProfile,
  RegisterRequest,
  TokenPair
} from "../../domain/accounts/User.ts"
import { Authorization } from "./Authorization.ts"
import { Done, failuresOf, Success } from "./Envelope.ts"

const RefreshRequest = Schema.Struct({ refreshToken: Schema.String.check(Schema.isBetweenLength(1, 256)) })

/** Endpoints without a token. */
export class AccountGroup extends HttpApiGroup.make("account")
  .add(
    HttpApiEndpoint.post("register", "/register", {
      payload: RegisterRequest,
      success: Success(TokenPair),
      error: failuresOf("RateLimited", "BadPhone", "PhoneTaken", "Overloaded")
    }).annotate(OpenApi.Summary, "Register by phone and log in"),
    HttpApiEndpoint.post("login", "/login", {
      payload: LoginRequest,
      success: Success(TokenPair),
      error: failuresOf("RateLimited", "BadPhone", "WrongCredentials", "Overloaded")
    }).annotate(OpenApi.Summary, "Log in by phone and password"),
    HttpApiEndpoint.post("refresh", "/refresh", {
      payload: RefreshRequest,
      success: Success(TokenPair),
      error: failuresOf("RateLimited", "BadRefreshToken")
    }).annotate(OpenApi.Summary, "Exchange a refresh token for new tokens")
  )
  .prefix("/v1/user")
  .annotateMerge(OpenApi.annotations({ title: "Accounts", description: "Register, log in, stay logged in" })) {}

/** Endpoints for the own profile, for finding users, and for logging out. */
export class UserGroup extends HttpApiGroup.make("user")
  .add(
    HttpApiEndpoint.post("logout", "/logout", { success: Done, error: failuresOf() }).annotate(
      OpenApi.Summary,
      "Revoke this login and close its sockets"
    ),
    HttpApiEndpoint.get("detail", "/user", {
      success: Success(Schema.Struct({ info: Profile })),
      error: failuresOf("UserNotFound")
    }).annotate(OpenApi.Summary, "The caller's profile"),
    HttpApiEndpoint.patch("update", "/user", {
      payload: ProfileChange,
      success: Success(Schema.Struct({ info: Profile })),
      error: failuresOf("UserNotFound")
    }).annotate(OpenApi.Summary, "Change the caller's profile"),
    HttpApiEndpoint.get("find", "/find", {
      query: FindRequest.fields,
      success: Success(Schema.Struct({ users: Schema.Array(PublicProfile) })),
      error: failuresOf("BadPhone", "RateLimited")
    }).annotate(OpenApi.Summary, "Find users by name, phone or ids"),
    HttpApiEndpoint.get("privacy", "/privacy", {
      success: Success(Schema.Struct({ privacy: PrivacySettings })),
      error: failuresOf("UserNotFound")
    }).annotate(OpenApi.Summary, "The users whom the caller lets see, find and add them"),
    HttpApiEndpoint.patch("changePrivacy", "/privacy", {
      payload: PrivacyChange,
      success: Success(Schema.Struct({ privacy: PrivacySettings })),
      error: failuresOf("UserNotFound")
    }).annotate(OpenApi.Summary, "Change the users whom the caller lets see, find and add them")
  )
  .middleware(Authorization)
  .prefix("/v1/user")
  .annotateMerge(OpenApi.annotations({ title: "Users", description: "The caller's profile and other users" })) {}
