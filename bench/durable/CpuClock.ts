/** The use of the processors between two moments, by the kernel: the parts of a contender, and all others. */
import { readFileSync } from "node:fs"
import { cpuMicros } from "../measure.ts"
import type { Part } from "./Contender.ts"

export interface CpuUse {
  /** Of each part, in microseconds. */
  readonly parts: Readonly<Record<string, number>>
  /** Everything else on the machine, and what its host took away; in processors. */
  readonly others: number
}

/** Linux counts CPU time in ticks of 10 ms. */
const tickMicros = 10_000

/** All processors: time in which they did something, and time in which the host did not let them. */
const machineMicros = (): { readonly busy: number; readonly stolen: number } => {
  const [, ...fields] = (readFileSync("/proc/stat", "utf8").split("\n", 1)[0] ?? "").split(/\s+/)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = fields.map(
    (field) => Number(field) * tickMicros
  )
  return { busy: user + nice + system + irq + softirq, stolen }
}

export class CpuClock {
  private readonly parts: ReadonlyArray<Part>
  private readonly before: ReadonlyArray<number>
  private readonly machineBefore = machineMicros()
  private readonly since = performance.now()

  /** Begins to count. */
  constructor(parts: ReadonlyArray<Part>) {
    this.parts = parts
    this.before = parts.map(({ pid }) => cpuMicros(pid))
  }

  used(): CpuUse {
    const micros = (performance.now() - this.since) * 1000
    const machine = machineMicros()
    const own = this.parts.map(({ name, pid }, index) => [name, cpuMicros(pid) - (this.before[index] ?? 0)] as const)
    const known = own.reduce((sum, [, used]) => sum + used, 0)
    const busy = machine.busy - this.machineBefore.busy
    const stolen = machine.stolen - this.machineBefore.stolen
    return { parts: Object.fromEntries(own), others: Math.max(0, busy - known + stolen) / micros }
  }
}
