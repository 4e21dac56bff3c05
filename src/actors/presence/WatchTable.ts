/** The watches of this node (`PresenceWatches.ts`), by connection and by watched user. */
import type { ConnectionId, UserId } from "../../domain/shared/Ids.ts"
import type { ConnectionHandle } from "../connections/ConnectionRegistry.ts"

/** The watch of one connection. */
export interface Watch {
  readonly connection: ConnectionHandle
  /** The number of the call: the connection's last call counts, even if an earlier one ends after it. */
  readonly call: number
  /** The round in which the watch began: states that were read in an earlier round are older than it. */
  readonly since: number
  /** The watched users, and whether the connection last saw each of them online. */
  readonly told: Map<UserId, boolean>
}

/** At most one watch of each connection. */
export class WatchTable {
  readonly byConnection = new Map<ConnectionId, Watch>()
  readonly byUser = new Map<UserId, Set<Watch>>()
  /** Watched users of all connections together. */
  entries = 0

  /** Replaces the connection's earlier watch. */
  put(watch: Watch): void {
    this.remove(watch.connection.connectionId)
    this.byConnection.set(watch.connection.connectionId, watch)
    this.entries += watch.told.size
    for (const userId of watch.told.keys()) {
      const watches = this.byUser.get(userId)
      if (watches === undefined) this.byUser.set(userId, new Set([watch]))
      else watches.add(watch)
    }
  }

  remove(connectionId: ConnectionId): void {
    const watch = this.byConnection.get(connectionId)
    if (watch === undefined) return
    this.byConnection.delete(connectionId)
    this.entries -= watch.told.size
    for (const userId of watch.told.keys()) {
      const watches = this.byUser.get(userId)
      watches?.delete(watch)
      if (watches?.size === 0) this.byUser.delete(userId)
    }
  }

  isCurrent(watch: Watch): boolean {
    return this.byConnection.get(watch.connection.connectionId) === watch
  }
}
