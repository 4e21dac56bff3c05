/**
 * `pnpm bench api`: what users wait for when they come back and when they are many: the list of a thousand
 * conversations, the sync of ten thousand missed messages, a message to a thousand members.
 */
import {
  type ApiServer,
  type GroupServer,
  type StoreName,
  start,
  startRelay,
  storeNames,
  type Undo
} from "./api/ApiServer.ts"
import type { StoreSize } from "./api/FilledStore.ts"
import { measureFanOut } from "./api/fanOut.ts"
import { measureLists } from "./api/lists.ts"
import type { Measured, Times } from "./api/Measured.ts"
import { measureSyncs } from "./api/syncs.ts"
import { profiled } from "./durable/CpuProfile.ts"
import { Patience } from "./durable/Patience.ts"

export interface Size {
  readonly rounds: number
  readonly store: StoreSize
  readonly list: Times
  readonly sync: Times
  readonly fanOut: Times
  /** How long the run may wait, altogether, for others to leave the machine to it. */
  readonly patienceMillis: number
  /** Where CPU profiles go, where they are wanted: of one more round. */
  readonly profiles?: string
}

export const full: Size = {
  rounds: 3,
  store: { members: 1_000, listedMessages: 4, missedConversations: 100, missedMessages: 100 },
  list: { warmUps: 100, times: 300 },
  sync: { warmUps: 20, times: 100 },
  fanOut: { warmUps: 30, times: 150 },
  patienceMillis: 0
}

/** To see that it works; its figures mean nothing. */
export const quick: Size = {
  ...full,
  rounds: 1,
  store: { members: 50, listedMessages: 2, missedConversations: 5, missedMessages: 100 },
  list: { warmUps: 5, times: 20 },
  sync: { warmUps: 2, times: 5 },
  fanOut: { warmUps: 5, times: 20 }
}

/** The targets: for the slowest of a hundred, or for the server's CPU. */
export interface Target {
  readonly of: "p99" | "cpu"
  readonly millis: number
}

/** One thing that is measured, round by round. */
export interface Row {
  readonly what: string
  /** None for what is only there to compare with. */
  readonly target: Target | undefined
  readonly rounds: ReadonlyArray<Measured>
}

export type Report = ReadonlyArray<{ readonly title: string; readonly rows: ReadonlyArray<Row> }>

interface Task extends Omit<Row, "rounds"> {
  readonly measure: () => Promise<Measured>
}

/** A run that has not ended by then, its patience left out, has failed. */
const runMillisMax = 15 * 60_000

const toAll = (server: GroupServer, acks: boolean, { store, fanOut }: Size) => ({
  what: `a message to ${store.members} members, ${acks ? "every push acknowledged" : "without acks"}`,
  measure: () => measureFanOut(server, acks, fanOut)
})

const tasksOf = (server: ApiServer, size: Size): ReadonlyArray<Task> => {
  const { missedConversations, missedMessages, members } = size.store
  return [
    {
      what: `list of ${members} conversations`,
      target: { of: "p99", millis: 50 },
      measure: () => measureLists(server, size.list)
    },
    {
      what: `sync of ${missedConversations * missedMessages} messages in ${missedConversations} conversations`,
      target: { of: "p99", millis: 150 },
      measure: () => measureSyncs(server, size.sync)
    },
    { ...toAll(server, true, size), target: { of: "cpu", millis: 15 } },
    { ...toAll(server, false, size), target: { of: "cpu", millis: 15 } }
  ]
}

const relayTasksOf = (relay: GroupServer, size: Size): ReadonlyArray<Task> =>
  [true, false].map((acks) => ({ ...toAll(relay, acks, size), target: undefined }))

/** The input of {@link run}. */
export const storesOf = (asked: ReadonlyArray<string>): ReadonlyArray<StoreName> => {
  const unknown = asked.filter((name) => !storeNames.some((known) => known === name))
  if (unknown.length > 0) throw new Error(`no such profile: ${unknown.join(", ")}`)
  return asked.length === 0 ? ["embedded"] : storeNames.filter((name) => asked.includes(name))
}

/** The stores one after the other; all that is measured takes turns, so that a slow minute of the machine meets it all. */
export const run = async (
  size: Size,
  names: ReadonlyArray<StoreName>,
  progress: (line: string) => void
): Promise<Report> => {
  const undos: Array<Parameters<Undo>[0]> = []
  const atEnd: Undo = (undo) => void undos.unshift(undo)
  const all = async () => {
    const relay = await startRelay(size.store.members, atEnd)
    const report: Array<Report[number]> = []
    for (const name of names) {
      const server = await start(name, size.store, size.profiles !== undefined, progress, atEnd)
      report.push(...(await measured(server, relay, size, progress)))
    }
    return report
  }
  try {
    return await Promise.race([givenUp(size.patienceMillis), all()])
  } finally {
    for (const undo of undos) await undo()
  }
}

const measured = async (
  server: ApiServer,
  relay: GroupServer,
  size: Size,
  progress: (line: string) => void
): Promise<Report> => {
  const patience = new Patience(size.patienceMillis, progress)
  const own = tasksOf(server, size).map(withRounds)
  const relayed = relayTasksOf(relay, size).map(withRounds)
  for (let round = 1; round <= size.rounds; round++) {
    for (const { what, measure, rounds } of [...own, ...relayed]) {
      const one = await patience.measured(measure)
      rounds.push(one)
      const cpu = (one.cpu.parts["server"] ?? Number.NaN) / one.times / 1000
      progress(
        `round ${round}: ${what}: p50 ${one.p50Millis.toFixed(1)}, p99 ${one.p99Millis.toFixed(1)}, CPU ${cpu.toFixed(1)} ms`
      )
    }
  }
  if (size.profiles !== undefined) {
    for (const [index, { what, measure }] of own.entries()) {
      const subject = { ...server, name: `${server.name}-${index}`, title: `${server.title}, ${what}` }
      progress(await profiled(subject, size.profiles, measure))
    }
  }
  return [
    { title: server.title, rows: own },
    { title: "bare ws", rows: relayed }
  ]
}

const withRounds = (task: Task) => ({ ...task, rounds: [] as Array<Measured> })

/** Fails when the benchmark is told to end, or takes too long: the server must be ended, and its store removed, first. */
const givenUp = (patienceMillis: number): Promise<never> =>
  new Promise((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => reject(new Error(`ended by ${signal}`)))
    setTimeout(() => reject(new Error("the benchmark took too long")), patienceMillis + runMillisMax).unref()
  })
