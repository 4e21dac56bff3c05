/** Every service below the outside, with the implementations that the configuration asks for. */
import { Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { ConnectionRegistry } from "../actors/connections/ConnectionRegistry.ts"
import { Deadlines } from "../actors/connections/Deadlines.ts"
import { ConversationWatchers } from "../actors/delivery/ConversationWatchers.ts"
import { Delivery } from "../actors/delivery/Delivery.ts"
import * as LocalEvents from "../actors/delivery/LocalEvents.ts"
import * as LocalFanOut from "../actors/delivery/LocalFanOut.ts"
import * as TransferConsumer from "../actors/delivery/TransferConsumer.ts"
import { PresenceWatches } from "../actors/presence/PresenceWatches.ts"
import type { ResultFanOut } from "../domain/cluster/AppendOutcome.ts"
import type { DeliveryGaps } from "../domain/cluster/DeliveryGaps.ts"
import type { MessageStore } from "../domain/messages/MessageStore.ts"
import type { Transfer } from "../domain/messages/Transfer.ts"
import * as AuthJose from "./auth/AuthJose.ts"
import * as BudgetsMemory from "./auth/BudgetsMemory.ts"
import * as PasswordHasherArgon2 from "./auth/PasswordHasherArgon2.ts"
import * as PhoneNumbersLib from "./auth/PhoneNumbersLib.ts"
import * as RateLimitersMemory from "./auth/RateLimitersMemory.ts"
import { NodeClients } from "./gateways/NodeClients.ts"
import * as PeersNodes from "./gateways/PeersNodes.ts"
import * as ResultFanOutNodes from "./gateways/ResultFanOutNodes.ts"
import * as AckServiceMetrics from "./settings/AckServiceMetrics.ts"
import { Settings } from "./settings/Settings.ts"
import * as DeliveryGapsSql from "./sql/cluster/DeliveryGapsSql.ts"
import * as IdsSnowflake from "./sql/cluster/IdsSnowflake.ts"
import * as PresenceSql from "./sql/cluster/PresenceSql.ts"
import * as ProcessLease from "./sql/cluster/ProcessLease.ts"
import * as StoreTerms from "./sql/cluster/StoreTerms.ts"
import * as ConversationListsSql from "./sql/conversations/ConversationListsSql.ts"
import * as ConversationsSql from "./sql/conversations/ConversationsSql.ts"
import * as MysqlDatabase from "./sql/database/MysqlDatabase.ts"
import * as MessageStoreSql from "./sql/messages/MessageStoreSql.ts"
import * as RefusedDrafts from "./sql/messages/RefusedDrafts.ts"
import * as ContactsSql from "./sql/people/ContactsSql.ts"
import * as FriendsSql from "./sql/people/FriendsSql.ts"
import * as GroupInvitationsSql from "./sql/people/GroupInvitationsSql.ts"
import * as GroupsSql from "./sql/people/GroupsSql.ts"
import * as SessionsSql from "./sql/people/SessionsSql.ts"
import * as UserRepositorySql from "./sql/people/UserRepositorySql.ts"
import * as SqliteDatabase from "./sql/sqlite/SqliteDatabase.ts"
import * as TransferEmbedded from "./transfer/TransferEmbedded.ts"
import * as TransferKafka from "./transfer/TransferKafka.ts"

const repositories = Layer.mergeAll(
  UserRepositorySql.layer,
  SessionsSql.layer,
  ContactsSql.layer,
  GroupsSql.layer,
  GroupInvitationsSql.layer,
  ConversationListsSql.layer,
  FriendsSql.layer,
  ConversationsSql.layer,
  DeliveryGapsSql.layer
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
    ({ transfer }): Layer.Layer<Transfer, never, Settings | MessageStore> =>
      transfer._tag === "Kafka" ? TransferKafka.layer : TransferEmbedded.layer
  )
)

const services = Layer.mergeAll(
  AckServiceMetrics.layer,
  RateLimitersMemory.layer,
  BudgetsMemory.layer,
  PasswordHasherArgon2.layer,
  PhoneNumbersLib.layer
)

/** The lease of the process, and the services that need it. */
const leased = Layer.mergeAll(IdsSnowflake.layerLeased, StoreTerms.layer).pipe(Layer.provideMerge(ProcessLease.layer))

/** The services of every role. */
const base = <E, R>(messageStore: Layer.Layer<MessageStore, E, R>) =>
  Layer.merge(transfer, AuthJose.layer).pipe(
    Layer.provideMerge(messageStore),
    Layer.provideMerge(repositories),
    Layer.provideMerge(leased),
    Layer.provideMerge(database)
  )

/** To the connections of this process, or to those of every gateway that the settings name. */
const fanOut = Layer.unwrap(
  Effect.map(
    Settings,
    ({ gatewayUrls }): Layer.Layer<ResultFanOut, never, Delivery | Transfer | NodeClients | DeliveryGaps> =>
      gatewayUrls.length === 0 ? LocalFanOut.layer : ResultFanOutNodes.layer
  )
)

/** Where drafts are stored. */
const pipeline = Layer.merge(TransferConsumer.layer, RefusedDrafts.layer)

/** In the roles `all` and `gateway`, which hold connections; a gateway leaves storing and fanning out to the workers. */
const actors = Layer.unwrap(
  Effect.map(Settings, ({ role }) => (role === "gateway" ? Layer.empty : pipeline.pipe(Layer.provide(fanOut))))
).pipe(
  Layer.provideMerge(LocalEvents.layer),
  Layer.provideMerge(PeersNodes.layer),
  Layer.provide(NodeClients.layer),
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

/** A process without connections, with this way to the gateways. Needs the settings. */
export const workerOf = <E, R>(fanOut: Layer.Layer<ResultFanOut, E, R>) =>
  pipeline.pipe(Layer.provide(fanOut), Layer.provideMerge(base(MessageStoreSql.layer)))

/** A process without connections: stores drafts, and fans their outcomes out to the gateways that the settings name. */
export const worker = workerOf(ResultFanOutNodes.layer.pipe(Layer.provide(NodeClients.layer)))
