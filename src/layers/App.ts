/** Every service below the outside, with the implementations that the configuration asks for. */
import { Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { ConnectionRegistry } from "../actors/ConnectionRegistry.ts"
import { ConversationWatchers } from "../actors/ConversationWatchers.ts"
import { Deadlines } from "../actors/Deadlines.ts"
import { Delivery, handoverLayer } from "../actors/Delivery.ts"
import { Notices } from "../actors/Notices.ts"
import { PresenceWatches } from "../actors/PresenceWatches.ts"
import * as TransferConsumer from "../actors/TransferConsumer.ts"
import type { Auth } from "../domain/Auth.ts"
import type { Handover } from "../domain/Handover.ts"
import type { MessageStore } from "../domain/MessageStore.ts"
import type { Transfer } from "../domain/Transfer.ts"
import * as AckServiceMetrics from "./AckServiceMetrics.ts"
import * as AuthJose from "./AuthJose.ts"
import { AuthRateLimiter } from "./AuthRateLimiter.ts"
import * as ContactsSql from "./ContactsSql.ts"
import * as ConversationListsSql from "./ConversationListsSql.ts"
import * as ConversationsSql from "./ConversationsSql.ts"
import * as FriendsSql from "./FriendsSql.ts"
import * as GroupsSql from "./GroupsSql.ts"
import * as HandoverGateways from "./HandoverGateways.ts"
import * as IdsSnowflake from "./IdsSnowflake.ts"
import * as MessageStoreSql from "./MessageStoreSql.ts"
import * as MysqlDatabase from "./MysqlDatabase.ts"
import * as NoticeRelayGateways from "./NoticeRelayGateways.ts"
import * as PasswordHasherArgon2 from "./PasswordHasherArgon2.ts"
import * as PhoneNumbersLib from "./PhoneNumbersLib.ts"
import * as PresenceSql from "./PresenceSql.ts"
import * as ProcessLease from "./ProcessLease.ts"
import * as SessionsSql from "./SessionsSql.ts"
import { Settings } from "./Settings.ts"
import * as SqliteDatabase from "./SqliteDatabase.ts"
import * as TransferEmbedded from "./TransferEmbedded.ts"
import * as TransferKafka from "./TransferKafka.ts"
import * as UserRepositorySql from "./UserRepositorySql.ts"

const repositories = Layer.mergeAll(
  UserRepositorySql.layer,
  SessionsSql.layer,
  ContactsSql.layer,
  GroupsSql.layer,
  ConversationListsSql.layer,
  FriendsSql.layer,
  ConversationsSql.layer
)

const database = Layer.unwrap(
  Effect.map(
    Settings,
    ({ store }): Layer.Layer<SqlClient.SqlClient, DatabaseError, Settings> =>
      store._tag === "Mysql" ? MysqlDatabase.layer : SqliteDatabase.layer
  )
)
type DatabaseError = Layer.Error<typeof MysqlDatabase.layer> | Layer.Error<typeof SqliteDatabase.layer>

const transfer = Layer.unwrap(
  Effect.map(
    Settings,
    ({ transfer }): Layer.Layer<Transfer, never, Settings> =>
      transfer._tag === "Kafka" ? TransferKafka.layer : TransferEmbedded.layer
  )
)

const services = Layer.mergeAll(
  AckServiceMetrics.layer,
  AuthRateLimiter.layer,
  PasswordHasherArgon2.layer,
  PhoneNumbersLib.layer
)

/** What hangs on the lease of the process, and the lease. */
const leased = IdsSnowflake.layerLeased.pipe(Layer.provideMerge(ProcessLease.layer))

/** What every role needs. */
const base = <E, R>(messageStore: Layer.Layer<MessageStore, E, R>) =>
  Layer.mergeAll(messageStore, transfer, AuthJose.layer).pipe(
    Layer.provideMerge(repositories),
    Layer.provideMerge(leased),
    Layer.provideMerge(database)
  )

/** To the connections of this process, or to those of every gateway that the settings name. */
const handover = Layer.unwrap(
  Effect.map(
    Settings,
    ({ gatewayUrls }): Layer.Layer<Handover, never, Delivery | Settings | Auth> =>
      gatewayUrls.length === 0 ? handoverLayer : HandoverGateways.layer
  )
)

/** In the roles `all` and `gateway`: those who hold connections; a gateway leaves storing and handing over to the workers. */
const actors = Layer.unwrap(
  Effect.map(Settings, ({ role }) =>
    role === "gateway" ? Layer.empty : TransferConsumer.layer.pipe(Layer.provide(handover))
  )
).pipe(
  Layer.provideMerge(Notices.layer.pipe(Layer.provide(NoticeRelayGateways.layer))),
  Layer.provideMerge(Delivery.layer),
  Layer.provideMerge(PresenceWatches.layer),
  Layer.provideMerge(PresenceSql.layer),
  Layer.provideMerge(Layer.mergeAll(ConnectionRegistry.layer, ConversationWatchers.layer, Deadlines.layer))
)

/** Every service, with this message store. Needs the settings. */
export const layerOf = <E, R>(messageStore: Layer.Layer<MessageStore, E, R>) =>
  actors.pipe(Layer.provideMerge(services), Layer.provideMerge(base(messageStore)))

/** Every service of a process with connections, as the settings ask for it. */
export const layer = layerOf(MessageStoreSql.layer)

/** A process without connections, with this way to those who have them. Needs the settings. */
export const workerOf = <E, R>(handover: Layer.Layer<Handover, E, R>) =>
  TransferConsumer.layer.pipe(Layer.provide(handover), Layer.provideMerge(base(MessageStoreSql.layer)))

/** A process without connections: stores what comes, and brings it to the gateways that the settings name. */
export const worker = workerOf(HandoverGateways.layer)
