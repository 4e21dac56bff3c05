/** One connection over the lossy link: a lane in each direction, and how it comes to its end. */
import type { Socket } from "node:net"
import type { Chance } from "../harness/Chance.ts"
import { Lane } from "./Lane.ts"

/** How a connection is cut. */
export const cutKinds = ["reset", "silenced", "halved"] as const
export type CutKind = (typeof cutKinds)[number]

/** The side that ended a connection: the link, its client, or the server, which may have refused it at once. */
export type Ender = "link" | "client" | "server" | "refused"

/** The events of a connection, for the link. */
export interface CrossingEvents {
  /** The moment of a cut has come: answers whether the link wants it. */
  readonly mayCut: (kind: CutKind) => boolean
  /** Bytes have come from the server; they are still to be delivered. */
  readonly answered: () => void
  readonly ended: (by: Ender) => void
}

/** The moment of a cut is a number of bytes: some come early, in the handshake or right after it. */
const earlyProbability = 0.15
const earlyBytes = { least: 1, most: 1_500 }
const lateBytes = { least: 3_000, most: 40_000 }
/** How long a connection goes on with one direction silenced. */
const silenceMillis = { least: 20, most: 150 }
/** How much longer the server's side may live: what the client sent last still arrives, behind its back. */
const afterlifeMillis = { least: 0, most: 120 }

/** Joins two sockets. Ends with both of them destroyed. */
export class Crossing {
  private readonly client: Socket
  private readonly server: Socket
  private readonly chance: Chance
  private readonly events: CrossingEvents
  private readonly up: Lane
  private readonly down: Lane
  private timer: NodeJS.Timeout | undefined
  private isSilenced = false
  private isConnected = false
  private isAnswered = false
  private isOver = false

  constructor(client: Socket, server: Socket, chance: Chance, events: CrossingEvents) {
    this.client = client
    this.server = server
    this.chance = chance
    this.events = events
    this.up = new Lane(client, server, chance.fork())
    this.down = new Lane(server, client, chance.fork())
    for (const socket of [client, server]) socket.setNoDelay(true)
    server.on("connect", () => {
      this.isConnected = true
    })
    server.on("data", () => {
      this.isAnswered = true
      this.events.answered()
    })
    // A client that goes takes along what is under way, unless the link has just cut it off.
    client.on("end", () => this.clientGone())
    client.on("error", () => this.clientGone())
    client.on("close", () => this.clientGone())
    // Data that the server sent before its end is delivered before the end.
    server.on("end", () => this.serverGone())
    server.on("error", () => this.serverGone())
    server.on("close", () => this.serverGone())
  }

  /** Bytes that were sent and never arrived because the link has cut this connection. */
  get lost(): number {
    return this.up.lost + this.down.lost
  }

  /** Whether it is cut already, though not to be seen from everywhere. */
  get isDoomed(): boolean {
    return this.isSilenced && !this.isOver
  }

  /** Draws how and when this connection will be cut: after some more bytes in one of its directions. */
  doom(): void {
    const kind = cutKinds[this.chance.between(0, cutKinds.length - 1)] ?? "reset"
    const lane = this.chance.happens(0.5) ? this.up : this.down
    const { least, most } = this.chance.happens(earlyProbability) ? earlyBytes : lateBytes
    lane.after(this.chance.between(least, most), () => {
      if (!this.isOver && !this.isSilenced && this.events.mayCut(kind)) this.cut(kind, lane)
    })
  }

  /** Ends it without a word. */
  destroy(): void {
    this.finish("client", (socket) => socket.destroy())
  }

  private cut(kind: CutKind, lane: Lane): void {
    if (kind === "reset") return this.finish("link", (socket) => socket.resetAndDestroy())
    // The last bytes that have arrived are the beginning of a frame whose rest never comes.
    if (kind === "halved") return this.finish("link", (socket) => socket.destroySoon())
    this.isSilenced = true
    lane.swallow()
    this.later(silenceMillis, () => {
      // An upgrade that arrives after the client has given it up would look like a newer login than the next one.
      if (lane === this.up || !this.isAnswered) return this.finish("link", (socket) => socket.destroy())
      this.client.destroy()
      this.later(afterlifeMillis, () => this.finish("link", (socket) => socket.destroy()))
    })
  }

  private clientGone(): void {
    if (!this.isSilenced) this.finish("client", (socket) => socket.destroy())
  }

  private serverGone(): void {
    if (this.isOver) return
    const by = this.isConnected ? "server" : "refused"
    // Once the client is cut off, it has come back on another connection, and the server may drop this one for it.
    if (this.isSilenced) return this.finish(this.client.destroyed ? "link" : by, (socket) => socket.destroy())
    this.down.end(() => this.finish(by, (socket) => socket.destroySoon()))
  }

  private later({ least, most }: { readonly least: number; readonly most: number }, then: () => void): void {
    this.timer = setTimeout(then, this.chance.between(least, most))
  }

  private finish(by: Ender, end: (socket: Socket) => void): void {
    if (this.isOver) return
    this.isOver = true
    clearTimeout(this.timer)
    for (const lane of [this.up, this.down]) lane.swallow()
    for (const socket of [this.client, this.server]) end(socket)
    this.events.ended(by)
  }
}
