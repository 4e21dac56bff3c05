/** The conformance suites on what runs without any server: SQLite and the embedded transfer. */
import { ConfigProvider, Effect, Layer } from "effect"
import * as Settings from "../../src/layers/settings/Settings.ts"
import * as SqliteDatabase from "../../src/layers/sql/database/SqliteDatabase.ts"
import * as TransferEmbedded from "../../src/layers/transfer/TransferEmbedded.ts"
import { temporaryDirectory } from "../support/TestServer.ts"
import { storeSuites } from "./storeSuites.ts"
import { transferSuite } from "./transferSuite.ts"

const settings = Layer.unwrap(
  Effect.map(temporaryDirectory, (directory) =>
    Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ CHAT_DATA_DIR: directory }))))
  )
)

storeSuites("SQLite", SqliteDatabase.layer.pipe(Layer.provideMerge(settings)))
transferSuite("embedded", TransferEmbedded.layer)
