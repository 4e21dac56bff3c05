/** `conversation.sync` as a device uses it: page by page until there is no more (protocol.md section 1.7). */
import { expect } from "vitest"
import { type Message, range, seqsOf } from "./Frames.ts"
import type { Peer } from "./Peer.ts"

export interface Synced {
  readonly conversationID: string
  readonly seq: number
  readonly readSeq: number
  readonly unread: number
  readonly messages: ReadonlyArray<Message>
  readonly hasMore: boolean
}

export interface SyncPage {
  readonly cursor: string
  readonly hasMore: boolean
  readonly conversations: ReadonlyArray<Synced>
}

export interface SyncRequest {
  readonly cursor?: string
  readonly conversations?: Readonly<Record<string, number>>
  readonly newest?: number
  readonly limit?: number
}

/** More pages than any test asks for: a server that never ends is told apart from a patient one. */
const pagesMax = 500

/** Asks until `hasMore` is false; each conversation comes with the messages of all pages. */
export const syncAll = async (
  peer: Peer,
  { cursor, ...rest }: SyncRequest
): Promise<{
  readonly cursor: string
  readonly pages: ReadonlyArray<SyncPage>
  readonly conversations: ReadonlyArray<Synced>
}> => {
  const pages: Array<SyncPage> = []
  const merged = new Map<string, Synced>()
  let at = cursor
  for (;;) {
    const page: SyncPage = await peer.ask("conversation.sync", at === undefined ? rest : { ...rest, cursor: at })
    pages.push(page)
    for (const one of page.conversations) {
      const messages = [...(merged.get(one.conversationID)?.messages ?? []), ...one.messages]
      // Ascending and without a gap, over the pages, too.
      const [first = 0] = seqsOf(messages)
      expect(seqsOf(messages)).toEqual(range(first, first + messages.length - 1))
      merged.set(one.conversationID, { ...one, messages })
    }
    at = page.cursor
    if (!page.hasMore) return { cursor: at, pages, conversations: [...merged.values()] }
    if (pages.length === pagesMax) throw new Error(`conversation.sync does not end after ${pagesMax} pages`)
  }
}

/** Where the caller stands in this conversation: its last message, the read position and what is unread. */
export const stateOf = async (peer: Peer, conversationID: string): Promise<Synced> => {
  const { conversations } = await syncAll(peer, { newest: 1 })
  const found = conversations.find((one) => one.conversationID === conversationID)
  if (found === undefined) throw new Error(`conversation.sync does not know ${conversationID}`)
  return found
}
