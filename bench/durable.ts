/**
 * `pnpm bench durable`: private messages that are acknowledged when they are stored, per second, with their latencies
 * and what they cost; beside the same without a store.
 */
import { type Contender, type ContenderName, infraUp, isContender, start } from "./durable/Contender.ts"
import { CpuClock, type CpuUse } from "./durable/CpuClock.ts"
import { profileArguments, profiled } from "./durable/CpuProfile.ts"
import { LoadProcess } from "./durable/LoadProcess.ts"
import type { Measurement, Order } from "./durable/load.ts"
import { Patience } from "./durable/Patience.ts"
import { wait } from "./measure.ts"

export interface Size {
  readonly pairs: number
  readonly rounds: number
  /** Messages of each pair that are under way, each in its turn. */
  readonly windows: ReadonlyArray<number>
  readonly warmUpMillis: number
  readonly millis: number
  /** Before the first round, so that the compilers have seen the code. */
  readonly firstMillis: number
  readonly pacedMillis: number
  /** Pairs of each contender whose whole conversation is read afterwards. */
  readonly verifiedPairs: number
  /** How long the run may wait, altogether, for others to leave the machine to it. */
  readonly patienceMillis: number
  /** Where CPU profiles go, where they are wanted: of one more flood after the rounds. */
  readonly profiles?: string
}

export const full: Size = {
  pairs: 100,
  rounds: 3,
  windows: [1, 2, 4, 8],
  warmUpMillis: 500,
  millis: 2_500,
  firstMillis: 3_000,
  pacedMillis: 4_000,
  verifiedPairs: 5,
  patienceMillis: 0
}

/** To see that it works; its figures mean little. */
export const quick: Size = {
  ...full,
  pairs: 20,
  rounds: 1,
  windows: [1, 8],
  millis: 1_000,
  firstMillis: 500,
  pacedMillis: 1_000
}

/** A measurement, and what it took from the processors. */
export interface Taken extends Measurement {
  readonly cpu: CpuUse
}

export interface Round {
  readonly flooded: ReadonlyArray<Taken & { readonly window: number }>
  readonly paced: Taken & { readonly wantedPerSecond: number }
}

export interface Row {
  readonly name: ContenderName
  readonly title: string
  readonly isDurable: boolean
  readonly rounds: ReadonlyArray<Round>
  /** Messages that were read again and are all there, in order. */
  readonly verified: number
}

export type Report = ReadonlyArray<Row>

/** The contenders that are always measured, to compare with. */
const undurable: ReadonlyArray<ContenderName> = ["relay", "memory"]
const standard: ReadonlyArray<ContenderName> = ["embedded", "infra"]
/** Until the database has written what the last contender has left to be written. */
const settleMillis = 500

/** A contender and the generator that has its connections; both are there for all rounds. */
interface Entrant {
  readonly contender: Contender
  readonly load: LoadProcess
}

const enter = async (name: ContenderName, { pairs, profiles }: Size, say: (line: string) => void): Promise<Entrant> => {
  const preload = profiles === undefined ? [] : profileArguments
  const contender = await start(name, { pairs, preload, say })
  const load = new LoadProcess()
  const { url, logins, isRelay } = contender
  try {
    await load.order({ _tag: "Open", url, logins, isNumbered: !isRelay, acksPushes: !isRelay })
  } catch (error) {
    load.end()
    await contender.stop()
    throw error
  }
  return { contender, load }
}

/** Ends everything, whatever cannot be ended properly: a database may be away by then. */
const leave = async (entrants: ReadonlyArray<Entrant>, progress: (line: string) => void): Promise<void> => {
  for (const { load } of entrants) load.end()
  for (const outcome of await Promise.allSettled(entrants.map(({ contender }) => contender.stop()))) {
    if (outcome.status === "rejected") progress(`not cleaned up: ${outcome.reason}`)
  }
}

const take = async (
  { contender, load }: Entrant,
  order: Extract<Order, { _tag: "Flood" | "Pace" }>
): Promise<Taken> => {
  await wait(settleMillis)
  const clock = new CpuClock([...contender.parts, { name: "generator", pid: load.pid }])
  const measurement = await load.measure(order)
  return { ...measurement, cpu: clock.used() }
}

const runRound = async (
  entrant: Entrant,
  { windows, warmUpMillis, millis, pacedMillis }: Size,
  patience: Patience,
  progress: (line: string) => void
): Promise<Round> => {
  const flooded: Array<Taken & { window: number }> = []
  for (const window of windows) {
    const taken = await patience.measured(() => take(entrant, { _tag: "Flood", window, warmUpMillis, millis }))
    flooded.push({ ...taken, window })
    progress(
      `${window} each: ${taken.perSecond.toFixed(0)} messages per second, p99 ${taken.ack.p99Millis.toFixed(1)} ms`
    )
  }
  const wantedPerSecond = Math.round(Math.max(...flooded.map(({ perSecond }) => perSecond)) / 2)
  const order = { _tag: "Pace", perSecond: wantedPerSecond, warmUpMillis, millis: pacedMillis } as const
  const paced = await patience.measured(() => take(entrant, order))
  progress(`at ${wantedPerSecond} per second: p99 ${paced.push.p99Millis.toFixed(1)} ms until the push`)
  return { flooded, paced: { ...paced, wantedPerSecond } }
}

/** The input of {@link run}. */
export const contendersOf = (asked: ReadonlyArray<string>): ReadonlyArray<ContenderName> => {
  const unknown = asked.filter((name) => !isContender(name))
  if (unknown.length > 0) throw new Error(`no such profile: ${unknown.join(", ")}`)
  const wanted = asked.filter(isContender)
  return [...new Set([...undurable, ...(wanted.length === 0 ? standard : wanted)])]
}

/** The contenders take turns, so that a slow minute of the machine meets them all. */
export const run = async (
  size: Size,
  names: ReadonlyArray<ContenderName>,
  progress: (line: string) => void
): Promise<Report> => {
  await infraUp(names, progress)
  const entrants: Array<Entrant> = []
  try {
    return await Promise.race([interrupted(), compared(size, names, entrants, progress)])
  } finally {
    await leave(entrants, progress)
  }
}

/** Fails when the benchmark is told to end: what it has started must be ended, and removed, first. */
const interrupted = (): Promise<never> =>
  new Promise((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => reject(new Error(`ended by ${signal}`)))
  })

const compared = async (
  size: Size,
  names: ReadonlyArray<ContenderName>,
  entrants: Array<Entrant>,
  progress: (line: string) => void
): Promise<Report> => {
  for (const name of names) {
    const entrant = await enter(name, size, progress)
    entrants.push(entrant)
    progress(`${entrant.contender.title}: ready`)
    await take(entrant, { _tag: "Flood", window: 4, warmUpMillis: 0, millis: size.firstMillis })
  }
  const patience = new Patience(size.patienceMillis, progress)
  const rounds = entrants.map(() => [] as Array<Round>)
  for (let round = 1; round <= size.rounds; round++) {
    for (const [index, entrant] of entrants.entries()) {
      const told = (line: string) => progress(`round ${round}: ${entrant.contender.title}: ${line}`)
      rounds[index]?.push(await runRound(entrant, size, patience, told))
    }
  }
  const report: Array<Row> = []
  for (const [index, { contender, load }] of entrants.entries()) {
    const { name, title, isDurable } = contender
    if (size.profiles !== undefined) {
      const flood = () => load.measure({ _tag: "Flood", window: 8, warmUpMillis: 0, millis: size.pacedMillis })
      progress(await profiled(contender, size.profiles, flood))
    }
    const { verified = 0 } = isDurable ? await load.order({ _tag: "Verify", pairs: size.verifiedPairs }) : {}
    report.push({ name, title, isDurable, rounds: rounds[index] ?? [], verified })
  }
  return report
}
