/** Keeps a connection below a rate: a bucket of credit that fills again with time. */
import { setTimeout as pause } from "node:timers/promises"

export class Pace {
  private readonly perSecond: number
  private readonly burst: number
  private credit: number
  private filledAt = performance.now()
  private last: Promise<void> = Promise.resolve()

  constructor({ perSecond, burst }: { readonly perSecond: number; readonly burst: number }) {
    this.perSecond = perSecond
    this.burst = burst
    this.credit = burst
  }

  /** Resolves, in the order of the calls, when one more frame may be sent. */
  turn(): Promise<void> {
    this.last = this.last.then(() => this.take())
    return this.last
  }

  private async take(): Promise<void> {
    this.fill()
    while (this.credit < 1) {
      await pause(Math.ceil(((1 - this.credit) * 1_000) / this.perSecond))
      this.fill()
    }
    this.credit -= 1
  }

  private fill(): void {
    const now = performance.now()
    this.credit = Math.min(this.burst, this.credit + ((now - this.filledAt) * this.perSecond) / 1_000)
    this.filledAt = now
  }
}
