/** Prints a short-lived token for another service or for the system itself, signed with this server's secret. */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import { Argument, Command } from "effect/cli"
import { Auth, Sessions } from "../src/domain/accounts/Auth.ts"
import { rootUserId } from "../src/domain/shared/Ids.ts"
import * as AuthJose from "../src/layers/auth/AuthJose.ts"
import * as Settings from "../src/layers/settings/Settings.ts"
import * as IdsSnowflake from "../src/layers/sql/cluster/IdsSnowflake.ts"

const auth = AuthJose.layer.pipe(
  // Logins are only looked up for tokens of users; the database is the running server's alone.
  Layer.provide([IdsSnowflake.layer, Layer.mock(Sessions, {})]),
  Layer.provide(Settings.layer)
)

const print = (kind: "service" | "system", subject: string) =>
  Effect.gen(function* () {
    yield* Console.log(yield* (yield* Auth).issueInternal(kind, subject))
  }).pipe(Effect.provide(auth))

const service = Command.make("service", { name: Argument.String("name") }, ({ name }) => print("service", name)).pipe(
  Command.withDescription("a token for /rpc, valid for five minutes; the name says whose it is")
)
const system = Command.make("system", {}, () => print("system", rootUserId)).pipe(
  Command.withDescription(
    "a token for /nodes and /rpc on the internal listener, as nodes sign them, valid for five minutes"
  )
)

Command.make("sign-token").pipe(
  Command.withDescription("Sign a token with the secret of this configuration"),
  Command.withSubcommands([service, system]),
  Command.run({ version: "0.1.0" }),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
