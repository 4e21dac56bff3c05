/** Latencies of one measurement, in milliseconds: taken down in place, sorted once at the end. */

export interface LatencySummary {
  readonly p50Millis: number
  readonly p99Millis: number
  readonly maxMillis: number
}

export class Latencies {
  private values = new Float64Array(1 << 16)
  private count = 0

  add(millis: number): void {
    if (this.count === this.values.length) {
      const larger = new Float64Array(this.values.length * 2)
      larger.set(this.values)
      this.values = larger
    }
    this.values[this.count] = millis
    this.count += 1
  }

  /** Forgets what came while the server was warming up. */
  clear(): void {
    this.count = 0
  }

  summary(): LatencySummary {
    const sorted = this.values.slice(0, this.count).sort()
    const at = (part: number) => sorted[Math.min(this.count - 1, Math.floor(this.count * part))] ?? Number.NaN
    return { p50Millis: at(0.5), p99Millis: at(0.99), maxMillis: at(1) }
  }
}
