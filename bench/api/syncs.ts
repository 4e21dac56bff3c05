/** How long a device takes to find what it missed: `conversation.sync`, page after page, until there is no more. */
import type { SyncedConversation } from "../../src/domain/conversations/Sync.ts"
import type { ApiServer } from "./ApiServer.ts"
import { Client } from "./Client.ts"
import { type Measured, repeated, type Times } from "./Measured.ts"

/** Every sync begins at the same cursor, and so finds the same messages. */
export const measureSyncs = async ({ url, parts, store }: ApiServer, times: Times): Promise<Measured> => {
  const client = await Client.open(url, store.syncer, "once")
  const walk = (onPage: (frame: string) => void) => walked(client, store.cursor, onPage)
  try {
    await verify(walk)
    return await repeated({ parts, ...times }, () => walk(() => {}))
  } finally {
    client.close()
  }
}

/** The head of an answer, which is not parsed: the generator shares the machine with the server. */
const head = /^.{0,120}"data":\{"cursor":"([^"]+)","hasMore":(true|false)/

const walked = async (client: Client, from: string, onPage: (frame: string) => void): Promise<void> => {
  let cursor = from
  for (let page = 1; ; page++) {
    const frame = await client.ask({ id: `page ${page}`, method: "conversation.sync", data: { cursor } })
    const [, next, hasMore] = head.exec(frame) ?? []
    if (next === undefined) throw new Error(`not a page: ${frame.slice(0, 300)}`)
    onPage(frame)
    if (hasMore === "false") return
    cursor = next
  }
}

type Wire = (typeof SyncedConversation)["Encoded"]

/** Everything that was missed must be there, in order, once. */
const verify = async (walk: (onPage: (frame: string) => void) => Promise<void>): Promise<void> => {
  const seqs = new Map<string, number>()
  const ends = new Map<string, number>()
  await walk((frame) => {
    const { data } = JSON.parse(frame) as { readonly data: { readonly conversations: Array<Wire> } }
    for (const { conversationID, seq: end, messages } of data.conversations) {
      ends.set(conversationID, end)
      for (const { seq } of messages) {
        const before = seqs.get(conversationID) ?? end / 2
        if (seq !== before + 1) throw new Error(`${conversationID} goes from ${before} to ${seq}`)
        seqs.set(conversationID, seq)
      }
    }
  })
  for (const [id, end] of ends) if (seqs.get(id) !== end) throw new Error(`${id} was not synced to its end`)
}
