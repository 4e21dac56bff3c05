/** The presence that every process must show, from the acts of all: the leases, the rows, and waiting changes. */
import { Schema } from "effect"
import type { ConnectionHandle } from "../../src/actors/connections/ConnectionRegistry.ts"
import { leaseMillis } from "../../src/layers/sql/cluster/ProcessLease.ts"
import type { PresenceProcess } from "./PresenceProcess.ts"

/** So few may wait to be written that scripts get past it. */
export const waitingMax = 2

const Process = Schema.Literals([0, 1, 2])
export const Operation = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("open"),
    process: Process,
    user: Schema.Literals(["1", "2"]),
    device: Schema.Literals(["phone", "laptop"])
  }),
  Schema.Struct({ kind: Schema.Literals(["closeOldest", "closeNewest"]), process: Process }),
  Schema.Struct({ kind: Schema.Literals(["flush", "flush", "renew", "tidy", "crash"]), process: Process }),
  Schema.Struct({ kind: Schema.Literal("wait"), millis: Schema.Literals([10, 5_000, 7_000, leaseMillis]) })
])

interface Change {
  readonly connection: ConnectionHandle
  readonly isOpen: boolean
  readonly at: number
}

/** A process as it should be seen: what it holds, what it has written, what waits. */
export class ModelProcess {
  readonly process: PresenceProcess
  readonly open = new Map<string, ConnectionHandle>()
  readonly written = new Map<string, ConnectionHandle>()
  readonly waiting = new Map<string, Change>()
  isBehind = false
  hadGap = false
  renewedAt: number

  constructor(process: PresenceProcess) {
    this.process = process
    this.renewedAt = process.startedAt
  }

  put(connection: ConnectionHandle, isOpen: boolean, at: number): void {
    const id = connection.connectionId
    if (this.waiting.size < waitingMax || this.waiting.has(id)) this.waiting.set(id, { connection, isOpen, at })
    else this.isBehind = true
  }

  isAlive(now: number): boolean {
    return now < this.renewedAt + leaseMillis
  }
}

export class Model {
  readonly all: Array<ModelProcess> = []
  /** Last seen by user and device, as it is written. */
  readonly seen = new Map<string, number>()

  private saw({ userId, deviceId }: ConnectionHandle, at: number): void {
    const key = `${userId} ${deviceId}`
    this.seen.set(key, Math.max(this.seen.get(key) ?? 0, at))
  }

  flush(one: ModelProcess, now: number): void {
    if (one.isBehind) {
      for (const [id, connection] of one.open) {
        if (!one.written.has(id) && !one.waiting.has(id)) one.waiting.set(id, { connection, isOpen: true, at: now })
      }
      for (const [id, connection] of one.written) {
        if (!one.open.has(id) && !one.waiting.has(id)) one.waiting.set(id, { connection, isOpen: false, at: now })
      }
      one.isBehind = false
    }
    for (const [id, { connection, isOpen, at }] of one.waiting) {
      this.saw(connection, at)
      if (isOpen) one.written.set(id, connection)
      else one.written.delete(id)
    }
    one.waiting.clear()
  }

  tidy(one: ModelProcess, now: number): void {
    if (one.hadGap) one.isBehind = true
    one.hadGap = false
    for (const other of this.all) {
      if (other === one || other.isAlive(now)) continue
      for (const connection of other.written.values()) this.saw(connection, other.renewedAt)
      other.written.clear()
    }
  }

  /** The presence of a user that this process must show; presumed where it depends on a silent process. */
  expected(one: ModelProcess, userId: string, now: number) {
    const of = (connections: Iterable<ConnectionHandle>) => [...connections].filter((other) => other.userId === userId)
    const others = this.all.filter((other) => other !== one && of(other.written.values()).length > 0)
    const online = of(one.open.values()).length > 0 || others.some((other) => other.isAlive(now))
    const isPresumed = !online && others.length > 0
    const times = [
      ...[...this.seen].flatMap(([key, at]) => (key.startsWith(`${userId} `) ? [at] : [])),
      ...others.map(({ renewedAt }) => renewedAt),
      ...[...one.waiting.values()].flatMap(({ connection, isOpen, at }) =>
        !isOpen && connection.userId === userId ? [at] : []
      )
    ]
    return { state: { userId, online, lastSeen: online ? now : Math.max(0, ...times) }, isPresumed }
  }
}
