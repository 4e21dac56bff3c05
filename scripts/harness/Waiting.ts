/** How these scripts wait: never without a limit. */
import { setTimeout as sleep } from "node:timers/promises"

/** Waits until the condition holds, looking every millisecond; answers `false` when it does not within the limit. */
export const within = async (limitMillis: number, holds: () => boolean): Promise<boolean> => {
  const end = performance.now() + limitMillis
  while (!holds()) {
    if (performance.now() > end) return false
    await sleep(1)
  }
  return true
}

/** As {@link within}, for what a script cannot go on without. Throws after the limit. */
export const until = async (what: string, limitMillis: number, holds: () => boolean): Promise<void> => {
  if (!(await within(limitMillis, holds))) throw new Error(`${what}: not within ${limitMillis} ms`)
}

/** Waits so long. */
export const pause = (millis: number): Promise<void> => sleep(millis)
