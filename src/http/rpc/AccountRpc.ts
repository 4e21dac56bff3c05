/** The user service for other services, over RPC (protocol.md section 3). */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import {
  findMax,
  LoginRequest,
  Nickname,
  PhoneInput,
  Profile,
  RegisterRequest,
  TokenPair
} from "../../domain/accounts/User.ts"
import { AnyFailure } from "../../domain/shared/Failure.ts"
import { UserId } from "../../domain/shared/Ids.ts"

const WithId = Schema.Struct({ id: UserId, ...TokenPair.fields })

export class AccountRpcs extends RpcGroup.make(
  Rpc.make("Ping", { success: Schema.Literal("pong"), error: AnyFailure }),
  Rpc.make("Login", { payload: LoginRequest.fields, success: WithId, error: AnyFailure }),
  Rpc.make("Register", { payload: RegisterRequest.fields, success: WithId, error: AnyFailure }),
  Rpc.make("GetUserInfo", { payload: { id: UserId }, success: Profile, error: AnyFailure }),
  Rpc.make("FindUser", {
    payload: {
      name: Schema.optionalKey(Nickname),
      phone: Schema.optionalKey(PhoneInput),
      ids: Schema.optionalKey(Schema.Array(UserId).check(Schema.isMaxLength(findMax)))
    },
    success: Schema.Array(Profile),
    error: AnyFailure
  })
) {}
