/** `pnpm bench hostile`: what one peer can do to the others. A pair chats while each attack goes on by itself. */
import { fork } from "node:child_process"
import { join } from "node:path"
import { WebSocket } from "ws"
import { markdown } from "./durable/table.ts"
import { type AttackName, attacks, type Target } from "./hostile/attacks.ts"
import { residentBytes, wait } from "./measure.ts"
import { type Login, type ServerUnderTest, start } from "./ServerUnderTest.ts"

export interface Size {
  /** How long the pair chats without an attack, and under each. */
  readonly millis: number
  /** How long the server has to give the memory of an attack back. */
  readonly restMillis: number
}

export const full: Size = { millis: 15_000, restMillis: 60_000 }
export const quick: Size = { millis: 3_000, restMillis: 1_000 }

/** Latencies from sending to the push at the other one, in milliseconds, and resident memory in megabytes. */
interface Row {
  readonly attack: AttackName
  readonly quiet: Latency
  readonly attacked: Latency
  readonly before: number
  readonly highest: number
  readonly after: number
}

interface Latency {
  readonly p50: number
  readonly p99: number
  /** Of those that were sent. */
  readonly lost: number
}

export type Report = ReadonlyArray<Row>

/** A message each, well below the rate limit. */
const paceMillis = 40
/** How long the last messages may be on their way. */
const arrivalMillisMax = 30_000
const attackers = 60

const settings = { CHAT_RATE_LIMIT: "50/second", CHAT_MAX_USER_CONNECTIONS: "50", CHAT_LOGIN_POLICY: "perDevice" }

const opened = (url: string, { token }: Login): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/ws?ack=none`, { headers: { authorization: token } })
    socket.once("error", reject)
    socket.once("message", () => resolve(socket))
  })

/** Has the pair chat for so long. */
const chat = async (url: string, ann: Login, bob: Login, millis: number, round: string): Promise<Latency> => {
  const [sender, receiver] = await Promise.all([opened(url, ann), opened(url, bob)])
  const sentAt = new Map<string, number>()
  const latencies: Array<number> = []
  receiver.on("message", (text) => {
    const { clientId } = (JSON.parse(String(text)) as { data: { clientId: string } }).data
    const at = sentAt.get(clientId)
    if (at !== undefined) latencies.push(performance.now() - at)
    sentAt.delete(clientId)
  })
  const end = performance.now() + millis
  let count = 0
  while (performance.now() < end) {
    const id = `${round} ${count++}`
    sentAt.set(id, performance.now())
    const message = { messageType: 0, content: "hello" }
    sender.send(
      JSON.stringify({ id, method: "conversation.chat", data: { chatType: 1, receiveId: bob.userId, message } })
    )
    await wait(paceMillis)
  }
  const latest = performance.now() + arrivalMillisMax
  while (sentAt.size > 0 && performance.now() < latest) await wait(10)
  for (const socket of [sender, receiver]) socket.terminate()
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), lost: sentAt.size }
}

const megabytes = (pid: number) => residentBytes(pid) / 1e6

/** Attacks with a process of its own while `use` runs; the highest memory of the server meanwhile. */
const whileAttacked = async <A>(
  server: ServerUnderTest,
  target: Omit<Target, "localAddress">,
  use: () => Promise<A>
) => {
  const attacker = fork(join(import.meta.dirname, "hostile", "attacks.ts"))
  let highest = 0
  const looking = setInterval(() => {
    highest = Math.max(highest, megabytes(server.pid))
  }, 100)
  try {
    attacker.send(target)
    // The pair meets an attack that is under way.
    await wait(500)
    const result = await use()
    return { result, highest }
  } finally {
    clearInterval(looking)
    attacker.kill("SIGKILL")
  }
}

const measured = async (attack: AttackName, size: Size): Promise<Row> => {
  const server = await start("fiberchat", 2 + attackers, settings)
  try {
    const { url, logins, pid } = server
    const [ann, bob, ...others] = logins as [Login, Login, ...ReadonlyArray<Login>]
    const pair = (round: string) => chat(url, ann, bob, size.millis, round)
    // The first messages compile what all others run.
    await pair("warm")
    const quiet = await pair("quiet")
    const before = megabytes(pid)
    const target = { attack, url, logins: others }
    const { result: attacked, highest } = await whileAttacked(server, target, () => pair("attacked"))
    await wait(size.restMillis)
    return { attack, quiet, attacked, before, highest, after: megabytes(pid) }
  } finally {
    await server.stop()
  }
}

/** The attacks whose names have one of these parts, or all of them. */
export const run = async (
  size: Size,
  progress: (line: string) => void,
  parts: ReadonlyArray<string> = []
): Promise<Report> => {
  const rows: Array<Row> = []
  const all = Object.keys(attacks) as ReadonlyArray<AttackName>
  for (const attack of all.filter((name) => parts.length === 0 || parts.some((part) => name.includes(part)))) {
    const row = await measured(attack, size)
    progress(`${attack}: p99 ${row.quiet.p99.toFixed(1)} → ${row.attacked.p99.toFixed(1)} ms`)
    rows.push(row)
  }
  return rows
}

export const table = (report: Report): string =>
  markdown(
    [
      "attack",
      "quiet p50 / p99, ms",
      "attacked p50 / p99, ms",
      "× quiet p99",
      "not delivered",
      "memory before / highest / after, MB"
    ],
    report.map(({ attack, quiet, attacked, before, highest, after }) => [
      attack,
      `${quiet.p50.toFixed(1)} / ${quiet.p99.toFixed(1)}`,
      `${attacked.p50.toFixed(1)} / ${attacked.p99.toFixed(1)}`,
      (attacked.p99 / quiet.p99).toFixed(1),
      String(attacked.lost),
      [before, highest, after].map((value) => value.toFixed(0)).join(" / ")
    ])
  )
