/** Which other processes are alive, as far as this one has seen (docs/decisions/0009). */
import type { Clock } from "effect"
import { monotonicMillis } from "../../../domain/shared/MonotonicTime.ts"
import type { LeaseRow } from "./PresenceRows.ts"

interface Sign {
  readonly renewedAt: number
  /** When it was given at the latest, in monotonic milliseconds of this process. */
  readonly givenAt: number
  seenAt: number
}

/**
 * The last signs of life of other processes. A lease says when it was renewed by the wall clock of its process, which may
 * differ from this one's, and either may be set at any time. So a process is dead when its lease has not *changed* for
 * its time of validity, monotonic; only for a lease that changed between two looks the wall clocks say when.
 */
export class LifeSigns {
  /** By machine id: as many as there are ids. */
  private readonly signs = new Map<number, Sign>()
  private readonly clock: Clock.Clock

  constructor(clock: Clock.Clock) {
    this.clock = clock
  }

  /** Looks at a lease. */
  isAlive({ machine_id, renewed_at, valid_for }: LeaseRow): boolean {
    const now = monotonicMillis(this.clock)
    const known = this.signs.get(machine_id)
    if (known?.renewedAt === renewed_at) {
      known.seenAt = now
      return now < known.givenAt + valid_for
    }
    const age = Math.max(0, this.clock.currentTimeMillisUnsafe() - renewed_at)
    const givenAt = Math.max(known?.seenAt ?? Number.NEGATIVE_INFINITY, now - age)
    this.signs.set(machine_id, { renewedAt: renewed_at, givenAt, seenAt: now })
    return now < givenAt + valid_for
  }
}
