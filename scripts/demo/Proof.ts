/** The proof: what was promised to the clients against what the histories say. Pure, so that it can be read. */
import type { StoredMessage } from "../harness/Wire.ts"
import type { ChatClient } from "./ChatClient.ts"
import type { LossyLink } from "./LossyLink.ts"
import type { Outgoing } from "./Outgoing.ts"

/** One promise and whether it was kept. */
export interface Check {
  readonly name: string
  readonly held: boolean
  readonly found: string
}

/** One reading of the conversation. */
export interface View {
  readonly reader: string
  readonly messages: ReadonlyArray<StoredMessage>
}

/** One direction of the conversation. */
export interface Pair {
  readonly receiver: ChatClient
  readonly sender: ChatClient
  /** The sender's connection during which both were connected for good; `undefined` when it never came to that. */
  readonly connection: number | undefined
}

/** A message under the name that it has for ever: two users may choose the same id. */
const nameOf = (sendId: string, clientId: string): string => `${sendId}/${clientId}`

const byName = (view: View): ReadonlyMap<string, ReadonlyArray<StoredMessage>> =>
  Map.groupBy(view.messages, (message) => nameOf(message.sendId, message.clientId))

/** An acknowledged message that a history has lost or changed; `undefined` for none. */
const damage = (
  client: ChatClient,
  message: Outgoing,
  stored: ReadonlyArray<StoredMessage> | undefined
): string | undefined => {
  const { receipt, id } = message
  const [found] = stored ?? []
  if (receipt === undefined) return undefined
  if (found === undefined) return `${client.account.name}'s ${id} (seq ${receipt.seq}) is missing`
  const { seq, messageId, conversationID, sendTime } = found
  if (seq !== receipt.seq || messageId !== receipt.messageId) {
    return `${client.account.name}'s ${id} was acknowledged as ${receipt.seq} and is ${seq}`
  }
  if (conversationID !== receipt.conversationID || sendTime !== receipt.sendTime) {
    return `${client.account.name}'s ${id} has another conversation or time than its ack`
  }
  return Buffer.from(found.content).equals(Buffer.from(message.content))
    ? undefined
    : `${client.account.name}'s ${id} has another content`
}

/** The same problem in several readings is told once. */
const check = (name: string, found: ReadonlyArray<string>, held: string): Check => {
  const problems = [...new Set(found)]
  return {
    name,
    held: problems.length === 0,
    found: problems.length === 0 ? held : `${problems.length}: ${problems.slice(0, 3).join("; ")}`
  }
}

/** Whether every message acknowledged so far is in this history, unchanged. */
export const proveKept = (name: string, clients: ReadonlyArray<ChatClient>, views: ReadonlyArray<View>): Check => {
  let count = 0
  const problems = views.flatMap((view) => {
    const stored = byName(view)
    count = 0
    return clients.flatMap((client) =>
      client.acknowledged().flatMap((message) => {
        count += 1
        return damage(client, message, stored.get(nameOf(client.account.userId, message.id))) ?? []
      })
    )
  })
  return check(name, problems, `0 of ${count} acknowledged messages are missing or changed`)
}

/** Whether every frame was answered in the end, repetitions as the first time, and nothing else went wrong. */
export const proveAnswered = (clients: ReadonlyArray<ChatClient>): ReadonlyArray<Check> => {
  const all = clients.flatMap((client) => [...client.outbox.values()])
  const repeats = all.reduce((sum, message) => sum + message.repeats, 0)
  const of = (read: (client: ChatClient) => ReadonlyArray<string>) =>
    clients.flatMap((client) => read(client).map((problem) => `${client.account.name}: ${problem}`))
  const unanswered = of((client) =>
    [...client.outbox.values()].flatMap(({ id, receipt, awaited }) =>
      receipt === undefined ? [`${id} has no ack`] : awaited > 0 ? [`the repetition of ${id} has no ack`] : []
    )
  )
  return [
    check("answered", unanswered, `${all.length} of ${all.length} messages are acknowledged`),
    check(
      "answered alike",
      of(({ contradictions }) => contradictions),
      `${repeats} repeated acks are as the first`
    ),
    check(
      "undisturbed",
      of(({ faults }) => faults),
      "no message was refused, no socket closed, no frame out of place"
    )
  ]
}

/** Whether a history has each message once, nothing that nobody sent, no gap, and each sender's own order. */
export const proveOrder = (clients: ReadonlyArray<ChatClient>, view: View): ReadonlyArray<Check> => {
  const stored = byName(view)
  const sent = new Map(
    clients.flatMap((client) =>
      [...client.outbox.values()].map((message) => [nameOf(client.account.userId, message.id), message] as const)
    )
  )
  const doubled = [...stored].flatMap(([name, found]) => (found.length > 1 ? [`${name} ${found.length} times`] : []))
  const unsent = view.messages.flatMap(({ seq, sendId, clientId }) =>
    sent.has(nameOf(sendId, clientId)) ? [] : [`seq ${seq} is "${clientId}", which ${sendId} never sent with success`]
  )
  const gaps = view.messages.flatMap(({ seq }, index) => (seq === index + 1 ? [] : [`${seq} at place ${index + 1}`]))
  const swapped = clients.flatMap(({ account }) => {
    const own = view.messages.filter((message) => message.sendId === account.userId)
    const orders = own.flatMap(({ clientId }) => {
      const message = sent.get(nameOf(account.userId, clientId))
      return message === undefined || message.isOvertaken ? [] : (message.order ?? [])
    })
    return orders.flatMap((order, index) => {
      const before = orders[index - 1] ?? 0
      return order < before ? [`${account.name}'s ${order} comes after their ${before}`] : []
    })
  })
  return [
    check("doubled", doubled, `each of ${stored.size} ids is stored once, though many were sent twice or more`),
    check("unsent", unsent, "nothing is stored that was refused or never sent"),
    check("gaps", gaps, `seq runs 1 … ${view.messages.length}`),
    check("order", swapped, "each sender's messages are in the order in which they were first sent")
  ]
}

/** Whether all have read the same. */
export const proveSame = (views: ReadonlyArray<View>): Check => {
  const [first, ...others] = views
  const text = JSON.stringify(first?.messages)
  const different = others.filter(({ messages }) => JSON.stringify(messages) !== text)
  return check(
    "same for all",
    different.map(({ reader }) => `${reader} differs from ${first?.reader}`),
    `${views.length} readings are identical: ${views.map(({ reader }) => reader).join(", ")}`
  )
}

/** Messages that had to be pushed to this client and were not: first sent while both were connected for good. */
export const unpushed = ({ receiver, sender, connection }: Pair): ReadonlyArray<Outgoing> =>
  sender
    .acknowledged()
    .filter((message) => message.connection === connection && !receiver.pushes.has(message.receipt?.messageId ?? ""))

/** Whether every push is what the history says, and what was not pushed is found there. */
export const provePushed = (pairs: ReadonlyArray<Pair>, view: View): Check => {
  const stored = new Map(view.messages.map((message) => [message.messageId, message]))
  const problems: Array<string> = []
  const counts: Array<string> = []
  for (const pair of pairs) {
    const { receiver, sender } = pair
    const { name } = receiver.account
    const theirs = view.messages.filter((message) => message.sendId === sender.account.userId)
    const pushed = theirs.filter((message) => receiver.pushes.has(message.messageId))
    counts.push(`${name} ${pushed.length} of ${theirs.length} pushed, ${theirs.length - pushed.length} by history`)
    for (const push of receiver.pushes.values()) {
      if (JSON.stringify(push) === JSON.stringify(stored.get(push.messageId))) continue
      problems.push(`${name} was pushed seq ${push.seq}, which the history does not have like that`)
    }
    for (const { id } of unpushed(pair)) {
      problems.push(`${name} was online and not pushed ${sender.account.name}'s ${id}`)
    }
  }
  return check("pushed", problems, counts.join("; "))
}

/** Whether the link was bad enough to prove anything, and the server left it all of the cutting. */
export const proveLink = (link: LossyLink, returns: number, cutsLeast: number): Check => {
  const { cutCount, lostBytes, serverEnds } = link
  const problems: Array<string> = []
  if (cutCount < cutsLeast) problems.push(`only ${cutCount} cuts, which proves nothing`)
  if (serverEnds > 0) problems.push(`${serverEnds} connections were ended by the server`)
  const lost = `${cutCount} connections cut, ${Math.round(lostBytes / 1024)} KiB lost under way`
  return check("lossy link", problems, `${lost}; the clients came back ${returns} times`)
}
