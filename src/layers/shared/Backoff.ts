/** When to try again what others are needed for: soon at first, then more and more rarely, and not all at once. */
import { type Duration, Schedule } from "effect"

/** Waits twice as long after each failure, at most two seconds. */
export const backoff = (first: Duration.Input) =>
  Schedule.jittered(Schedule.min([Schedule.exponential(first), Schedule.spaced("2 seconds")]))
