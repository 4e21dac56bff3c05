/** A process as far as presence knows it: a lease, a registry and what writes them down, driven step by step. */
import { Clock, Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type ConnectionHandle, ConnectionRegistry } from "../../src/actors/connections/ConnectionRegistry.ts"
import { GatewayPolicy } from "../../src/domain/connection/GatewayPolicy.ts"
import type { Presence } from "../../src/domain/contacts/Presence.ts"
import type { ConnectionId, UserId } from "../../src/domain/shared/Ids.ts"
import * as PresenceSql from "../../src/layers/sql/cluster/PresenceSql.ts"
import * as ProcessLease from "../../src/layers/sql/cluster/ProcessLease.ts"
import { quiet } from "./ActorHarness.ts"

const policy = Layer.succeed(GatewayPolicy, {
  limits: quiet,
  userRateLimit: undefined,
  networkRateLimit: undefined,
  loginPolicy: "multi",
  connectionsMax: 100_000,
  userConnectionsMax: 100_000,
  networkConnectionsMax: 100_000,
  drainWindowMillis: 0
})

export const freshRegistry = Effect.map(
  Layer.build(Layer.fresh(ConnectionRegistry.layer).pipe(Layer.provide(policy))),
  (services) => Context.get(services, ConnectionRegistry)
)

let made = 0

/** A connection of a user, which nobody can tell anything. */
export const connectionOf = (userId: string, deviceId = "phone"): ConnectionHandle => {
  made += 1
  return {
    connectionId: String(1_000_000 + made) as ConnectionId,
    userId: userId as UserId,
    deviceId,
    platform: "cli",
    sessionId: "1",
    ackMode: "once",
    network: "127.0.0.1",
    tell: () => {}
  }
}

/** Starts a process that does nothing by itself. At most `waitingMax` connections wait to be written. */
export const boot = Effect.fnUntraced(function* (waitingMax?: number) {
  const { lease, renew } = yield* ProcessLease.make
  const registry = yield* freshRegistry
  const parts = yield* PresenceSql.make(waitingMax).pipe(
    Effect.provideService(ProcessLease.ProcessLease, lease),
    Effect.provideService(ConnectionRegistry, registry)
  )
  return {
    ...parts,
    machineId: lease.machineId,
    startedAt: yield* Clock.currentTimeMillis,
    renew,
    open: (userId: string, deviceId?: string): ConnectionHandle => {
      const connection = connectionOf(userId, deviceId)
      registry.add(connection)
      parts.presence.opened(connection)
      return connection
    },
    close: (connection: ConnectionHandle, isExpectedBack = false): void => {
      registry.remove(connection)
      parts.presence.closed(connection, isExpectedBack)
    },
    /** The state of one user in it. */
    of: (userId: string) =>
      Effect.map(parts.presence.of([userId as UserId]), ([found]) => found ?? { userId, online: false, lastSeen: -1 })
  }
})
export type PresenceProcess = Effect.Success<ReturnType<typeof boot>>

/** The rows of a process that is gone. */
export const rowsOf = (machineId: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql<{ readonly connection_id: string }>`
      SELECT connection_id FROM connections WHERE machine_id = ${machineId} ORDER BY connection_id`
  )

/** Whether user 1 is online. */
export const isOnline = (presence: Presence["Service"]) =>
  Effect.map(presence.onlineAmong(["1" as UserId]), (online) => online.length > 0)
