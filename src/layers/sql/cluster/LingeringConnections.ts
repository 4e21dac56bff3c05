/** Connections that count a while longer, because the server closed them and their clients are asked to come back. */
import type { PresentConnection } from "../../../domain/contacts/Presence.ts"

/** How long they count. */
export const lingerMillis = 30_000
/** When there are more, those that closed first end early. */
const lingeringMax = 65_536

export interface LingeringConnection {
  readonly connection: PresentConnection
  /** When it closed, Unix milliseconds. */
  readonly closedAt: number
  /** When it ends, monotonic milliseconds. */
  readonly endsAt: number
}

/** Users are looked up; ends come in the order in which connections closed. */
export class LingeringConnections {
  private readonly byId = new Map<string, LingeringConnection>()
  private readonly byUser = new Map<string, ReadonlyArray<LingeringConnection>>()

  get size(): number {
    return this.byId.size
  }

  add(lingering: LingeringConnection): void {
    const { connectionId, userId } = lingering.connection
    this.byId.set(connectionId, lingering)
    this.byUser.set(userId, [...this.ofUser(userId), lingering])
  }

  ofUser(userId: string): ReadonlyArray<LingeringConnection> {
    return this.byUser.get(userId) ?? []
  }

  all(): Iterable<LingeringConnection> {
    return this.byId.values()
  }

  /** Takes out those of a device: it is back. */
  takeOf({ userId, deviceId }: PresentConnection): ReadonlyArray<LingeringConnection> {
    const taken = this.ofUser(userId).filter(({ connection }) => connection.deviceId === deviceId)
    for (const lingering of taken) this.remove(lingering)
    return taken
  }

  /** Takes out those whose time has come, and those that are too many. */
  takeDue(now: number): ReadonlyArray<LingeringConnection> {
    const due: Array<LingeringConnection> = []
    for (const lingering of this.byId.values()) {
      if (lingering.endsAt > now && this.byId.size - due.length <= lingeringMax) break
      due.push(lingering)
    }
    for (const lingering of due) this.remove(lingering)
    return due
  }

  private remove(lingering: LingeringConnection): void {
    const { connectionId, userId } = lingering.connection
    this.byId.delete(connectionId)
    const rest = this.ofUser(userId).filter((other) => other !== lingering)
    if (rest.length === 0) this.byUser.delete(userId)
    else this.byUser.set(userId, rest)
  }
}
