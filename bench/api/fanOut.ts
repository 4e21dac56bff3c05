/** The cost of a message into a large group whose members are all online, and the time until the last has it. */
import type { GroupServer } from "./ApiServer.ts"
import { Client } from "./Client.ts"
import { type Measured, repeated, type Times } from "./Measured.ts"

/** Handshakes under way at once. */
const openingMax = 50
const arrivalMillisMax = 30_000
const content = "a message of about a hundred letters, as people write them to each other many times a day, or so"

/** One message at a time, by the first member; with `acks` each of the others acknowledges every push at once. */
export const measureFanOut = async (
  { url, parts, store }: GroupServer,
  acks: boolean,
  times: Times
): Promise<Measured> => {
  const clients: Array<Client> = []
  try {
    for (let from = 0; from < store.members.length; from += openingMax) {
      const some = store.members.slice(from, from + openingMax)
      clients.push(...(await Promise.all(some.map((login) => Client.open(url, login, acks ? "once" : "none")))))
    }
    const [sender, ...receivers] = clients
    if (sender === undefined) throw new Error("nobody is there")
    const name = `${performance.now()}`
    return await repeated({ parts, ...times }, async (index) => {
      const id = `${name} ${index}`
      const arrived = arrival(receivers, id, acks)
      sender.send(
        JSON.stringify({
          id,
          method: "conversation.chat",
          data: { chatType: 0, receiveId: store.groupId, message: { messageType: 0, content } }
        })
      )
      await arrived
    })
  } finally {
    for (const client of clients) client.close()
  }
}

/** When everybody has the message of this id, once each. */
const arrival = (receivers: ReadonlyArray<Client>, id: string, acks: boolean): Promise<void> =>
  new Promise((resolve, reject) => {
    let missing = receivers.length
    const timer = setTimeout(() => reject(new Error(`${missing} members do not have it`)), arrivalMillisMax)
    let ack: string | undefined
    for (const client of receivers) {
      client.onPush = (frame) => {
        if (!frame.includes(`"clientId":"${id}"`)) return reject(new Error(`unexpected push: ${frame}`))
        if (acks) {
          ack ??= ackOf(frame)
          client.send(ack)
        }
        client.onPush = (again) => reject(new Error(`pushed twice: ${again}`))
        missing -= 1
        if (missing > 0) return
        clearTimeout(timer)
        resolve()
      }
    }
  })

/** The ack of a push (protocol.md section 1.5): the same for all who get it. */
const ackOf = (frame: string): string => {
  const { id, data } = JSON.parse(frame)
  const { conversationID, seq } = data
  return JSON.stringify({ id, frameType: 2, ackSeq: 1, data: { conversationID, seq } })
}
