/** The user service for other services, over RPC (protocol.md section 3). */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import {
  findMax,
  LoginRequest,
  NicknamePrefix,
  PhoneInput,
  Profile,
  RegisterRequest,
  TokenPair
} from "../../domain/accounts/User.ts"
import { FailureSchema } from "../../domain/shared/Failure.ts"
import { UserId } from "../../domain/shared/Ids.ts"

const WithId = Schema.Struct({ id: UserId, ...TokenPair.fields })

/** Failures of an attempt to register or log in. */
const attemptFailures = ["RateLimited", "BadPhone", "Overloaded", "DatabaseError"] as const

export class AccountRpcs extends RpcGroup.make(
  Rpc.make("Ping", { success: Schema.Literal("pong") }),
  Rpc.make("Login", {
    payload: LoginRequest.fields,
    success: WithId,
    error: FailureSchema(...attemptFailures, "WrongCredentials")
  }),
  Rpc.make("Register", {
    payload: RegisterRequest.fields,
    success: WithId,
    error: FailureSchema(...attemptFailures, "PhoneTaken")
  }),
  Rpc.make("GetUserInfo", {
    payload: { id: UserId },
    success: Profile,
    error: FailureSchema("UserNotFound", "DatabaseError")
  }),
  Rpc.make("FindUser", {
    payload: {
      name: Schema.optionalKey(NicknamePrefix),
      phone: Schema.optionalKey(PhoneInput),
      ids: Schema.optionalKey(Schema.Array(UserId).check(Schema.isMaxLength(findMax)))
    },
    success: Schema.Array(Profile),
    error: FailureSchema("BadParameters", "BadPhone", "DatabaseError")
  })
) {}
