/**
 * A door in front of a database or a broker, for a server that is to find it absent. Other users of the same database
 * notice nothing: only connections through this door are refused, cut or held up.
 */
import { randomInt } from "node:crypto"
import { connect, createServer, type Server, type Socket } from "node:net"
import { Effect } from "effect"

/** Below the ports that a system gives to outgoing connections, so that nobody takes ours while the gate is closed. */
const [portMin, portMax] = [20_000, 32_000]

interface Pair {
  readonly inside: Socket
  /** Absent as long as the gate holds the connection up. */
  outside: Socket | undefined
  isForsaken: boolean
  /** Data that came while the gate hung, and its destination. */
  held: ReadonlyArray<{ readonly chunk: Buffer | string; readonly toOutside: boolean }>
}

export class TcpGate {
  readonly port: number
  /** Connections taken so far, let through or not. */
  taken = 0
  private readonly target: { readonly host: string; readonly port: number }
  private readonly pairs = new Set<Pair>()
  private server: Server | undefined
  private isHanging = false

  private constructor(port: number, target: { readonly host: string; readonly port: number }) {
    this.port = port
    this.target = target
  }

  /** A gate that is open. */
  static async make(target: { readonly host: string; readonly port: number }): Promise<TcpGate> {
    for (;;) {
      const gate = new TcpGate(randomInt(portMin, portMax), target)
      try {
        await gate.open()
        return gate
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error
      }
    }
  }

  /** Lets everybody through; connections that were held up go on where they stood. */
  async open(): Promise<void> {
    this.isHanging = false
    for (const pair of this.pairs) {
      if (pair.isForsaken) continue
      const outside = pair.outside ?? this.letThrough(pair)
      for (const { chunk, toOutside } of pair.held) (toOutside ? outside : pair.inside).write(chunk)
      pair.held = []
    }
    await this.listen()
  }

  /** Refuses new connections, and cuts those that there are. */
  async close(): Promise<void> {
    const { server } = this
    this.server = undefined
    const closed = new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())))
    for (const { inside, outside } of this.pairs) {
      inside.resetAndDestroy()
      outside?.resetAndDestroy()
    }
    await closed
  }

  /** Takes connections and bytes, and forwards nothing. */
  async hang(): Promise<void> {
    this.isHanging = true
    await this.listen()
  }

  /** Lets new connections through; those that there are stay open, and nothing ever comes of them. */
  async forsake(): Promise<void> {
    for (const pair of this.pairs) pair.isForsaken = true
    await this.open()
  }

  /** Bytes that were taken and not forwarded. */
  get heldBytes(): number {
    return [...this.pairs].flatMap(({ held }) => held).reduce((sum, { chunk }) => sum + chunk.length, 0)
  }

  private listen(): Promise<void> {
    if (this.server !== undefined) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const server = createServer((inside) => this.take(inside))
      server.once("error", reject)
      server.listen(this.port, "127.0.0.1", () => {
        this.server = server
        resolve()
      })
    })
  }

  private take(inside: Socket): void {
    this.taken += 1
    const pair: Pair = { inside, outside: undefined, isForsaken: false, held: [] }
    this.pairs.add(pair)
    inside.setNoDelay(true)
    inside.on("error", () => {})
    inside.on("close", () => {
      this.pairs.delete(pair)
      pair.outside?.destroy()
    })
    inside.on("data", (chunk) => this.forward(pair, chunk, true))
    if (!this.isHanging) this.letThrough(pair)
  }

  private letThrough(pair: Pair): Socket {
    const outside = connect({ ...this.target, noDelay: true })
    pair.outside = outside
    outside.on("error", () => {})
    outside.on("close", () => pair.inside.destroy())
    outside.on("data", (chunk) => this.forward(pair, chunk, false))
    return outside
  }

  private forward(pair: Pair, chunk: Buffer | string, toOutside: boolean): void {
    const { inside, outside } = pair
    const [from, to] = toOutside ? [inside, outside] : [outside, inside]
    if (this.isHanging || pair.isForsaken || to === undefined) {
      pair.held = [...pair.held, { chunk, toOutside }]
      return
    }
    if (to.write(chunk)) return
    from?.pause()
    to.once("drain", () => from?.resume())
  }
}

/** A gate in front of `host:port`, open, and taken away with the scope. */
export const gateTo = (target: { readonly host: string; readonly port: number }) =>
  Effect.acquireRelease(
    Effect.promise(() => TcpGate.make(target)),
    (gate) => Effect.promise(() => gate.close())
  )
