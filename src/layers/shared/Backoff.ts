/** When to retry a call to another process: soon at first, then less and less often, with jitter. */
import { type Duration, Schedule } from "effect"

/** Waits twice as long after each failure, up to `longest`; each wait is 20 % shorter or longer by chance. */
export const backoff = (first: Duration.Input, longest: Duration.Input = "2 seconds") =>
  Schedule.jittered(Schedule.min([Schedule.exponential(first), Schedule.spaced(longest)]))
