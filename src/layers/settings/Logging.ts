/** Where log lines go and which ones: readable on a terminal, JSON elsewhere. */
import { Effect, Layer, Logger, References } from "effect"
import { Settings } from "./Settings.ts"

const levels = { trace: "Trace", debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const

export const layer = Layer.unwrap(
  Effect.map(Settings, ({ logFormat, logLevel }) =>
    Layer.merge(
      Logger.layer([logFormat === "pretty" ? Logger.consolePretty() : Logger.consoleJson]),
      Layer.succeed(References.MinimumLogLevel, levels[logLevel])
    )
  )
)
