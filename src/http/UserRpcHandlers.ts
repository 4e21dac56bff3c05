/** Handlers of the user service's RPC group. */
import { Effect } from "effect"
import { UserRpcs } from "../domain/UserRpc.ts"
import { Accounts } from "./Accounts.ts"

export const layer = UserRpcs.toLayer(
  Effect.gen(function* () {
    const accounts = yield* Accounts
    return UserRpcs.of({
      Ping: () => Effect.succeed("pong"),
      Login: (request) => accounts.login(request, undefined),
      Register: (request) => accounts.register(request, undefined),
      GetUserInfo: ({ id }) => accounts.profile(id),
      FindUser: (conditions) => accounts.find(conditions)
    })
  })
)
