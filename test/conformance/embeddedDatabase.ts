/** A SQLite database of a test's own. */
import { ConfigProvider, Effect, Layer } from "effect"
import * as Settings from "../../src/layers/settings/Settings.ts"
import * as SqliteDatabase from "../../src/layers/sql/sqlite/SqliteDatabase.ts"
import { temporaryDirectory } from "../support/TestServer.ts"

const settings = Layer.unwrap(
  Effect.map(temporaryDirectory, (directory) =>
    Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ CHAT_DATA_DIR: directory }))))
  )
)

export const embeddedDatabase = SqliteDatabase.layer.pipe(Layer.provideMerge(settings))
