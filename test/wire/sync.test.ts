/** What a device missed is found again: `conversation.sync` (protocol.md sections 1.6, 1.7 and 4). */
import { beforeAll, describe, expect, it } from "vitest"
import type { User } from "./support/Accounts.ts"
import { chat, conversationOf, freshId, type Message, range, request, seqsOf, type } from "./support/Frames.ts"
import { newestOf } from "./support/History.ts"
import { Peer } from "./support/Peer.ts"
import { user } from "./support/Stage.ts"
import { type Synced, type SyncPage, syncAll } from "./support/Sync.ts"

const [kurt, lisa, bob] = [user("kurt"), user("lisa"), user("bob")]
const [withKurt, withBob, ofOthers] = [conversationOf(lisa, kurt), conversationOf(lisa, bob), conversationOf(kurt, bob)]

const sends = async (sender: Peer, receiver: User, count: number): Promise<ReadonlyArray<Message>> => {
  const frames = range(1, count).map((number) => chat(freshId(`missed-${number}`), receiver, `message ${number}`))
  for (const frame of frames) await sender.send(frame)
  return Promise.all(frames.map(async ({ id }) => ({ clientId: id, ...(await sender.settled(id)).data })))
}

/** A cursor that says that this connection's user has seen everything. */
const upToDate = async (peer: Peer): Promise<string> => (await syncAll(peer, {})).cursor

const sync = (peer: Peer, data: object): Promise<SyncPage> => peer.ask("conversation.sync", data)

const find = (conversations: ReadonlyArray<Synced>, conversationID: string) =>
  conversations.find((one) => one.conversationID === conversationID)

describe("conversation.sync", () => {
  beforeAll(async () => {
    // What everybody has from the start, so that no test depends on another.
    const open = (who: User) => Peer.open(who, { ack: "once" })
    await sends(await open(kurt), lisa, 4)
    await sends(await open(bob), lisa, 3)
    await sends(await open(kurt), bob, 2)
  })

  it("without a cursor counts everything as missed, of the caller's conversations and no others", async () => {
    const peer = await Peer.open(lisa)
    const { conversations, pages } = await syncAll(peer, {})
    expect(conversations.map(({ conversationID }) => conversationID).toSorted()).toEqual([withKurt, withBob].toSorted())
    for (const { conversationID, seq, messages } of conversations) {
      expect(messages).toEqual(await newestOf(peer, conversationID))
      expect(seqsOf(messages)).toEqual(range(1, seq))
    }
    for (const { cursor } of pages) expect(cursor.length).toBeLessThanOrEqual(256)
  })

  it("gives an offline device what it missed, across conversations, and nothing that it has", async () => {
    const tablet = await Peer.open(lisa)
    const phone = await Peer.open(lisa)
    const cursor = await upToDate(tablet)
    expect(await sync(tablet, { cursor })).toMatchObject({ hasMore: false, conversations: [] })
    await tablet.cut()
    const fromKurt = await sends(await Peer.open(kurt), lisa, 3)
    const toBob = await sends(phone, bob, 2)
    const again = await Peer.open(lisa, { device: tablet.device })
    const { conversations, cursor: next } = await syncAll(again, { cursor })
    expect(conversations).toHaveLength(2)
    expect(find(conversations, withKurt)).toMatchObject({ seq: fromKurt[2]?.seq, messages: fromKurt })
    expect(find(conversations, withBob)).toMatchObject({ seq: toBob[1]?.seq, messages: toBob })
    expect((await sync(again, { cursor: next })).conversations).toEqual([])
    // The old cursor still works: it is a position, not a ticket.
    expect((await syncAll(again, { cursor })).conversations).toEqual(conversations)
  })

  it("comes in pages: limit bounds the messages of all conversations together, hasMore says to go on", async () => {
    const peer = await Peer.open(lisa)
    const cursor = await upToDate(peer)
    const missed = [...(await sends(await Peer.open(kurt), lisa, 7)), ...(await sends(await Peer.open(bob), lisa, 6))]
    const { conversations, pages } = await syncAll(peer, { cursor, limit: 4 })
    expect(pages.length).toBeGreaterThanOrEqual(4)
    for (const [index, page] of pages.entries()) {
      const count = page.conversations.flatMap(({ messages }) => messages).length
      expect(count).toBeLessThanOrEqual(4)
      expect(page.hasMore).toBe(index < pages.length - 1)
      if (page.hasMore) expect(count).toBeGreaterThan(0)
      for (const { seq, messages, hasMore } of page.conversations) {
        expect(hasMore).toBe(messages.length > 0 && messages.at(-1)!.seq < seq)
      }
    }
    const got = conversations.flatMap(({ messages }) => messages)
    expect(new Set(got.map(({ messageId }) => messageId)).size).toBe(13)
    expect(got).toHaveLength(13)
    for (const { conversationID } of conversations) {
      const expected = missed.filter((message) => message.conversationID === conversationID)
      expect(find(conversations, conversationID)?.messages).toMatchObject(expected)
    }
  })

  it("loses nothing that is written while its pages are read", async () => {
    const [peer, writer] = [await Peer.open(lisa), await Peer.open(kurt)]
    const cursor = await upToDate(peer)
    const missed = [...(await sends(writer, lisa, 5))]
    const seen = new Set<number>()
    let at = cursor
    for (let hasMore = true; hasMore; ) {
      const page = await sync(peer, { cursor: at, limit: 2 })
      for (const { messages } of page.conversations) for (const { seq } of messages) seen.add(seq)
      ;({ cursor: at, hasMore } = page)
      if (missed.length < 8) missed.push(...(await sends(writer, lisa, 1)))
    }
    for (const { messages } of (await syncAll(peer, { cursor: at })).conversations) {
      for (const { seq } of messages) seen.add(seq)
    }
    expect([...seen].toSorted((a, b) => a - b)).toEqual(seqsOf(missed))
  })

  it("gives a new device that sets newest so many messages of each conversation at most", async () => {
    const peer = await Peer.open(lisa)
    for (const limit of [200, 3, 2, 1]) {
      const { conversations, cursor } = await syncAll(peer, { newest: 2, limit })
      expect(conversations).toHaveLength(2)
      for (const { conversationID, seq, messages } of conversations) {
        expect(messages).toEqual((await newestOf(peer, conversationID)).slice(-2))
        expect(messages.at(-1)?.seq).toBe(seq)
      }
      expect((await sync(peer, { cursor })).conversations).toEqual([])
    }
  })

  it("gives newest no meaning where there is a cursor", async () => {
    const peer = await Peer.open(lisa)
    const cursor = await upToDate(peer)
    const missed = await sends(await Peer.open(kurt), lisa, 3)
    const { conversations } = await syncAll(peer, { cursor, newest: 1 })
    expect(conversations).toMatchObject([{ conversationID: withKurt, messages: missed }])
  })

  it("starts where the device says that it is: of the conversations it names, after the given seq", async () => {
    const peer = await Peer.open(lisa)
    const cursor = await upToDate(peer)
    const [first, second, third] = await sends(await Peer.open(kurt), lisa, 3)
    const ahead = await sync(peer, { cursor, conversations: { [withKurt]: second!.seq } })
    expect(find(ahead.conversations, withKurt)).toMatchObject({ seq: third!.seq, messages: [third] })
    const behind = await sync(peer, { cursor: await upToDate(peer), conversations: { [withKurt]: first!.seq - 1 } })
    expect(find(behind.conversations, withKurt)?.messages).toMatchObject([first!, second!, third!])
    expect(find(behind.conversations, withBob)).toBeUndefined()
  })

  it("passes over ids of others' conversations, as it does over those that do not exist", async () => {
    const peer = await Peer.open(lisa)
    const cursor = await upToDate(peer)
    const page = await sync(peer, { cursor, conversations: { [ofOthers]: 0, "1_2": 0, [withKurt]: 1_000_000 } })
    expect(page.hasMore).toBe(false)
    expect(find(page.conversations, ofOthers)).toBeUndefined()
    expect(find(page.conversations, "1_2")).toBeUndefined()
    expect(page.conversations.flatMap(({ messages }) => messages)).toEqual([])
  })
})

describe("conversation.sync refuses with 100002", () => {
  const bad: Record<string, object> = {
    "a cursor that is no text": { cursor: 5 },
    "a cursor that is none of the server's": { cursor: "bm90IG9uZSBvZiB5b3Vycw" },
    "an empty cursor": { cursor: "" },
    "a cursor of 257 characters": { cursor: "a".repeat(257) },
    "a limit of 201": { limit: 201 },
    "a limit of 0": { limit: 0 },
    "a newest of 201": { newest: 201 },
    "a negative seq": { conversations: { [withKurt]: -1 } },
    "501 conversations": { conversations: Object.fromEntries(range(1, 501).map((number) => [`1_${number + 1}`, 0])) }
  }
  for (const [what, data] of Object.entries(bad)) {
    it(what, async () => {
      const peer = await Peer.open(lisa)
      const err = await peer.settle(request("conversation.sync", data))
      expect(err).toMatchObject({ frameType: type.err, data: { code: 100002, method: "conversation.sync" } })
    })
  }

  it("the cursor of another user, also one from the middle of pages", async () => {
    const [owner, other] = [await Peer.open(lisa), await Peer.open(kurt)]
    const middle = await sync(owner, { limit: 1 })
    expect(middle.hasMore).toBe(true)
    for (const cursor of [middle.cursor, await upToDate(owner)]) {
      const err = await other.settle(request("conversation.sync", { cursor }))
      expect(err).toMatchObject({ frameType: type.err, data: { code: 100002 } })
    }
  })

  it("a cursor of the server's that was changed in any letter, or gives nothing that is not the caller's", async () => {
    const peer = await Peer.open(lisa)
    const { cursor } = await sync(peer, { limit: 1 })
    for (const index of range(0, cursor.length - 1).filter((at) => at % 7 === 0)) {
      const letter = cursor[index] === "A" ? "B" : "A"
      const answer = await peer.settle(
        request("conversation.sync", { cursor: cursor.slice(0, index) + letter + cursor.slice(index + 1) })
      )
      // Another term is another past of the store.
      if (answer.frameType === type.err) expect([100002, 300013]).toContain(answer.data.code)
      else {
        const page: SyncPage = answer.data
        for (const { conversationID } of page.conversations) expect([withKurt, withBob]).toContain(conversationID)
      }
    }
  })
})
