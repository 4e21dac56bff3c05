/**
 * The fault run (`pnpm chaos --minutes 10 [--seed 42] [--profile embedded|infra] [--kill worker-1,kafka]
 * [--clients 24] [--rate 2000]`): users
 * chat while servers are killed (`kill -9`) and brought back at random moments, and connections are cut; then all that is
 * stored is read back and held against what was acknowledged. The exit status is the verdict.
 */
import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { type Profile, profiles, startCluster } from "./chaos/Cluster.ts"
import { Progress } from "./chaos/Progress.ts"
import { type RunReport, run } from "./chaos/Run.ts"
import { violationKinds } from "./chaos/Violations.ts"
import { anySeed, Chance, seedMax } from "./harness/Chance.ts"
import { close, print, say } from "./harness/Transcript.ts"

const usage = `usage: pnpm chaos --minutes N [--seed S] [--profile embedded|infra] [--kill NAMES] [--clients N] [--rate N]
                 [--report FILE]

--minutes N   how long faults strike, for each profile (at most 600)
--seed S      draws the same chances again; what happens between two draws is the clock's
--profile P   embedded (one process on SQLite) or infra (two gateways and two workers on MySQL and Kafka); both
              without it
--kill NAMES  only these processes, separated by commas: server; gateway-1, gateway-2, worker-1, worker-2, mysql, kafka
--clients N   users, an even number (24)
--rate N      messages a second, all users together, as far as the faults allow (2000)
--report FILE every figure and every violated id as JSON
`
/** The time that a run may take in addition to its minutes: the start, the last acks, and reading everything back. */
const aroundMinutesMax = 10

const numberOf = (name: string, text: string | undefined, fallback: number, least: number, most: number): number => {
  const number = text === undefined ? fallback : Number(text)
  if (number >= least && number <= most) return number
  throw new Error(`--${name}: expected ${least} to ${most}, got ${text}\n\n${usage}`)
}

const optionsOf = () => {
  const text = { type: "string" } as const
  const { values } = parseArgs({
    options: { minutes: text, seed: text, profile: text, kill: text, clients: text, rate: text, report: text }
  })
  const chosen = profiles.filter((profile) => values.profile === undefined || values.profile === profile)
  if (chosen.length === 0) throw new Error(`--profile: expected ${profiles.join(" or ")}\n\n${usage}`)
  const clients = numberOf("clients", values.clients, 24, 4, 1_000)
  return {
    profiles: chosen,
    minutes: numberOf("minutes", values.minutes, Number.NaN, 0.05, 600),
    seed: Math.floor(numberOf("seed", values.seed, anySeed(), 0, seedMax - 1)),
    kill: values.kill?.split(","),
    clients: clients - (clients % 2),
    rate: numberOf("rate", values.rate, 2_000, 1, 100_000),
    report: values.report
  }
}

const show = (report: RunReport): void => {
  const { profile, sent, acked, stored, kills, cuts, connections, ackMillisMax, violations } = report
  const killed = Object.entries(kills).map(([name, count]) => `${name} ${count}`)
  print("")
  print(`${profile}: ${acked} acknowledged of ${sent} sent, ${stored} stored`)
  print(
    `  killed: ${killed.join(", ")}; connections cut: ${cuts}, made: ${connections}; longest wait for an ack: ${ackMillisMax} ms`
  )
  for (const kind of violationKinds) {
    const found = violations.filter((violation) => violation.kind === kind)
    print(`  ${found.length === 0 ? "✔" : "✘"} ${kind.padEnd(21)} ${found.length}`)
    for (const { what } of found) print(`      ${what}`)
  }
}

let report: ReadonlyArray<RunReport> = []
let stop = async () => {}
let logs = () => ""
const ended = Promise.withResolvers<never>()
ended.promise.catch(() => {})
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => ended.reject(new Error(`ended by ${signal}`)))
}

const runProfile = async (profile: Profile, options: ReturnType<typeof optionsOf>): Promise<RunReport> => {
  const cluster = await startCluster(profile)
  stop = cluster.stop
  logs = cluster.logs
  say(
    `${profile}: ${cluster.targets.map(({ name }) => name).join(", ")}; clients connect to ${cluster.urls.join(" and ")}`
  )
  const found = await run(profile, cluster, options, new Chance(options.seed), new Progress())
  await cluster.stop()
  stop = async () => {}
  return found
}

let failure: string | undefined
try {
  const options = optionsOf()
  const limit = options.profiles.length * (options.minutes + aroundMinutesMax) * 60_000
  const overall = setTimeout(() => ended.reject(new Error(`not within ${limit} ms`)), limit)
  say(`the seed of all chance is ${options.seed}; --seed ${options.seed} draws the same again`)
  for (const profile of options.profiles) {
    const found = await Promise.race([runProfile(profile, options), ended.promise])
    report = [...report, found]
    show(found)
  }
  clearTimeout(overall)
  if (options.report !== undefined)
    writeFileSync(options.report, JSON.stringify({ seed: options.seed, report }, null, 2))
} catch (error) {
  failure = error instanceof Error ? error.message : String(error)
  print(`\nThe run did not come to its end: ${failure}`)
  print(logs())
}
await stop()
for (const { profile, kills } of report) {
  if (Object.values(kills).every((count) => count === 0)) failure ??= `${profile}: nothing was killed`
}
const hasHeld = failure === undefined && report.every(({ violations }) => violations.length === 0)
print(
  `\nVERDICT: ${failure !== undefined ? "NOT PROVEN." : hasHeld ? "held. Nothing acknowledged is lost, doubled or out of order." : "NOT held. See the lines with ✘."}`
)
close()
process.exit(hasHeld ? 0 : 1)
