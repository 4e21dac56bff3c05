/** One thing that was done many times: how long each took, and what all of them took from the processors. */
import type { Part } from "../durable/Contender.ts"
import { CpuClock, type CpuUse } from "../durable/CpuClock.ts"
import { Latencies, type LatencySummary } from "../durable/Latencies.ts"
import { wait } from "../measure.ts"

export interface Measured extends LatencySummary {
  readonly times: number
  readonly cpu: CpuUse
}

export interface Repetition {
  readonly parts: ReadonlyArray<Part>
  /** Before anything is measured. */
  readonly warmUps: number
  readonly times: number
}

/** How often something is done. */
export type Times = Pick<Repetition, "warmUps" | "times">

/** Work of the server after the last response. */
const settleMillis = 200

/** Does it again and again, one at a time; `once` is given how often it was called before. */
export const repeated = async (
  { parts, warmUps, times }: Repetition,
  once: (index: number) => Promise<unknown>
): Promise<Measured> => {
  for (let index = 0; index < warmUps; index++) await once(index)
  await wait(settleMillis)
  const latencies = new Latencies()
  const clock = new CpuClock([...parts, { name: "generator", pid: process.pid }])
  for (let index = 0; index < times; index++) {
    const since = performance.now()
    await once(warmUps + index)
    latencies.add(performance.now() - since)
  }
  await wait(settleMillis)
  return { ...latencies.summary(), times, cpu: clock.used() }
}
