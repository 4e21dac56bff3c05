/** A scripted client: a plain `ws` socket that remembers what it was sent and waits for what it expects. */
import { randomUUID } from "node:crypto"
import { afterEach, expect } from "vitest"
import { type ClientOptions, WebSocket } from "ws"
import type { User } from "./Accounts.ts"
import { type Draft, type Frame, isPush, pushAck, request, type } from "./Frames.ts"
import { Pace } from "./Pace.ts"
import { stage } from "./Stage.ts"

/** How long a peer waits for what should come at once, on however busy a machine. */
const patienceMillis = 120_000

/** The data of `session.ready`, times in milliseconds, `0` for a clock that is off. */
export interface Ready {
  readonly userId: string
  readonly deviceId: string
  readonly connectionId: string
  readonly ack: string
  readonly heartbeatInterval: number
  readonly idleTimeout: number
  readonly maxLifetime: number
  readonly ackTimeout: number
  readonly ackRetry: number
  readonly pushRetry: number
  readonly pushRetryCount: number
  readonly pushWindow: number
  readonly requestWindow: number
  readonly rateLimit: number
  readonly rateWindow: number
  readonly serverTime: unknown
}

export type AckMode = "none" | "once" | "rigor"

export interface Options {
  readonly ack?: AckMode
  /** A device of its own unless it is given. */
  readonly device?: string
  /** Whether it acknowledges each push by its id when it comes; it does, unless told otherwise. */
  readonly acknowledges?: boolean
  readonly socket?: ClientOptions
  readonly protocols?: ReadonlyArray<string>
}

export interface Closed {
  readonly code: number
  readonly reason: string
}

const zero = { id: "", frameType: type.data, method: "", fromID: "", data: undefined, ackSeq: 0, ackErrCount: 0 }

const opened = new Set<Peer>()

afterEach(() => {
  for (const peer of opened) peer.socket.terminate()
  opened.clear()
})

export const freshDevice = (): string => `device-${randomUUID()}`

export const chatUrl = (query: Readonly<Record<string, string>>): string =>
  `${stage().url.replace("http", "ws")}/ws?${new URLSearchParams(query)}`

export class Peer {
  readonly socket: WebSocket
  readonly device: string
  /** Every frame so far, in order. */
  readonly frames: Array<Frame> = []
  private readonly acknowledges: boolean
  private readonly watchers = new Set<() => void>()
  private readonly pace: Pace | undefined
  /** WebSocket pings so far. */
  pings = 0
  private ended: Closed | undefined

  private constructor(
    user: User,
    { ack, device = freshDevice(), acknowledges = true, socket, protocols = [] }: Options
  ) {
    this.device = device
    this.acknowledges = acknowledges
    const { pace } = stage()
    this.pace = pace === null ? undefined : new Pace(pace)
    const url = chatUrl({ deviceId: device, ...(ack === undefined ? {} : { ack }) })
    this.socket = new WebSocket(url, [...protocols], { headers: { authorization: `Bearer ${user.token}` }, ...socket })
    this.socket.on("message", (data) => this.receive(String(data)))
    this.socket.on("error", () => {})
    this.socket.on("ping", () => {
      this.pings += 1
      this.notify()
    })
    this.socket.on("close", (code, reason) => {
      this.ended = { code, reason: String(reason) }
      this.notify()
    })
  }

  /** Opens a connection and waits for its `session.ready`; it is cut when the test ends, at the latest. */
  static async open(user: User, options: Options = {}): Promise<Peer> {
    const peer = new Peer(user, options)
    opened.add(peer)
    await peer.until("session.ready", () => peer.frames[0])
    expect(peer.frames[0]?.method).toBe("session.ready")
    return peer
  }

  get ready(): Ready {
    return this.frames[0]?.data
  }

  async send(frame: Draft | string): Promise<void> {
    if (this.pace !== undefined && !this.isPushAck(frame)) await this.pace.turn()
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame))
  }

  /** The first frame, past or coming, that meets the condition; with `from` only frames from this index on. */
  find(what: string, condition: (frame: Frame) => boolean, from = 0, millis?: number): Promise<Frame> {
    return this.until(what, () => this.frames.find((frame, index) => index >= from && condition(frame)), millis)
  }

  /** Waits for so many frames that meet the condition. */
  count(what: string, condition: (frame: Frame) => boolean, least: number, millis?: number): Promise<Array<Frame>> {
    const read = () => {
      const found = this.all(condition)
      return found.length >= least ? found : undefined
    }
    return this.until(`${least} of ${what}`, read, millis)
  }

  /** Every frame so far that meets the condition. */
  all(condition: (frame: Frame) => boolean): Array<Frame> {
    return this.frames.filter(condition)
  }

  /** Sends a query and gives the data of its answer. */
  async ask(method: string, data?: unknown): Promise<Frame["data"]> {
    const answer = await this.settle(request(method, data))
    if (answer.frameType === type.err) throw new Error(`${method} was refused: ${JSON.stringify(answer.data)}`)
    return answer.data
  }

  /** Sends a frame and gives what settles it: its data, its last ack or its err frame. Confirms it in mode rigor. */
  async settle(frame: Draft & { readonly id: string }): Promise<Frame> {
    const from = this.frames.length
    await this.send(frame)
    return this.settled(frame.id, from)
  }

  /** What settles a frame that has been sent; confirms it in mode rigor. */
  async settled(id: string, from = 0): Promise<Frame> {
    if (this.ready.ack !== "rigor") return this.find(`the answer to ${id}`, (frame) => frame.id === id, from)
    const first = await this.find(`the answer to ${id}`, (frame) => frame.id === id, from)
    if (first.frameType !== type.ack || first.ackSeq !== 1) return first
    await this.send({ id, frameType: type.ack, ackSeq: 2 })
    return this.find(`the end of ${id}`, (frame) => frame.id === id && frame.ackSeq !== 1, from)
  }

  /** Waits until the server has taken everything that was sent before: it answers a ping frame. */
  async barrier(): Promise<void> {
    const id = `ping-${randomUUID()}`
    await this.send({ id, frameType: type.ping })
    await this.find("the answer to a ping frame", (frame) => frame.id === id)
  }

  closed(millis?: number): Promise<Closed> {
    return this.until("the end of the connection", () => this.ended, millis)
  }

  /** Cuts the connection, as a cable that is pulled out. */
  async cut(): Promise<void> {
    this.socket.terminate()
    await this.closed()
  }

  /** Waits until the value is there. */
  until<A>(what: string, read: () => A | undefined, millis = patienceMillis): Promise<A> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.watchers.delete(watch)
        clearTimeout(timer)
      }
      const watch = () => {
        const value = read()
        if (value !== undefined) {
          stop()
          resolve(value)
        } else if (this.ended !== undefined) {
          stop()
          reject(new Error(`${what} did not come before the end: ${JSON.stringify(this.ended)}`))
        }
      }
      const timer = setTimeout(() => {
        stop()
        const last = JSON.stringify(this.frames.slice(-20)).slice(-4_000)
        reject(new Error(`${what} did not come within ${millis} ms; the last frames: ${last}`))
      }, millis)
      this.watchers.add(watch)
      watch()
    })
  }

  private isPushAck(frame: Draft | string): boolean {
    return typeof frame !== "string" && frame.frameType === type.ack && (frame.ackSeq ?? 0) < 2
  }

  private receive(text: string): void {
    const frame: Frame = { ...zero, ackTime: "", ...JSON.parse(text), receivedAt: performance.now() }
    this.frames.push(frame)
    if (this.acknowledges && isPush(frame) && frame.frameType === type.data && this.ready.ack !== "none") {
      this.socket.send(JSON.stringify(pushAck(frame.id)))
    }
    this.notify()
  }

  private notify(): void {
    for (const watch of this.watchers) watch()
  }
}

/** An upgrade that is refused: its HTTP status and parsed body. */
export const refused = (
  url: string,
  user: User | undefined
): Promise<{ readonly status: number; readonly body: unknown }> =>
  new Promise((resolve, reject) => {
    const headers = user === undefined ? {} : { authorization: `Bearer ${user.token}` }
    const socket = new WebSocket(url, { headers })
    socket.on("error", reject)
    socket.once("open", () => {
      socket.terminate()
      reject(new Error("the upgrade was not refused"))
    })
    socket.once("unexpected-response", (_request, response) => {
      let text = ""
      response.on("data", (chunk) => {
        text += chunk
      })
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }))
    })
  })
