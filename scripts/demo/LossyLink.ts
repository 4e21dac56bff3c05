/**
 * A bad network of the demo's own: a TCP proxy on this machine in front of the server. It delays what it carries and
 * cuts connections, in the handshake, between frames and within them. It knows nothing of WebSocket.
 */
import { connect, createServer, type Server, type Socket } from "node:net"
import type { Chance } from "../harness/Chance.ts"
import { Crossing, type CutKind } from "./Crossing.ts"

/** A link to one server; it cuts nothing until it is told to. */
export class LossyLink {
  /** Cuts so far, by kind. */
  readonly cuts: Record<CutKind, number> = { reset: 0, silenced: 0, halved: 0 }
  /** Bytes that were sent into connections that were cut, and never arrived. */
  lostBytes = 0
  /** Connections that the server has ended by itself, other than by being killed behind a shut link. */
  serverEnds = 0
  /** Cuts that are still wanted. */
  cutsLeft = 0
  /** Called when bytes have come from the server, before they are delivered. */
  onAnswer: () => void = () => {}
  private readonly target: { readonly host: string; readonly port: number }
  private readonly chance: Chance
  private readonly proxy: Server
  private readonly crossings = new Set<Crossing>()
  private isShut = false

  private constructor(url: string, chance: Chance) {
    const { hostname, port } = new URL(url)
    this.target = { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? 80 : Number(port) }
    this.chance = chance
    // The end of one side passes through the lanes, behind what was sent before it.
    this.proxy = createServer({ allowHalfOpen: true }, (client) => this.accept(client))
  }

  /** Opens a link to the server with this URL, on a free port. */
  static async open(url: string, chance: Chance): Promise<LossyLink> {
    const link = new LossyLink(url, chance)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    link.proxy.once("error", reject)
    link.proxy.listen(0, "127.0.0.1", resolve)
    await promise
    return link
  }

  /** The server's URL, by way of this link. */
  get url(): string {
    const address = this.proxy.address()
    if (typeof address !== "object" || address === null) throw new Error("the link is closed")
    return `http://127.0.0.1:${address.port}`
  }

  /** All cuts so far. */
  get cutCount(): number {
    return Object.values(this.cuts).reduce((sum, count) => sum + count, 0)
  }

  /** Connections that are not at their end yet. */
  get size(): number {
    return this.crossings.size
  }

  /** Whether no connection is left that is cut already without everybody seeing it. */
  get isQuiet(): boolean {
    return [...this.crossings].every(({ isDoomed }) => !isDoomed)
  }

  /** Cuts so many connections from now on, those that are open and those to come. */
  beginCutting(cuts: number): void {
    this.cutsLeft = cuts
    for (const crossing of this.crossings) crossing.doom()
  }

  /** Cuts no more; it still delays. */
  stopCutting(): void {
    this.cutsLeft = 0
  }

  /** Lets nobody in any more; who is in stays. */
  shut(): void {
    this.isShut = true
  }

  /** Lets everybody in again. */
  admit(): void {
    this.isShut = false
  }

  /** Ends everything. It cannot be opened again. */
  close(): void {
    this.shut()
    this.proxy.close()
    for (const crossing of [...this.crossings]) crossing.destroy()
  }

  private accept(client: Socket): void {
    if (this.isShut) {
      client.on("error", () => {})
      return void client.destroy()
    }
    const server = connect({ ...this.target, allowHalfOpen: true })
    const crossing = new Crossing(client, server, this.chance.fork(), {
      answered: () => this.onAnswer(),
      mayCut: (kind) => {
        if (this.cutsLeft === 0) return false
        this.cutsLeft -= 1
        this.cuts[kind] += 1
        return true
      },
      ended: (by) => {
        this.crossings.delete(crossing)
        if (by === "link") this.lostBytes += crossing.lost
        if (by === "server" && !this.isShut) this.serverEnds += 1
      }
    })
    this.crossings.add(crossing)
    if (this.cutsLeft > 0) crossing.doom()
  }
}
