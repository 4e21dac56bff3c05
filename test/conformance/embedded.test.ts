/** The conformance suites on what runs without any server: SQLite and the embedded transfer. */
import { ConfigProvider, Effect, Layer } from "effect"
import * as ContactsSql from "../../src/layers/ContactsSql.ts"
import * as ConversationsSql from "../../src/layers/ConversationsSql.ts"
import * as MessageStoreSql from "../../src/layers/MessageStoreSql.ts"
import * as Settings from "../../src/layers/Settings.ts"
import * as SqliteDatabase from "../../src/layers/SqliteDatabase.ts"
import * as TransferEmbedded from "../../src/layers/TransferEmbedded.ts"
import * as UserRepositorySql from "../../src/layers/UserRepositorySql.ts"
import { temporaryDirectory } from "../support/TestServer.ts"
import { conversationsSuite } from "./conversationsSuite.ts"
import { messageStoreSuite } from "./messageStoreSuite.ts"
import { transferSuite } from "./transferSuite.ts"

const settings = Layer.unwrap(
  Effect.map(temporaryDirectory, (directory) =>
    Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ CHAT_DATA_DIR: directory }))))
  )
)

const sqlite = Layer.mergeAll(
  MessageStoreSql.layer,
  ConversationsSql.layer,
  UserRepositorySql.layer,
  ContactsSql.layer
).pipe(Layer.provide(SqliteDatabase.layer), Layer.provide(settings))

messageStoreSuite("SQLite", sqlite)
conversationsSuite("SQLite", sqlite)
transferSuite("embedded", TransferEmbedded.layer)
