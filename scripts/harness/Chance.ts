/** Chance that can be had again: the same seed draws the same numbers. */
import { randomInt } from "node:crypto"

/** Seeds are whole numbers below this. */
export const seedMax = 2 ** 32

/** A seed that nobody has chosen. */
export const anySeed = (): number => randomInt(seedMax)

/** A row of random numbers (mulberry32): good enough for tests, and for nothing secret. */
export class Chance {
  private state: number

  constructor(seed: number) {
    this.state = seed | 0
  }

  /** A number from 0 to below 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / seedMax
  }

  /** A whole number, both bounds included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  /** Whether something happens that happens with this probability. */
  happens(probability: number): boolean {
    return this.next() < probability
  }

  /** A row of its own, for what draws at moments that the clock decides: it does not disturb this one. */
  fork(): Chance {
    return new Chance(Math.floor(this.next() * seedMax))
  }
}
