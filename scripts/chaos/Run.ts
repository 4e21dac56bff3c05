/** One fault run: devices that chat while faults strike, a while to settle, and the audit. */
import { type Account, register } from "../harness/Account.ts"
import type { Chance } from "../harness/Chance.ts"
import { say } from "../harness/Transcript.ts"
import { within } from "../harness/Waiting.ts"
import { audit } from "./Audit.ts"
import type { Cluster, Profile } from "./Cluster.ts"
import { conversationOf, Device } from "./Device.ts"
import { Faults } from "./Faults.ts"
import type { Progress } from "./Progress.ts"
import { Violations } from "./Violations.ts"

/** How long the last acks may take after the last process has come back; a worker's partitions are its own for 6 s. */
const settleMillis = 90_000
/** How long pushes may take after the last ack. */
const pushMillis = 30_000
const tickMillis = 20
/** Each user chats with the next, and with the one on the other side of the circle. */
const partnersOf = (index: number, count: number): ReadonlyArray<number> => [
  (index + 1) % count,
  (index + count - 1) % count,
  (index + count / 2) % count
]

export interface RunOptions {
  readonly minutes: number
  /** Names of the processes that are killed; all where there are none. */
  readonly kill: ReadonlyArray<string> | undefined
  readonly clients: number
  /** Messages per second, all clients together, as far as the faults allow. */
  readonly rate: number
}

export interface RunReport {
  readonly profile: Profile
  readonly minutes: number
  readonly sent: number
  readonly acked: number
  readonly stored: number
  readonly kills: Readonly<Record<string, number>>
  readonly cuts: number
  readonly connections: number
  readonly ackMillisMax: number
  readonly violations: Violations["all"]
}

const sum = (numbers: Iterable<number>): number => Iterator.from(numbers).reduce((total, number) => total + number, 0)

const meet = async (urls: ReadonlyArray<string>, count: number, chance: Chance, violations: Violations) => {
  const accounts: Array<Account> = []
  for (let index = 0; index < count; index++) {
    accounts.push(await register(urls[index % urls.length] ?? "", `user-${index}`))
  }
  return accounts.map((account, index) => {
    const partners = [...new Set(partnersOf(index, count))].flatMap((partner) => accounts[partner] ?? [])
    return new Device(account, partners, chance.fork(), violations)
  })
}

/** Whether every device has of each conversation what the devices together have of it. */
const haveAll = (devices: ReadonlyArray<Device>): boolean => {
  const lasts = new Map<string, number>()
  for (const { views } of devices) {
    for (const [id, { last }] of views) lasts.set(id, Math.max(last, lasts.get(id) ?? 0))
  }
  return devices.every(({ views }) => [...views].every(([id, { upTo }]) => upTo === lasts.get(id)))
}

/** Lets devices send at the rate, until the promise is settled. */
const load = async (devices: ReadonlyArray<Device>, rate: number, during: Promise<unknown>): Promise<void> => {
  const each = (rate * tickMillis) / 1_000 / devices.length
  const ticker = setInterval(() => {
    for (const device of devices) device.allow(each)
  }, tickMillis)
  try {
    await during
  } finally {
    clearInterval(ticker)
  }
}

export const run = async (
  profile: Profile,
  cluster: Cluster,
  { minutes, kill, clients, rate }: RunOptions,
  chance: Chance,
  progress: Progress
): Promise<RunReport> => {
  const violations = new Violations()
  const devices = await meet(cluster.urls, clients, chance, violations)
  const targets = cluster.targets.filter(({ name }) => kill === undefined || kill.includes(name))
  const unknown = kill?.filter((name) => cluster.targets.every((target) => target.name !== name)) ?? []
  if (unknown.length > 0) throw new Error(`--kill: ${profile} has no ${unknown.join(", ")}`)
  const faults = new Faults(targets, cluster.pauseMillis, devices, chance.fork())
  const conversations = new Set(
    devices.flatMap(({ account, partners }) => partners.map((partner) => conversationOf(account, partner)))
  )
  say(`${clients} users chat in ${conversations.size} conversations, ${rate} messages a second, for ${minutes} minutes`)
  const sent = () => sum(devices.values().map(({ ledger }) => ledger.sent))
  const acked = () => sum(devices.values().map(({ ledger }) => ledger.acked))
  for (const device of devices) device.connect()
  const stopProgress = progress.start(() => ({
    sent: sent(),
    acked: acked(),
    kills: faults.kills,
    cuts: faults.cuts,
    violations: violations.all.length
  }))
  try {
    const until = performance.now() + minutes * 60_000
    await load(devices, rate, faults.run(until))
    await within(settleMillis, () => devices.every(({ isSettled }) => isSettled))
    await within(pushMillis, () => haveAll(devices))
  } finally {
    stopProgress()
  }
  for (const { ledger, account } of devices) {
    for (const number of ledger.open) violations.add("unanswered", `message ${number} of ${account.name}`)
  }
  say("every process is back; reading what is stored")
  const stored = await audit(devices, violations)
  for (const device of devices) device.end()
  return {
    profile,
    minutes,
    sent: sent(),
    acked: acked(),
    stored,
    kills: Object.fromEntries(faults.kills),
    cuts: faults.cuts,
    connections: sum(devices.values().map(({ connections }) => connections)),
    ackMillisMax: Math.round(Math.max(...devices.map(({ ackMillisMax }) => ackMillisMax))),
    violations: violations.all
  }
}
