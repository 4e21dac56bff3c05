/**
 * `pnpm bench api`: what users wait for when they come back and when they are many: the list of a thousand
 * conversations, the sync of ten thousand missed messages, a message to a thousand members.
 */
import { type ApiServer, type StoreName, start, storeNames } from "./api/ApiServer.ts"
import type { StoreSize } from "./api/FilledStore.ts"
import { type FanOutSize, measureFanOut } from "./api/fanOut.ts"
import { type ListSize, measureLists } from "./api/lists.ts"
import type { Measured } from "./api/Measured.ts"
import { measureSyncs, type SyncSize } from "./api/syncs.ts"
import { profiled } from "./durable/CpuProfile.ts"

export interface Size {
  readonly rounds: number
  readonly store: StoreSize
  readonly list: ListSize
  readonly sync: SyncSize
  readonly fanOut: FanOutSize
  /** Where CPU profiles go, where they are wanted: of one more round. */
  readonly profiles?: string
}

export const full: Size = {
  rounds: 3,
  store: { members: 1_000, listedMessages: 4, missedConversations: 100, missedMessages: 100 },
  list: { warmUps: 100, times: 300 },
  sync: { warmUps: 20, times: 100 },
  fanOut: { warmUps: 30, times: 150 }
}

/** To see that it works; its figures mean nothing. */
export const quick: Size = {
  rounds: 1,
  store: { members: 50, listedMessages: 2, missedConversations: 5, missedMessages: 100 },
  list: { warmUps: 5, times: 20 },
  sync: { warmUps: 2, times: 5 },
  fanOut: { warmUps: 5, times: 20 }
}

/** What has to be reached: by the slowest of a hundred, or by the server's CPU. */
export interface Target {
  readonly of: "p99" | "cpu"
  readonly millis: number
}

/** One thing that is measured, round by round. */
export interface Row {
  readonly what: string
  readonly target: Target
  readonly rounds: ReadonlyArray<Measured>
}

export type Report = ReadonlyArray<{ readonly title: string; readonly rows: ReadonlyArray<Row> }>

interface Task {
  readonly what: string
  readonly target: Target
  readonly measure: (server: ApiServer) => Promise<Measured>
}

/** A run that has not ended by then has failed. */
const runMillisMax = 15 * 60_000

const tasksOf = ({ store, list, sync, fanOut }: Size): ReadonlyArray<Task> => {
  const missed = store.missedConversations * store.missedMessages
  const toAll = (acks: boolean): Task => ({
    what: `a message to ${store.members} members, ${acks ? "every push acknowledged" : "without acks"}`,
    target: { of: "cpu", millis: 15 },
    measure: (server) => measureFanOut(server, acks, fanOut)
  })
  return [
    {
      what: `list of ${store.members} conversations`,
      target: { of: "p99", millis: 50 },
      measure: (server) => measureLists(server, list)
    },
    {
      what: `sync of ${missed} messages in ${store.missedConversations} conversations`,
      target: { of: "p99", millis: 150 },
      measure: (server) => measureSyncs(server, sync)
    },
    toAll(true),
    toAll(false)
  ]
}

/** What {@link run} is asked to measure. */
export const storesOf = (asked: ReadonlyArray<string>): ReadonlyArray<StoreName> => {
  const unknown = asked.filter((name) => !storeNames.some((known) => known === name))
  if (unknown.length > 0) throw new Error(`no such profile: ${unknown.join(", ")}`)
  return asked.length === 0 ? ["embedded"] : storeNames.filter((name) => asked.includes(name))
}

/** The stores one after the other; the tasks of each take turns, so that a slow minute of the machine meets them all. */
export const run = async (
  size: Size,
  names: ReadonlyArray<StoreName>,
  progress: (line: string) => void
): Promise<Report> => {
  const report: Array<Report[number]> = []
  for (const name of names) {
    const server = await start(name, size.store, size.profiles !== undefined, progress)
    try {
      report.push({
        title: server.title,
        rows: await Promise.race([givenUp(), measured(server, size, progress)])
      })
    } finally {
      await server.stop()
    }
  }
  return report
}

const measured = async (
  server: ApiServer,
  size: Size,
  progress: (line: string) => void
): Promise<ReadonlyArray<Row>> => {
  const rows = tasksOf(size).map((task) => ({ ...task, rounds: [] as Array<Measured> }))
  for (let round = 1; round <= size.rounds; round++) {
    for (const { what, measure, rounds } of rows) {
      const one = await measure(server)
      rounds.push(one)
      const cpu = (one.cpu.parts["server"] ?? Number.NaN) / one.times / 1000
      progress(
        `round ${round}: ${what}: p50 ${one.p50Millis.toFixed(1)}, p99 ${one.p99Millis.toFixed(1)}, CPU ${cpu.toFixed(1)} ms`
      )
    }
  }
  if (size.profiles !== undefined) {
    for (const [index, { what, measure }] of rows.entries()) {
      const subject = { ...server, name: `${server.name}-${index}`, title: `${server.title}, ${what}` }
      progress(await profiled(subject, size.profiles, () => measure(server)))
    }
  }
  return rows
}

/** Fails when the benchmark is told to end, or takes too long: the server must be ended, and its store removed, first. */
const givenUp = (): Promise<never> =>
  new Promise((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => reject(new Error(`ended by ${signal}`)))
    setTimeout(() => reject(new Error("the benchmark took too long")), runMillisMax).unref()
  })
