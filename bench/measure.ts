/** Figures of the operating system about a process, and small arithmetic. */
import { readFileSync } from "node:fs"

/** Linux counts CPU time in ticks of 10 ms. */
const tickMicros = 10_000

/** Resident memory of a process, in bytes. */
export const residentBytes = (pid: number): number => {
  const kibibytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
  return Number(kibibytes) * 1024
}

/** CPU time that a process has used so far, user and system, in microseconds. */
export const cpuMicros = (pid: number): number => {
  // The name in the second field can hold blanks; what follows its bracket cannot.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ", 2)[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) * tickMicros
}

export const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

export const wait = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))
