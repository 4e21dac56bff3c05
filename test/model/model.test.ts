/**
 * Random operations by four users on six devices against the real server, and the same in memory. The seed is printed;
 * `MODEL_SEED=<seed>` runs the same operations again.
 */
import { layer } from "@effect/vitest"
import { Cause, Effect } from "effect"
import * as Server from "../support/TestServer.ts"
import { play } from "./Run.ts"
import { Script } from "./Script.ts"

const seed = process.env["MODEL_SEED"] ?? String(Math.floor(Math.random() * 2 ** 31))

/** As long as a script becomes; without it, ten operations. */
const scriptMax = 80

layer(Server.layer({ CHAT_PUSH_RETRY: "20 millis", CHAT_PUSH_RETRY_COUNT: "2" }), { excludeTestServices: true })(
  "the server and the model of its promises",
  (it) => {
    it.effect.prop(
      `agree on histories, groups, changes, lists and positions (MODEL_SEED=${seed})`,
      [Script],
      ([script]) =>
        play(script).pipe(
          Effect.scoped,
          Effect.catchCause((cause) =>
            Effect.die(new Error(`MODEL_SEED=${seed}\n${Cause.pretty(cause)}\nscript: ${JSON.stringify(script)}`))
          )
        ),
      { arbitrary: { runs: 16, seed, size: scriptMax, maxShrinks: 40 }, timeout: 120_000 }
    )
  }
)
