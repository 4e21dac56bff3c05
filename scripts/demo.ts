/**
 * The demonstration (`pnpm demo [--seed 42] [http://127.0.0.1:5555]`): two users chat through a `kill -9` of the server
 * and over a network that cuts their connections, and the history proves that every acknowledged message is there once,
 * in order. Nothing here is the server's code: the clients are the `ws` package, fetch and Node. The exit status is the
 * verdict.
 */
import { parseArgs } from "node:util"
import { finish, write } from "./demo/Chapter.ts"
import { ChatClient } from "./demo/ChatClient.ts"
import { comeBack, interrupt, proveSurvived, sendAgain } from "./demo/Interruption.ts"
import { chatOverLink } from "./demo/LossyChapters.ts"
import { LossyLink } from "./demo/LossyLink.ts"
import type { Pace } from "./demo/Pace.ts"
import {
  type Check,
  type Pair,
  proveAnswered,
  proveKept,
  proveOrder,
  provePushed,
  proveSame,
  unpushed,
  type View
} from "./demo/Proof.ts"
import { proveRefused, tryBadThings } from "./demo/Refusals.ts"
import { type Account, readChatLogs, register } from "./harness/Account.ts"
import { anySeed, Chance, seedMax } from "./harness/Chance.ts"
import { RestartableServer } from "./harness/RestartableServer.ts"
import { close, detail, print, sample, say } from "./harness/Transcript.ts"
import { pause, within } from "./harness/Waiting.ts"

const inFlightMax = 16
/** Times that the server is killed, one chapter each: a fault may need its moment. */
const interruptions = 3
const overallMillis = 60_000
const pushMillis = 5_000
/** Between two chapters, so that the next one finds an idle machine. */
const quietMillis = 20
/** The same where the server limits the rate: long enough to save up the credit for a burst. */
const savingMillis = 1_000
/** Below the 50 frames a second and connection that a server allows unless told otherwise. */
const sharedServerFrames = { perSecond: 40, burst: 32 }

/** A server on this machine that somebody else has started; `undefined` when none was named. */
const namedServer = (argument: string | undefined): string | undefined => {
  if (argument === undefined) return undefined
  const url = URL.parse(argument)
  const isLoopback = url !== null && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (url?.protocol !== "http:" || !isLoopback) throw new Error(`not an http:// address of this machine: ${argument}`)
  return url.origin
}

/** The seed of all random choices, below 2^32; a new one when none is given. Times between two draws vary. */
const seedOf = (argument: string | undefined): number => {
  const seed = argument === undefined ? anySeed() : Number(argument)
  if (!Number.isInteger(seed) || seed < 0 || seed >= seedMax) throw new Error(`not a seed: ${argument}`)
  return seed
}

/** The single conversation's id: both user ids, the smaller number first. */
const conversationOf = (a: Account, b: Account): string =>
  (BigInt(a.userId) < BigInt(b.userId) ? [a, b] : [b, a]).map(({ userId }) => userId).join("_")

/** The whole plot; `checks` gets what was checked, as it is checked. */
const play = async (
  url: string,
  server: RestartableServer | undefined,
  chance: Chance,
  checks: Array<Check>
): Promise<void> => {
  const pace: Pace = { inFlightMax, frames: server === undefined ? sharedServerFrames : undefined }
  const [alice, bob, mallory] = await meet(url, pace)
  const clients = [alice, bob] as const
  const conversationID = conversationOf(alice.account, bob.account)
  const quietBefore = server === undefined ? savingMillis : quietMillis

  let goesOn = true
  for (let chapter = 1; chapter <= interruptions && goesOn; chapter += 1) {
    await pause(quietBefore)
    const [listener, deaf] = chapter % 2 === 1 ? [bob, alice] : [alice, bob]
    const interrupted = interrupt(listener, deaf, server, chance)
    for (const client of clients) write(client)
    await interrupted
    await comeBack(clients, server)
    checks.push(await proveSurvived(chapter, clients, () => alice.readHistory(conversationID)))
    sendAgain(clients)
    goesOn = await finish(clients)
  }

  if (goesOn) {
    const link = await LossyLink.open(url, chance.fork())
    const cast = {
      clients,
      conversationID,
      link,
      server,
      chance,
      chaptersBefore: interruptions,
      quietMillis: quietBefore
    }
    goesOn = await chatOverLink(cast, checks)
    for (const client of clients) {
      await client.cut()
      await client.connect()
    }
    link.close()
    say("both clients leave the bad network")
  }

  if (goesOn) {
    await pause(quietBefore)
    for (const client of clients) write(client)
    await finish(clients)
  }
  const pairs: ReadonlyArray<Pair> = [
    { receiver: bob, sender: alice, connection: goesOn ? alice.connection : undefined },
    { receiver: alice, sender: bob, connection: goesOn ? bob.connection : undefined }
  ]
  await within(pushMillis, () => pairs.every((pair) => unpushed(pair).length === 0))
  const refused = await misbehave(alice, bob, mallory, conversationID)

  const views = await readViews(clients, conversationID)
  const [view] = views
  if (view === undefined) throw new Error("nobody has read the history")
  showSamples(view, clients)
  for (const client of [...clients, mallory]) await client.cut()
  checks.push(
    ...proveAnswered(clients),
    proveKept("lost", clients, views),
    ...proveOrder(clients, view),
    proveSame(views),
    provePushed(pairs, view),
    refused
  )
}

/** Registers two users and a stranger, and connects them. */
const meet = async (url: string, pace: Pace): Promise<readonly [ChatClient, ChatClient, ChatClient]> => {
  const [a, b, m] = [await register(url, "Alice"), await register(url, "Bob"), await register(url, "Mallory")]
  const clients = [
    new ChatClient(a, b.userId, pace),
    new ChatClient(b, a.userId, pace),
    new ChatClient(m, a.userId, pace)
  ] as const
  for (const client of clients) await client.connect()
  say(`Alice (${a.userId}) and Bob (${b.userId}) are registered and connected; so is Mallory, a stranger`)
  return clients
}

/** Tries what must be refused. */
const misbehave = async (
  client: ChatClient,
  other: ChatClient,
  stranger: ChatClient,
  conversationID: string
): Promise<Check> => {
  // The stranger's socket has ended with the server.
  await stranger.cut()
  await stranger.connect()
  const refusals = await tryBadThings({ client, other: other.account, stranger }, conversationID)
  say(`${refusals.length} bad things are tried:`)
  for (const { attempt, expected, got } of refusals) {
    detail(`${got === expected ? "refused" : `NOT refused as expected (${expected})`} with ${got}: ${attempt}`)
  }
  return proveRefused(refusals)
}

/** The whole conversation, as both users, by WebSocket and by HTTP. */
const readViews = async (clients: ReadonlyArray<ChatClient>, conversationID: string): Promise<ReadonlyArray<View>> => {
  const views: Array<View> = []
  for (const client of clients) {
    const { name } = client.account
    views.push({ reader: `${name} by WebSocket`, messages: await client.readHistory(conversationID) })
    views.push({ reader: `${name} by HTTP`, messages: await readChatLogs(client.account, conversationID) })
  }
  say(`the history is read: ${views.map(({ reader, messages }) => `${reader} ${messages.length}`).join(", ")}`)
  return views
}

/** A few messages as they are stored. */
const showSamples = (view: View, clients: ReadonlyArray<ChatClient>): void => {
  const from = Math.floor(view.messages.length / 2)
  for (const message of view.messages.slice(from, from + 13)) {
    const sender = clients.find(({ account }) => account.userId === message.sendId)?.account.name ?? message.sendId
    detail(`#${String(message.seq).padStart(3)} ${sender.padEnd(5)} ${message.clientId}  ${sample(message.content)}`)
  }
}

/** Prints the table and the verdict; answers whether it is a good one. */
const showVerdict = (checks: ReadonlyArray<Check>, failure: string | undefined, wasKilled: boolean): boolean => {
  const hasHeld = checks.every(({ held }) => held)
  print("")
  for (const { name, held, found } of checks) print(`  ${held ? "✔" : "✘"} ${name.padEnd(15)} ${found}`)
  if (failure !== undefined) print(`  ✘ the demo did not come to its end: ${failure}`)
  const held = `held. Every acknowledged message is there once, in order${wasKilled ? "" : " (no kill was tried)"}.`
  print(`\nVERDICT: ${!hasHeld ? "NOT held. See the lines with ✘." : failure !== undefined ? "NOT PROVEN." : held}`)
  return hasHeld && failure === undefined
}

const ended = Promise.withResolvers<never>()
ended.promise.catch(() => {})
const overall = setTimeout(() => ended.reject(new Error(`not within ${overallMillis} ms`)), overallMillis)
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => ended.reject(new Error(`ended by ${signal}`)))
}

let server: RestartableServer | undefined
const checks: Array<Check> = []
let failure: string | undefined
try {
  const { values, positionals } = parseArgs({ options: { seed: { type: "string" } }, allowPositionals: true })
  const seed = seedOf(values.seed)
  const named = namedServer(positionals[0])
  say(`the seed of all chance is ${seed}; --seed ${seed} draws the same again`)
  if (named === undefined) {
    server = await RestartableServer.prepare()
    await Promise.race([server.start(), ended.promise])
    say(`a server of our own runs on ${server.url} as process ${server.pid}, data in ${server.dataDir}`)
  } else {
    say(`using the server on ${named}`)
  }
  await Promise.race([play(named ?? server?.url ?? "", server, new Chance(seed), checks), ended.promise])
} catch (error) {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : ""
  failure = `${error instanceof Error ? error.message : error}${cause}`
}
clearTimeout(overall)
const log = server?.log ?? ""
const end = await server?.stop()
if (end !== undefined) say(`${end}; its data is removed`)
if (log !== "") print(`\nThe server's own log:\n${log}`)
const hasHeld = showVerdict(checks, failure, server !== undefined)
close()
process.exit(hasHeld ? 0 : 1)
