/** Where log lines go and which ones: readable on a terminal, JSON elsewhere. The first tell of misspelt settings. */
import { Effect, Layer, Logger, References } from "effect"
import { Settings } from "./Settings.ts"

const levels = { trace: "Trace", debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const

const misspelt = Layer.effectDiscard(
  Effect.flatMap(Settings, ({ unknownNames }) =>
    Effect.forEach(unknownNames, (name) => Effect.logWarning(`${name} is set, but is no setting of this version`))
  )
)

const logging = Layer.unwrap(
  Effect.map(Settings, ({ logFormat, logLevel }) =>
    Layer.merge(
      Logger.layer([logFormat === "pretty" ? Logger.consolePretty() : Logger.consoleJson]),
      Layer.succeed(References.MinimumLogLevel, levels[logLevel])
    )
  )
)

export const layer = misspelt.pipe(Layer.provideMerge(logging))
