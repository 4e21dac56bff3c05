/** A chapter of the conversation: both users begin to send at once, and it ends when everything is answered. */
import { say } from "../harness/Transcript.ts"
import { within } from "../harness/Waiting.ts"
import type { ChatClient } from "./ChatClient.ts"
import { contentsOf } from "./Contents.ts"
import { outgoing } from "./Outgoing.ts"

const messagesPerChapter = 52
/** Every so many messages are sent twice with the same id. */
const repeatEvery = 10
const exchangeMillis = 30_000

/** Begins to send a chapter: several messages in flight, every tenth twice with the same id. */
export const write = (client: ChatClient): void => {
  const { name } = client.account
  const { size: before } = client.outbox
  const contents = contentsOf(name, before + messagesPerChapter).slice(before)
  // Both users choose the same ids on purpose: an id is the sender's own.
  const messages = contents.map((content, index) =>
    outgoing(`m-${String(before + index + 1).padStart(3, "0")}`, content)
  )
  client.enqueue(messages.flatMap((message, index) => (index % repeatEvery === 4 ? [message, message] : [message])))
  const bytes = contents.reduce((sum, content) => sum + Buffer.byteLength(content), 0)
  say(`${name} begins to send ${contents.length} messages, ${Math.round(bytes / 1024)} KiB of content`)
}

/** Waits until everything is sent and answered, or until waiting is of no use; answers whether to go on. */
export const finish = async (clients: ReadonlyArray<ChatClient>): Promise<boolean> => {
  const isBroken = () => clients.some((client) => client.isBroken())
  await within(exchangeMillis, () => clients.every((client) => client.isSettled()) || isBroken())
  for (const client of clients) {
    const repeats = [...client.outbox.values()].reduce((sum, message) => sum + message.repeats, 0)
    const delays = client.delays === 0 ? "" : `; ${client.delays} times the server asked to wait`
    say(`${client.account.name} has ${client.acknowledged().length} acks and ${repeats} repeated acks${delays}`)
  }
  return clients.every((client) => client.isSettled()) && !isBroken()
}
