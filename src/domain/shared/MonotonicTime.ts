/**
 * Time for intervals. The wall clock of a machine is set, forward and back, by people and by NTP: it is only for times that
 * are shown, stored or signed (protocol.md section 1.3).
 */
import { Clock, Effect } from "effect"

/** Whole milliseconds since some moment of the past, never less than before. Means nothing to another process. */
export const monotonicMillis = (clock: Clock.Clock): number =>
  Math.floor(Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000)

/** {@link monotonicMillis} of the present clock. */
export const monotonicNow: Effect.Effect<number> = Clock.clockWith((clock) => Effect.sync(() => monotonicMillis(clock)))
