/** The open connections of this node. */
import { Context, Effect, Layer } from "effect"
import { GatewayPolicy, type LoginPolicy } from "../../domain/connection/GatewayPolicy.ts"
import type { AckMode } from "../../domain/protocol/AckMode.ts"
import type { ConnectionId, UserId } from "../../domain/shared/Ids.ts"
import type { MailboxEvent } from "./Mailbox.ts"

/** Revoked logins that are remembered: many more than are revoked while a connection is being accepted. */
const loggedOutMax = 10_000

/** An open connection, as the rest of the node sees it. */
export interface ConnectionHandle {
  readonly connectionId: ConnectionId
  readonly userId: UserId
  readonly deviceId: string
  readonly platform: string
  readonly sessionId: string
  readonly ackMode: AckMode
  readonly network: string
  /** Puts an event into the actor's mailbox. A connection whose mailbox is full is closed. */
  tell(event: MailboxEvent): void
}

/** Called after a connection was added, and after it was removed; must return at once. */
export interface ConnectionObserver {
  readonly opened: (connection: ConnectionHandle) => void
  readonly closed: (connection: ConnectionHandle) => void
}

/**
 * Connections by user. A connection is removed by its own id: an old one that ends late cannot remove a newer one.
 */
export class ConnectionRegistry extends Context.Service<
  ConnectionRegistry,
  {
    readonly size: () => number
    /** The number of connections from a network. */
    readonly sizeOfNetwork: (network: string) => number
    /** Adds a connection, and closes those whose slot it takes as `replaced` (protocol.md section 1.8). */
    readonly add: (connection: ConnectionHandle) => void
    readonly remove: (connection: ConnectionHandle) => void
    /** Calls the observer for every connection from now on, for as long as this node lives. */
    readonly observe: (observer: ConnectionObserver) => void
    /**
     * Closes the connections of a login that was revoked (4004): the open ones, and one that is added a moment later
     * because its token was verified just before.
     */
    readonly logOut: (userId: UserId, sessionId: string) => void
    readonly ofUser: (userId: UserId) => ReadonlyArray<ConnectionHandle>
    readonly isOnline: (userId: UserId) => boolean
    readonly all: () => Iterable<ConnectionHandle>
  }
>()("fiberchat/actors/ConnectionRegistry") {
  static readonly layer = Layer.effect(
    ConnectionRegistry,
    Effect.map(GatewayPolicy, ({ loginPolicy, userConnectionsMax }) => {
      const byUser = new Map<UserId, ReadonlyArray<ConnectionHandle>>()
      /** The login revoked first comes first. */
      const loggedOut = new Set<string>()
      const observers: Array<ConnectionObserver> = []
      const sizes = new Map<string, number>()
      let size = 0
      const ofUser = (userId: UserId) => byUser.get(userId) ?? []
      return ConnectionRegistry.of({
        size: () => size,
        sizeOfNetwork: (network) => sizes.get(network) ?? 0,
        add: (connection) => {
          const others = ofUser(connection.userId)
          byUser.set(connection.userId, [...others, connection])
          size += 1
          sizes.set(connection.network, (sizes.get(connection.network) ?? 0) + 1)
          if (loggedOut.has(connection.sessionId)) connection.tell(revoked)
          const tooMany = others.length + 1 - userConnectionsMax
          for (const [age, other] of others.entries()) {
            if (age < tooMany || isSameSlot(loginPolicy, connection, other)) {
              other.tell({ _tag: "CloseAsked", close: "Replaced" })
            }
          }
          for (const observer of observers) observer.opened(connection)
        },
        remove: (connection) => {
          const before = ofUser(connection.userId)
          const after = before.filter((other) => other.connectionId !== connection.connectionId)
          if (after.length < before.length) {
            size -= 1
            const left = (sizes.get(connection.network) ?? 0) - 1
            if (left > 0) sizes.set(connection.network, left)
            else sizes.delete(connection.network)
          }
          if (after.length === 0) byUser.delete(connection.userId)
          else byUser.set(connection.userId, after)
          for (const observer of observers) observer.closed(connection)
        },
        observe: (observer) => void observers.push(observer),
        logOut: (userId, sessionId) => {
          loggedOut.add(sessionId)
          const [first] = loggedOut
          if (loggedOut.size > loggedOutMax && first !== undefined) loggedOut.delete(first)
          for (const connection of ofUser(userId)) if (connection.sessionId === sessionId) connection.tell(revoked)
        },
        ofUser,
        isOnline: (userId) => byUser.has(userId),
        all: function* () {
          for (const connections of [...byUser.values()]) yield* connections
        }
      })
    })
  )
}

const revoked = { _tag: "CloseAsked", close: "Revoked" } as const

/** Whether a new connection takes the place of another one of the same user. */
const isSameSlot = (policy: LoginPolicy, connection: ConnectionHandle, other: ConnectionHandle): boolean => {
  switch (policy) {
    case "single":
      return true
    case "perPlatform":
      return connection.platform === other.platform
    case "perDevice":
      return connection.deviceId === other.deviceId
    case "multi":
      return false
  }
}
