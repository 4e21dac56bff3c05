/** When to retry a call to another process: soon at first, then less and less often, with jitter. */
import { type Duration, Schedule } from "effect"

/** Waits twice as long after each failure, at most two seconds. */
export const backoff = (first: Duration.Input) =>
  Schedule.jittered(Schedule.min([Schedule.exponential(first), Schedule.spaced("2 seconds")]))
