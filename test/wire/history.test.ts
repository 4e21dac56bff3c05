/** `conversation.history` both ways (protocol.md section 1.6). */
import { beforeAll, describe, expect, it } from "vitest"
import { chat, conversationOf, freshId, type Message, range, request, seqsOf, type } from "./support/Frames.ts"
import { Peer } from "./support/Peer.ts"
import { user } from "./support/Stage.ts"

const [dora, faye, kurt] = [user("dora"), user("faye"), user("kurt")]
const conversationID = conversationOf(dora, faye)
const total = 12

interface Page {
  readonly conversationID: string
  readonly messages: ReadonlyArray<Message>
  readonly hasMore: boolean
}

const pageOf = (peer: Peer, bounds: object): Promise<Page> =>
  peer.ask("conversation.history", { conversationID, ...bounds })

describe("conversation.history", () => {
  beforeAll(async () => {
    const peers = [await Peer.open(dora, { ack: "once" }), await Peer.open(faye, { ack: "once" })] as const
    for (const number of range(1, total)) {
      const [sender, receiver] = number % 3 === 0 ? [peers[1], dora] : [peers[0], faye]
      await sender.settle(chat(freshId(`history-${number}`), receiver, `message ${number}`))
    }
  })

  const pages: Record<string, readonly [bounds: object, from: number, to: number, hasMore: boolean]> = {
    "the newest without bounds": [{}, 1, total, false],
    "the newest of a limit": [{ limit: 5 }, total - 4, total, true],
    "exactly all": [{ limit: total }, 1, total, false],
    "all but one": [{ limit: total - 1 }, 2, total, true],
    "the newest before a seq, which is excluded": [{ beforeSeq: 8, limit: 3 }, 5, 7, true],
    "up to the first": [{ beforeSeq: 4, limit: 3 }, 1, 3, false],
    "nothing before the first": [{ beforeSeq: 1 }, 1, 0, false],
    "the oldest after a seq, which is excluded": [{ afterSeq: 3, limit: 4 }, 4, 7, true],
    "from the first": [{ afterSeq: 0, limit: 4 }, 1, 4, true],
    "up to the last": [{ afterSeq: total - 4, limit: 4 }, total - 3, total, false],
    "nothing after the last": [{ afterSeq: total }, 1, 0, false],
    "what lies between two bounds": [{ afterSeq: 2, beforeSeq: 6 }, 3, 5, false],
    "a page of what lies between two bounds": [{ afterSeq: 2, beforeSeq: 9, limit: 2 }, 3, 4, true]
  }
  for (const [what, [bounds, from, to, hasMore]] of Object.entries(pages)) {
    it(`gives ${what}: ${JSON.stringify(bounds)}`, async () => {
      for (const who of [dora, faye]) {
        const page = await pageOf(await Peer.open(who), bounds)
        expect(seqsOf(page.messages)).toEqual(range(from, to))
        expect(page).toMatchObject({ conversationID, hasMore })
      }
    })
  }

  it("is the same for both members, message by message", async () => {
    const [one, other] = [await pageOf(await Peer.open(dora), {}), await pageOf(await Peer.open(faye), {})]
    expect(one).toEqual(other)
    for (const message of one.messages) {
      const [sender, receiver] = message.seq % 3 === 0 ? [faye, dora] : [dora, faye]
      expect(message).toMatchObject({ conversationID, sendId: sender.id, receiveId: receiver.id, messageType: 0 })
      expect(message.content).toBe(`message ${message.seq}`)
    }
    expect(new Set(one.messages.map(({ messageId }) => messageId)).size).toBe(total)
  })

  it("is whole when it is read page by page, backwards and forwards", async () => {
    const peer = await Peer.open(faye)
    const backwards: Array<number> = []
    for (let hasMore = true, beforeSeq: number | undefined; hasMore; beforeSeq = backwards[0]) {
      const page = await pageOf(peer, { limit: 5, ...(beforeSeq === undefined ? {} : { beforeSeq }) })
      backwards.unshift(...seqsOf(page.messages))
      ;({ hasMore } = page)
    }
    const forwards: Array<number> = []
    for (let hasMore = true; hasMore; ) {
      const page = await pageOf(peer, { limit: 5, afterSeq: forwards.at(-1) ?? 0 })
      forwards.push(...seqsOf(page.messages))
      ;({ hasMore } = page)
    }
    expect(backwards).toEqual(range(1, total))
    expect(forwards).toEqual(range(1, total))
  })

  for (const bounds of [{ limit: 201 }, { limit: 0 }, { afterSeq: -1 }, { beforeSeq: "9" }, { conversationID: 5 }]) {
    it(`is refused with 100002 for ${JSON.stringify(bounds)}`, async () => {
      const peer = await Peer.open(dora)
      const err = await peer.settle(request("conversation.history", { conversationID, ...bounds }))
      expect(err).toMatchObject({ frameType: type.err, data: { code: 100002, method: "conversation.history" } })
    })
  }

  it("of others is refused like one that does not exist", async () => {
    const stranger = await Peer.open(kurt)
    const theirs = await stranger.settle(request("conversation.history", { conversationID }))
    const nobodys = await stranger.settle(request("conversation.history", { conversationID: "1_2" }))
    expect(theirs).toMatchObject({ frameType: type.err, data: { code: 300001 } })
    expect(nobodys.data).toEqual(theirs.data)
  })
})
