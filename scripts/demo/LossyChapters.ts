/** The second half of the demo: the clients chat over a link that delays and cuts, and come back by themselves. */
import { readChatLogs } from "../harness/Account.ts"
import type { Chance } from "../harness/Chance.ts"
import type { RestartableServer } from "../harness/RestartableServer.ts"
import { detail, say, took } from "../harness/Transcript.ts"
import { pause, until, within } from "../harness/Waiting.ts"
import { finish, write } from "./Chapter.ts"
import type { ChatClient } from "./ChatClient.ts"
import { proveSurvived } from "./Interruption.ts"
import type { LossyLink } from "./LossyLink.ts"
import { Persistence } from "./Persistence.ts"
import { type Check, proveLink } from "./Proof.ts"

const lossyChapters = 3
/** The chapter in which the server is killed, too, where it is the demo's own. */
const killChapter = 2
const cutsPerChapter = 9
/** A chapter goes on until its cuts have come, but not for ever. */
const portionsMax = 6
/** Fewer cuts in all of the demo would prove nothing. */
const cutsLeast = 20
/** The kill comes after so many cuts of its chapter, with one of the next so many pieces of the server's answers. */
const cutsBeforeKill = 3
const answersMax = 20
const patienceMillis = 30_000
/** For connections that are cut already to be gone, and for the clients to be back. */
const settleMillis = 10_000

/** The participants. */
export interface LossyCast {
  readonly clients: ReadonlyArray<ChatClient>
  readonly conversationID: string
  readonly link: LossyLink
  /** `undefined` where the server is not the demo's own. */
  readonly server: RestartableServer | undefined
  readonly chance: Chance
  /** Chapters before these. */
  readonly chaptersBefore: number
  /** Before each chapter. */
  readonly quietMillis: number
}

/** Plays the chapters over the link; answers whether to go on. `checks` gets what was checked, as it is checked. */
export const chatOverLink = async (cast: LossyCast, checks: Array<Check>): Promise<boolean> => {
  const { clients, link, server, chance } = cast
  const persistences = clients.map((client) => new Persistence(client, link.url, chance.fork()))
  for (const client of clients) {
    await client.cut()
    await client.connect(link.url)
  }
  say(`both clients move behind a bad network: ${link.url}, which delays and cuts`)

  let goesOn = true
  for (let chapter = 1; chapter <= lossyChapters && goesOn; chapter += 1) {
    await pause(cast.quietMillis)
    link.beginCutting(cutsPerChapter)
    for (const client of clients) write(client)
    if (chapter === killChapter && server !== undefined) {
      await killBehind(cast, server)
      checks.push(await proveSurvived(cast.chaptersBefore + chapter, clients, () => readBehind(cast)))
      link.admit()
      link.beginCutting(cutsPerChapter)
    }
    goesOn = await finish(clients)
    for (let portion = 2; portion <= portionsMax && goesOn && link.cutsLeft > 0; portion += 1) {
      for (const client of clients) write(client)
      goesOn = await finish(clients)
    }
    link.stopCutting()
    await within(settleMillis, () => isCalm(cast, persistences))
    tell(link, persistences)
  }

  for (const persistence of persistences) persistence.stop()
  checks.push(proveLink(link, sum(persistences, "returns"), cutsLeast))
  return goesOn
}

/** Whether no cut is still to be noticed, and everybody is connected. */
const isCalm = ({ clients, link }: LossyCast, persistences: ReadonlyArray<Persistence>): boolean =>
  clients.some((client) => client.isBroken()) || (link.isQuiet && persistences.every(({ isHome }) => isHome))

/**
 * While a chapter is being sent: `kill -9` in the moment in which some answer of the server enters the link. What it
 * says then is still delivered, and must be true. Ends when the server is started anew, with the link shut, so that
 * what the server has kept can be read first.
 */
const killBehind = async ({ clients, link, chance }: LossyCast, server: RestartableServer): Promise<void> => {
  const { pid } = server
  const cutsWanted = link.cutCount + cutsBeforeKill
  const target = chance.between(1, answersMax)
  let answers = 0
  let flying = ""
  const strike = () => {
    server.kill()
    link.stopCutting()
    link.shut()
    flying = clients.map((client) => `${client.account.name} ${client.inFlight()}`).join(", ")
  }
  link.onAnswer = () => {
    if (link.cutCount < cutsWanted) return
    answers += 1
    if (answers === target) strike()
  }
  const isOver = () => clients.every((client) => client.isSettled()) || clients.some((client) => client.isBroken())
  await within(patienceMillis, () => flying !== "" || isOver())
  link.onAnswer = () => {}
  if (flying === "") strike()
  await server.killed()
  say(`✂ kill -9 ${pid} behind the link; sends in flight at that moment: ${flying}`)
  await until("the end of what was under way", settleMillis, () => link.size === 0)
  for (const client of clients) {
    const { length: acked } = client.acknowledged()
    detail(`${client.account.name}: ${acked} acknowledged, ${client.unacknowledged().length} sent but unacknowledged`)
  }
  const since = performance.now()
  await server.start()
  say(`the server is back as process ${server.pid} after ${took(since)}; the link is still shut`)
}

/** The history, past the link: nothing of it is sent again before. */
const readBehind = async ({ clients, conversationID }: LossyCast) => {
  const [reader] = clients
  return reader === undefined ? [] : readChatLogs(reader.account, conversationID)
}

const sum = (persistences: ReadonlyArray<Persistence>, what: "returns" | "inVain"): number =>
  persistences.reduce((total, persistence) => total + persistence[what], 0)

/** The counts of the link and the clients so far. */
const tell = (link: LossyLink, persistences: ReadonlyArray<Persistence>): void => {
  const { reset, silenced, halved } = link.cuts
  say(
    `✂ so far the link has cut ${link.cutCount} connections and lost ${Math.round(link.lostBytes / 1024)} KiB under way`
  )
  detail(`${reset} reset, ${silenced} silenced in one direction first, ${halved} cut within a frame or the handshake`)
  detail(
    `the clients came back ${sum(persistences, "returns")} times, after ${sum(persistences, "inVain")} vain attempts`
  )
}
