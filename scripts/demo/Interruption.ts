/** The middle of the demo: the server is killed with sends in flight, started again, and its clients come back. */
import type { Chance } from "../harness/Chance.ts"
import type { RestartableServer } from "../harness/RestartableServer.ts"
import { detail, say, took } from "../harness/Transcript.ts"
import { until } from "../harness/Waiting.ts"
import type { StoredMessage } from "../harness/Wire.ts"
import type { ChatClient } from "./ChatClient.ts"
import { type Check, proveKept } from "./Proof.ts"

const patienceMillis = 30_000
/** The kill comes with one of the first so many acks of a chapter. */
const acksMax = 30
/** So many acks before the kill one of the two has gone deaf. */
const deafAcks = 6
/** Acknowledged messages that each client sends again after each interruption. */
const againPerUser = 12

/**
 * Arms the interruption, to be called before a chapter is sent: `kill -9`, or both sockets cut where the server is not
 * the demo's own (`undefined`), at some ack for the listener. Ends when both sockets are gone.
 */
export const interrupt = async (
  listener: ChatClient,
  deaf: ChatClient,
  server: RestartableServer | undefined,
  chance: Chance
): Promise<void> => {
  const clients = [listener, deaf]
  const pid = server?.pid
  const target = chance.between(1, acksMax)
  let acks = 0
  let flying = ""
  // A network loses answers, too: messages are stored whose ack is never seen, and pushes do not arrive.
  if (target <= deafAcks) deaf.loseAnswers()
  const strike = () => {
    server?.kill()
    for (const client of clients) client.expectCut()
    flying = clients.map((client) => `${client.account.name} ${client.inFlight()}`).join(", ")
  }
  // In the very moment of an ack, because one that was sent too early is betrayed only by a kill that is fast enough.
  listener.onAck = () => {
    acks += 1
    if (acks === target - deafAcks) deaf.loseAnswers()
    if (acks === target) strike()
  }
  await until("the acks of a chapter", patienceMillis, () => flying !== "" || listener.isBroken())
  if (flying === "") strike()
  listener.onAck = () => {}
  await server?.killed()
  for (const client of clients) await client.cut()
  if (server !== undefined) say(`✂ kill -9 ${pid}; sends in flight at that moment: ${flying}`)
  else say(`✂ both sockets cut, no close frame; sends in flight at that moment: ${flying}`)
  for (const client of clients) {
    const { length: acked } = client.acknowledged()
    const { length: unknown } = client.unacknowledged()
    const unsent = client.outbox.size - acked - unknown
    detail(`${client.account.name}: ${acked} acknowledged, ${unknown} sent but unacknowledged, ${unsent} not sent yet`)
  }
}

/** Starts the server again and connects with the same tokens; nothing is sent yet. */
export const comeBack = async (
  clients: ReadonlyArray<ChatClient>,
  server: RestartableServer | undefined
): Promise<void> => {
  const since = performance.now()
  await server?.start()
  for (const client of clients) {
    client.hold()
    await client.connect()
  }
  const names = clients.map(({ account }) => account.name).join(" and ")
  if (server !== undefined) say(`the server is back as process ${server.pid} after ${took(since)}`)
  say(`${names} are connected again, with the tokens that they had`)
}

/** Whether what was acknowledged is in the history, before anything that is sent again could repair it. */
export const proveSurvived = async (
  round: number,
  clients: ReadonlyArray<ChatClient>,
  read: () => Promise<ReadonlyArray<StoredMessage>>
): Promise<Check> => {
  const messages = await read()
  const stored = new Set(messages.map((message) => `${message.sendId}/${message.clientId}`))
  for (const client of clients) {
    const unknown = client.unacknowledged()
    const { length: found } = unknown.filter(({ id }) => stored.has(`${client.account.userId}/${id}`))
    detail(`of ${client.account.name}'s ${unknown.length} unacknowledged messages ${found} are stored all the same`)
  }
  return proveKept(`survived ${round}`, clients, [{ reader: "the first reading", messages }])
}

/** Sends again, with the same ids, what is unacknowledged and some of what is not; then goes on with the rest. */
export const sendAgain = (clients: ReadonlyArray<ChatClient>): void => {
  for (const client of clients) {
    const acknowledged = client.acknowledged()
    const step = Math.ceil(acknowledged.length / againPerUser)
    // The newest is always among them: of all acknowledged messages it was in the greatest danger.
    const again = acknowledged.filter((_, index) => (acknowledged.length - 1 - index) % step === 0)
    const { length: unknown } = client.unacknowledged()
    client.requeue(again)
    client.release()
    say(`${client.account.name} sends ${unknown} unacknowledged and ${again.length} acknowledged messages again`)
  }
}
