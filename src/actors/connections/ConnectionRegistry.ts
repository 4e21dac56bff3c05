/** Who is connected to this node. */
import { Context, Effect, Layer } from "effect"
import type { TokenKind } from "../../domain/accounts/Auth.ts"
import type { AckMode } from "../../domain/connection/AckService.ts"
import type { ConnectionEvent } from "../../domain/connection/ConnectionMachine.ts"
import { GatewayPolicy, type LoginPolicy } from "../../domain/connection/GatewayPolicy.ts"
import type { ConnectionId } from "../../domain/shared/Ids.ts"

/** Revoked logins that are remembered: many more than are revoked while a connection is being accepted. */
const loggedOutMax = 10_000

/** An open connection, as the rest of the node sees it. */
export interface Connection {
  readonly connectionId: ConnectionId
  readonly kind: TokenKind
  readonly userId: string
  readonly deviceId: string
  readonly platform: string
  readonly sessionId: string | undefined
  readonly ackMode: AckMode
  /** Puts an event into the actor's mailbox. A connection whose mailbox is full is closed. */
  tell(event: ConnectionEvent): void
}

/** Is told of each user's connection after it was added, and after it was removed; must return at once. */
export interface ConnectionObserver {
  readonly opened: (connection: Connection) => void
  readonly closed: (connection: Connection) => void
}

/**
 * Connections by user. Connections come and go by their own id: a user's older connection that ends late cannot take
 * a newer one with it.
 */
export class ConnectionRegistry extends Context.Service<
  ConnectionRegistry,
  {
    readonly size: () => number
    /** Adds a connection and tells those whose slot it takes that they are replaced (protocol.md section 1.8). */
    readonly add: (connection: Connection) => void
    readonly remove: (connection: Connection) => void
    /** Tells the observer of every user's connection from now on, for as long as this node lives. */
    readonly observe: (observer: ConnectionObserver) => void
    /**
     * Closes the connections of a login that was revoked (4004): those that are there, and one whose token was looked at
     * just before and that is added just after.
     */
    readonly logOut: (userId: string, sessionId: string) => void
    readonly ofUser: (userId: string) => ReadonlyArray<Connection>
    readonly isOnline: (userId: string) => boolean
    /** At most so many users that are online. */
    readonly onlineUsers: (limit: number) => ReadonlyArray<string>
    readonly all: () => Iterable<Connection>
  }
>()("fiberchat/actors/ConnectionRegistry") {
  static readonly layer = Layer.effect(
    ConnectionRegistry,
    Effect.map(GatewayPolicy, ({ loginPolicy, userConnectionsMax }) => {
      const byUser = new Map<string, ReadonlyArray<Connection>>()
      /** The login revoked first comes first. */
      const loggedOut = new Set<string>()
      const observers: Array<ConnectionObserver> = []
      let size = 0
      const ofUser = (userId: string) => byUser.get(userId) ?? []
      return ConnectionRegistry.of({
        size: () => size,
        add: (connection) => {
          const others = ofUser(connection.userId)
          byUser.set(connection.userId, [...others, connection])
          size += 1
          if (connection.sessionId !== undefined && loggedOut.has(connection.sessionId)) connection.tell(revoked)
          // Workers are as many as they are.
          const tooMany = connection.kind === "user" ? others.length + 1 - userConnectionsMax : 0
          for (const [age, other] of others.entries()) {
            if (age < tooMany || isSameSlot(loginPolicy, connection, other)) {
              other.tell({ _tag: "CloseAsked", close: "Replaced" })
            }
          }
          if (connection.kind === "user") for (const observer of observers) observer.opened(connection)
        },
        remove: (connection) => {
          const before = ofUser(connection.userId)
          const after = before.filter((other) => other.connectionId !== connection.connectionId)
          size -= before.length - after.length
          if (after.length === 0) byUser.delete(connection.userId)
          else byUser.set(connection.userId, after)
          if (connection.kind === "user") for (const observer of observers) observer.closed(connection)
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
        onlineUsers: (limit) => [...byUser.keys().take(limit)],
        all: function* () {
          for (const connections of [...byUser.values()]) yield* connections
        }
      })
    })
  )
}

const revoked = { _tag: "CloseAsked", close: "TokenExpired" } as const

/** Whether a new connection takes the place of another one of the same user. The system's own never replace each other. */
const isSameSlot = (policy: LoginPolicy, connection: Connection, other: Connection): boolean => {
  if (connection.kind !== "user") return false
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
