/**
 * Waits for a quiet machine, and measures again what was disturbed. Two processors that a build or a test shares carry
 * half as much: a figure from such a moment says nothing of the server.
 */
import { wait } from "../measure.ts"
import { CpuClock, type CpuUse } from "./CpuClock.ts"

/** Processors that others may use: above that a measurement is disturbed. */
const othersMax = 0.15
const lookMillis = 1_000

export class Patience {
  private restMillis: number
  private readonly progress: (line: string) => void

  /** Has so much time for all that it is asked to do, and measures as it comes when that is over. */
  constructor(millis: number, progress: (line: string) => void) {
    this.restMillis = millis
    this.progress = progress
  }

  async measured<A extends { readonly cpu: CpuUse }>(measure: () => Promise<A>): Promise<A> {
    for (;;) {
      await this.quiet()
      const since = performance.now()
      const taken = await measure()
      if (taken.cpu.others <= othersMax || this.restMillis <= 0) return taken
      this.restMillis -= performance.now() - since
      this.progress(`others used ${taken.cpu.others.toFixed(2)} processors: once more`)
    }
  }

  private async quiet(): Promise<void> {
    while (this.restMillis > 0) {
      const clock = new CpuClock([])
      await wait(lookMillis)
      if (clock.used().others <= othersMax) return
      this.restMillis -= lookMillis
    }
  }
}
