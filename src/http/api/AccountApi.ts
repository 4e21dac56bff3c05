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
import { about, Done, failuresOf, Success } from "./Envelope.ts"

const RefreshRequest = Schema.Struct({ refreshToken: Schema.String.check(Schema.isBetweenLength(1, 256)) })

/** Endpoints without a token. */
export class AccountGroup extends HttpApiGroup.make("account")
  .add(
    HttpApiEndpoint.post("register", "/register", {
      payload: RegisterRequest,
      success: Success(TokenPair),
      error: failuresOf("RateLimited", "BadPhone", "PhoneTaken", "Overloaded")
    }).annotateMerge(
      about(
        "Register by phone and log in",
        "Makes a user with this phone, and logs in on the named device. Registrations are counted per network."
      )
    ),
    HttpApiEndpoint.post("login", "/login", {
      payload: LoginRequest,
      success: Success(TokenPair),
      error: failuresOf("RateLimited", "BadPhone", "WrongCredentials", "Overloaded")
    }).annotateMerge(
      about(
        "Log in by phone and password",
        "A login belongs to a device; a newer one of the same device ends the older one's connections. Wrong attempts are counted per phone and network. A wrong phone and a wrong password are answered alike."
      )
    ),
    HttpApiEndpoint.post("refresh", "/refresh", {
      payload: RefreshRequest,
      success: Success(TokenPair),
      error: failuresOf("RateLimited", "BadRefreshToken")
    }).annotateMerge(
      about(
        "Exchange a refresh token for new tokens",
        "A refresh that got no answer is sent again: until the new token has been used, and for 30 s in any case, the old one gives a working pair. Used later, it ends the login."
      )
    )
  )
  .prefix("/v1/user")
  .annotateMerge(OpenApi.annotations({ title: "Accounts", description: "Register, log in, stay logged in" })) {}

/** Endpoints for the own profile, for finding users, and for logging out. */
export class UserGroup extends HttpApiGroup.make("user")
  .add(
    HttpApiEndpoint.post("logout", "/logout", { success: Done, error: failuresOf() }).annotateMerge(
      about(
        "Revoke this login and close its sockets",
        "The tokens of this login are refused from now on, and its chat sockets close with 4004."
      )
    ),
    HttpApiEndpoint.get("detail", "/user", {
      success: Success(Schema.Struct({ info: Profile })),
      error: failuresOf("UserNotFound")
    }).annotateMerge(about("The caller's profile", "The profile of the user to whom the token belongs.")),
    HttpApiEndpoint.patch("update", "/user", {
      payload: ProfileChange,
      success: Success(Schema.Struct({ info: Profile })),
      error: failuresOf("UserNotFound")
    }).annotateMerge(about("Change the caller's profile", "Fields that are absent stay as they are.")),
    HttpApiEndpoint.get("find", "/find", {
      query: FindRequest.fields,
      success: Success(Schema.Struct({ users: Schema.Array(PublicProfile) })),
      error: failuresOf("BadPhone", "RateLimited")
    }).annotateMerge(
      about(
        "Find users by name, phone or ids",
        "At least one condition; several add up. Users are found who let the caller find them so, at most 100, and `mobile` is there where its owner shows it. Looking for strangers is limited per user."
      )
    ),
    HttpApiEndpoint.get("privacy", "/privacy", {
      success: Success(Schema.Struct({ privacy: PrivacySettings })),
      error: failuresOf("UserNotFound")
    }).annotateMerge(
      about(
        "The users whom the caller lets see, find and add them",
        "Each setting is `nobody`, `friends`, `contacts` or `everyone`."
      )
    ),
    HttpApiEndpoint.patch("changePrivacy", "/privacy", {
      payload: PrivacyChange,
      success: Success(Schema.Struct({ privacy: PrivacySettings })),
      error: failuresOf("UserNotFound")
    }).annotateMerge(
      about(
        "Change the users whom the caller lets see, find and add them",
        "Settings that are absent stay as they are."
      )
    )
  )
  .middleware(Authorization)
  .prefix("/v1/user")
  .annotateMerge(OpenApi.annotations({ title: "Users", description: "The caller's profile and other users" })) {}
