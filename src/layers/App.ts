/** Every service below the outside, with the implementations that the configuration asks for. */
import { Layer } from "effect"
import { ConnectionRegistry } from "../actors/ConnectionRegistry.ts"
import { Deadlines } from "../actors/Deadlines.ts"
import { Delivery } from "../actors/Delivery.ts"
import * as TransferConsumer from "../actors/TransferConsumer.ts"
import type { MessageStore } from "../domain/MessageStore.ts"
import * as AckServiceMetrics from "./AckServiceMetrics.ts"
import * as AuthJose from "./AuthJose.ts"
import { AuthRateLimiter } from "./AuthRateLimiter.ts"
import * as ContactsSql from "./ContactsSql.ts"
import * as ConversationsSql from "./ConversationsSql.ts"
import * as IdsSnowflake from "./IdsSnowflake.ts"
import * as MessageStoreSql from "./MessageStoreSql.ts"
import * as PasswordHasherArgon2 from "./PasswordHasherArgon2.ts"
import * as PhoneNumbersLib from "./PhoneNumbersLib.ts"
import * as SessionsSql from "./SessionsSql.ts"
import * as SqliteDatabase from "./SqliteDatabase.ts"
import * as TransferEmbedded from "./TransferEmbedded.ts"
import * as UserRepositorySql from "./UserRepositorySql.ts"

const repositories = Layer.mergeAll(
  UserRepositorySql.layer,
  SessionsSql.layer,
  ContactsSql.layer,
  ConversationsSql.layer
)

const services = Layer.mergeAll(
  AckServiceMetrics.layer,
  AuthJose.layer,
  AuthRateLimiter.layer,
  PasswordHasherArgon2.layer,
  PhoneNumbersLib.layer,
  TransferEmbedded.layer
)

const actors = TransferConsumer.layer.pipe(
  Layer.provideMerge(Delivery.layer),
  Layer.provideMerge(Layer.mergeAll(ConnectionRegistry.layer, Deadlines.layer))
)

/** Every service, with this message store. Needs the settings. */
export const layerOf = <E, R>(messageStore: Layer.Layer<MessageStore, E, R>) =>
  actors.pipe(
    Layer.provideMerge(messageStore),
    Layer.provideMerge(services),
    Layer.provideMerge(repositories),
    Layer.provideMerge(SqliteDatabase.layer),
    Layer.provideMerge(IdsSnowflake.layer)
  )

/** Every service as the settings ask for it. */
export const layer = layerOf(MessageStoreSql.layer)
