/**
 * One direction of a connection over the lossy link. Bytes arrive late and in other pieces than they were sent, but in
 * their order, as TCP has it; from some byte on they may not arrive at all.
 */
import type { Socket } from "node:net"
import type { Chance } from "../harness/Chance.ts"

const delayMillis = { least: 1, most: 50 }
/** Sometimes the way is blocked for a while. */
const stallMillis = { least: 150, most: 250 }
const stallProbability = 0.03
/** Some pieces are torn in two that travel apart. */
const tearProbability = 0.3
/** Bytes under way at most: past them the sender is not read from. */
const underWayMax = 256 * 1024

interface Parcel {
  readonly bytes: Buffer
  readonly due: number
  /** Called when everything before has been delivered; this parcel is the last. */
  readonly end: (() => void) | undefined
}

/** Carries what `from` sends to `to` until it is told to swallow it. */
export class Lane {
  /** Bytes that have arrived. */
  delivered = 0
  /** Bytes that were taken from the sender and have not arrived, nor will they. */
  lost = 0
  private readonly from: Socket
  private readonly to: Socket
  private readonly chance: Chance
  private parcels: Array<Parcel> = []
  private underWay = 0
  private lastDue = 0
  private timer: NodeJS.Timeout | undefined
  private isSwallowing = false
  private limit = Number.POSITIVE_INFINITY
  private onLimit: () => void = () => {}

  constructor(from: Socket, to: Socket, chance: Chance) {
    this.from = from
    this.to = to
    this.chance = chance
    from.on("data", (bytes: Buffer) => this.take(bytes))
    to.on("drain", () => this.read())
  }

  /** Calls back when so many more bytes have arrived, and before the next one does. */
  after(bytes: number, strike: () => void): void {
    this.limit = this.delivered + bytes
    this.onLimit = strike
  }

  /** From now on everything is lost, what is under way included; the sender does not notice. */
  swallow(): void {
    this.isSwallowing = true
    clearTimeout(this.timer)
    this.timer = undefined
    this.lost += this.underWay
    this.parcels = []
    this.underWay = 0
    this.read()
  }

  /** The sender has ended: calls back when everything that it had sent has arrived, or is lost. */
  end(arrived: () => void): void {
    if (this.isSwallowing) return arrived()
    this.send(Buffer.alloc(0), arrived)
  }

  private take(bytes: Buffer): void {
    if (this.isSwallowing) {
      this.lost += bytes.length
      return
    }
    const tear = bytes.length > 1 && this.chance.happens(tearProbability) ? this.chance.between(1, bytes.length - 1) : 0
    if (tear > 0) this.send(bytes.subarray(0, tear), undefined)
    this.send(bytes.subarray(tear), undefined)
    if (this.isFull()) this.from.pause()
  }

  private send(bytes: Buffer, end: (() => void) | undefined): void {
    const { least, most } = this.chance.happens(stallProbability) ? stallMillis : delayMillis
    // Nothing overtakes what was sent before it.
    this.lastDue = Math.max(this.lastDue, performance.now() + this.chance.between(least, most))
    this.parcels.push({ bytes, due: this.lastDue, end })
    this.underWay += bytes.length
    this.wait()
  }

  private wait(): void {
    const [first] = this.parcels
    if (first === undefined) return
    this.timer ??= setTimeout(
      () => {
        this.timer = undefined
        this.deliver()
      },
      Math.max(0, first.due - performance.now())
    )
  }

  private deliver(): void {
    const now = performance.now()
    for (;;) {
      const [first] = this.parcels
      if (first === undefined || first.due > now) break
      const room = this.limit - this.delivered
      const arriving = first.bytes.subarray(0, Math.min(first.bytes.length, room))
      this.delivered += arriving.length
      this.underWay -= arriving.length
      if (arriving.length > 0 && this.to.writable) this.to.write(arriving)
      if (arriving.length < first.bytes.length) {
        this.parcels[0] = { ...first, bytes: first.bytes.subarray(arriving.length) }
        this.limit = Number.POSITIVE_INFINITY
        this.onLimit()
      } else {
        this.parcels.shift()
        first.end?.()
      }
    }
    this.wait()
    this.read()
  }

  /** Reads on when there is room again. */
  private read(): void {
    if (this.from.isPaused() && !this.isFull()) this.from.resume()
  }

  private isFull(): boolean {
    return !this.isSwallowing && this.underWay + this.to.writableLength > underWayMax
  }
}
