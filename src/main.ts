/** The process: reads the configuration, and serves until it gets SIGINT or SIGTERM. */
import "effect/schema/SchemaJITCompiler/enable"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Exit, Layer, Runtime } from "effect"
import * as InternalServer from "./http/internal/InternalServer.ts"
import * as Server from "./http/Server.ts"
import * as App from "./layers/App.ts"
import * as Logging from "./layers/settings/Logging.ts"
import * as Settings from "./layers/settings/Settings.ts"

/** The layers of the role. */
const processOf = Layer.unwrap(
  Effect.map(Settings.Settings, ({ role }) =>
    role === "worker"
      ? InternalServer.layerWorker.pipe(Layer.provide(App.worker))
      : Server.layer.pipe(Layer.provide(App.layer))
  )
).pipe(Layer.provide(Logging.layer), Layer.provide(Settings.layer))

/** A mistake of the operator ends the process with a message, not a stack trace. */
const end = (message: string) =>
  Effect.andThen(
    Console.error(message),
    Effect.sync(() => process.exit(1))
  )

const program = Layer.launch(processOf).pipe(
  Effect.catchTag(["BadConfiguration", "DatabaseUnavailable", "CannotServe"], ({ message }) => end(message))
)

/** A signal to stop is no failure: after a drain the process ends with status 0. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.hasInterrupts(exit) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

NodeRuntime.runMain(program, { teardown })
