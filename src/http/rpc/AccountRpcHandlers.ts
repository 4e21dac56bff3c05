/** Handlers of the user service's RPC group. */
import { Effect } from "effect"
import { Accounts } from "../../domain/services/Accounts.ts"
import { AccountRpcs } from "./AccountRpc.ts"

export const layer = AccountRpcs.toLayer(
  Effect.gen(function* () {
    const accounts = yield* Accounts
    return AccountRpcs.of({
      Ping: () => Effect.succeed("pong"),
      Login: (request) => accounts.login(request, undefined),
      Register: (request) => accounts.register(request, undefined),
      GetUserInfo: ({ id }) => accounts.profile(id),
      FindUser: (conditions) => accounts.find(conditions)
    })
  })
)
