/** Who watches whom (`PresenceWatches.ts`): found by who watches, and by who is watched. */
import type { ConnectionId, UserId } from "../../domain/shared/Ids.ts"
import type { ConnectionHandle } from "../connections/ConnectionRegistry.ts"

/** What one connection watches. */
export interface Watch {
  readonly connection: ConnectionHandle
  /** Of calls of the same connection the last one counts, whichever is answered first. */
  readonly call: number
  /** The round in which it began: what was read before is old. */
  readonly since: number
  /** The watched users, and what was last told of each. */
  readonly told: Map<UserId, boolean>
}

/** At most one watch of each connection. */
export class WatchTable {
  readonly byConnection = new Map<ConnectionId, Watch>()
  readonly byUser = new Map<UserId, Set<Watch>>()
  /** Watched users of all connections together. */
  entries = 0

  /** Takes the place of what the connection has watched before. */
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
