/**
 * The fuzzer (`pnpm fuzz [--cases 1000000] [--seed 42]`): a real server gets frames and requests that are made from the schemas
 * of its protocol and then damaged. Every command, query and request must get its answer with a code of the table, the server
 * must not fail, and it must live. A quarter of the cases are texts that are no frames any more, read in this process: a socket
 * would be closed at the tenth. The same seed damages in the same way; ids, and what runs at the same time, differ. The exit
 * status is the verdict.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Result } from "effect"
import { allMethods } from "../src/domain/protocol/ClientMethods.ts"
import { parseFrame } from "../src/domain/protocol/Frame.ts"
import { fuzzCalls } from "./fuzz/Calls.ts"
import { garbled, samplesOf } from "./fuzz/Samples.ts"
import { fuzzSocket } from "./fuzz/Sockets.ts"
import { Verdict } from "./fuzz/Verdict.ts"
import { type Account, register, request } from "./harness/Account.ts"
import { anySeed, Chance } from "./harness/Chance.ts"
import { ServerProcess } from "./harness/ServerProcess.ts"
import { textField } from "./harness/Wire.ts"

const { values } = parseArgs({
  options: { cases: { type: "string", default: "1000000" }, seed: { type: "string" } }
})
const cases = Number(values.cases)
const seed = values.seed === undefined ? anySeed() : Number(values.seed)
const chance = new Chance(seed)
const say = (line: string) => process.stdout.write(`${line}\n`)
say(`seed ${seed}, ${cases} cases`)

/** The parts of the cases: texts of which frames are read, requests, and the rest frames on sockets. */
const [textShare, callShare] = [0.25, 0.15]
/** Of all cases at least so many are commands and queries that succeed. */
const succeededShare = 0.05
const users = 6
const ackModes = ["none", "once", "rigor"] as const

/** Texts that may be frames: reading one must never throw, whatever it is. */
const fuzzTexts = (count: number, verdict: Verdict): void => {
  const samples = allMethods.map(({ name, payload }) => ({ name, samples: samplesOf(payload, chance.fork()) }))
  for (let index = 0; index < count; index += 1) {
    const { name, samples: of } = samples[index % samples.length] as (typeof samples)[number]
    const text = garbled(
      JSON.stringify({ id: String(index), method: name, data: of.next(["1", "2", "1_2"], chance) }),
      chance
    )
    verdict.cases += 1
    try {
      const frame = parseFrame(text)
      if (Result.isFailure(frame) && frame.failure.problem === "")
        verdict.violated("a bad frame without a reason", text)
    } catch (error) {
      verdict.violated(`reading a frame threw ${error}`, text)
    }
  }
}

/** The ids of users, their conversations and a group that exist. */
const world = async (accounts: ReadonlyArray<Account>): Promise<ReadonlyArray<string>> => {
  const [first, ...others] = accounts as [Account, ...ReadonlyArray<Account>]
  const userIds = accounts.map(({ userId }) => userId)
  for (const { url, token } of others) {
    await request("PATCH", `${url}/v1/user/privacy`, { token, body: { addToGroups: "everyone" } })
  }
  const founded = await request("POST", `${first.url}/v1/social/group`, {
    token: first.token,
    body: { name: "fuzz", userIds: others.map(({ userId }) => userId) }
  })
  const pairs = userIds.flatMap((one) =>
    userIds.flatMap((other) => (BigInt(one) < BigInt(other) ? [`${one}_${other}`] : []))
  )
  return [...userIds, ...pairs, textField(founded.data, "groupId")]
}

const directory = mkdtempSync(join(tmpdir(), "fiberchat-fuzz-"))
const server = new ServerProcess({
  CHAT_DATA_DIR: directory,
  CHAT_PORT: "0",
  CHAT_INTERNAL_PORT: "0",
  CHAT_RATE_LIMIT: "off",
  CHAT_AUTH_RATE_LIMIT: "off",
  CHAT_LOG_FORMAT: "json"
})
const verdict = new Verdict(say)
const begun = performance.now()
try {
  const { url } = await server.addresses()
  const accounts = await Promise.all(Array.from({ length: users }, (_, index) => register(url, `fuzz ${index}`)))
  const known = await world(accounts)
  fuzzTexts(Math.round(cases * textShare), verdict)
  const perCaller = Math.ceil((cases * callShare) / users)
  const perSocket = Math.ceil((cases * (1 - textShare - callShare)) / (users * ackModes.length))
  const progress = setInterval(() => say(`${verdict.cases} cases, ${verdict.violations.length} violations`), 15_000)
  await Promise.all(
    accounts.flatMap((account) => [
      fuzzCalls(account, perCaller, known, chance.fork(), verdict),
      ...ackModes.map((ack) => fuzzSocket(account, ack, perSocket, known, chance.fork(), verdict))
    ])
  )
  clearInterval(progress)
  const alive = await fetch(`${url}/health/ready`)
  if (alive.status !== 200) verdict.violated(`not ready afterwards: ${alive.status}`, "everything")
} catch (error) {
  verdict.violated(`the run failed: ${error}`, "everything")
} finally {
  if (!server.isRunning) verdict.violated("the server has ended", "everything")
  await server.stop(20_000)
  rmSync(directory, { recursive: true, force: true })
}
for (const line of server.output().split("\n")) {
  if (/unexpectedly|"level":"(ERROR|FATAL)"/.test(line)) verdict.violated(`logged: ${line.slice(0, 600)}`, "something")
}
// A run in which hardly anything is right tests the refusals only.
if (verdict.succeeded < verdict.cases * succeededShare)
  verdict.violated(`only ${verdict.succeeded} frames succeeded`, "all")
const counts = [...verdict.codes].sort(([one], [other]) => one - other)
say(
  `frames that succeeded: ${verdict.succeeded}; other answers by code: ${counts.map(([code, count]) => `${code} ${count} ×`).join(", ")}`
)
say(
  `${verdict.cases} cases in ${Math.round((performance.now() - begun) / 1_000)} s, seed ${seed}: ${verdict.violations.length} violations`
)
process.exitCode = verdict.violations.length === 0 ? 0 : 1
