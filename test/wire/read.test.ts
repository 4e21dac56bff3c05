/** Read positions and what is unread (protocol.md sections 1.6 and 1.7). */
import { describe, expect, it } from "vitest"
import { chat, conversationOf, type Frame, freshId, isPushOf, request, type } from "./support/Frames.ts"
import { Peer } from "./support/Peer.ts"
import { user } from "./support/Stage.ts"
import { stateOf, syncAll } from "./support/Sync.ts"

const [carl, emil, lisa] = [user("carl"), user("emil"), user("lisa")]
const conversationID = conversationOf(carl, emil)

const open = (who: typeof carl) => Peer.open(who, { ack: "once" })

/** The seqs of so many new messages, one after the other. */
const sends = async (sender: Peer, receiver: typeof carl, count: number): Promise<ReadonlyArray<number>> => {
  const seqs: Array<number> = []
  while (seqs.length < count) seqs.push((await sender.settle(chat(freshId("read"), receiver, "read me"))).data.seq)
  return seqs
}

const marks = (peer: Peer, seq: unknown, id: string = conversationID): Promise<Frame> =>
  peer.settle(request("conversation.markRead", { conversationID: id, seq }))

const isRead = (frame: Frame) => frame.method === "conversation.read" && frame.data.conversationID === conversationID

describe("conversation.markRead", () => {
  it("moves the reader's position forward, acked with it, and never back", async () => {
    const [writer, reader] = [await open(carl), await open(emil)]
    const [first = 0, second = 0, third = 0] = await sends(writer, emil, 3)
    for (const [seq, position] of [
      [second, second],
      [first, second],
      [0, second],
      [second, second],
      [third, third]
    ] as const) {
      const ack = await marks(reader, seq)
      expect(ack).toMatchObject({ frameType: type.ack, data: { conversationID, seq: position } })
      expect(await stateOf(reader, conversationID)).toMatchObject({ readSeq: position, unread: third - position })
    }
  })

  it("tells every other connection of both members when the position moved, and only then", async () => {
    const [writer, reader] = [await open(carl), await open(emil)]
    const others = [writer, await open(carl), await open(emil), await open(emil)]
    const [first = 0, second = 0] = await sends(writer, emil, 2)
    for (const seq of [first, first, 0, second]) await marks(reader, seq)
    for (const peer of others) {
      const isSecond = (frame: Frame) => isRead(frame) && frame.data.seq === second
      const last = await peer.find("conversation.read", isSecond)
      expect(last.frameType).not.toBe(type.ack)
      // Frames of one connection keep their order: what the idle commands would have sent would be in between.
      expect(peer.all(isRead).map(({ data }) => data)).toEqual([
        { conversationID, userId: emil.id, seq: first },
        { conversationID, userId: emil.id, seq: second }
      ])
    }
    await marks(others[2]!, second)
    await reader.barrier()
    expect(reader.all(isRead)).toEqual([])
  })

  it("is heard of by a device that was away, from its cursor", async () => {
    const [writer, reader] = [await open(carl), await open(emil)]
    const [seq = 0] = await sends(writer, emil, 1)
    const away = await open(emil)
    const { cursor } = await syncAll(away, {})
    await away.cut()
    await marks(reader, seq)
    const again = await Peer.open(emil, { device: away.device })
    const { conversations } = await syncAll(again, { cursor })
    const changed = conversations.find((one) => one.conversationID === conversationID)
    expect(changed).toMatchObject({ seq, readSeq: seq, unread: 0, messages: [] })
  })

  it("is each reader's own: that of one member does not move the other's", async () => {
    const [one, other] = [await open(carl), await open(emil)]
    const [seq = 0] = await sends(one, emil, 1)
    await marks(one, seq)
    expect((await stateOf(other, conversationID)).readSeq).toBeLessThan(seq)
  })

  for (const [what, seq] of Object.entries({ "past the last message": 1_000_000, negative: -1, "no number": "1" })) {
    it(`is refused with 100002 for a seq that is ${what}, and moves nothing`, async () => {
      const [writer, reader] = [await open(carl), await open(emil)]
      const [last = 0] = await sends(writer, emil, 1)
      const before = await stateOf(reader, conversationID)
      const err = await marks(reader, seq)
      expect(err).toMatchObject({ frameType: type.err, data: { code: 100002, method: "conversation.markRead" } })
      expect(await stateOf(reader, conversationID)).toMatchObject({ seq: last, readSeq: before.readSeq })
    })
  }

  it("past the last message by one is refused, and the last one itself is not", async () => {
    const [writer, reader] = [await open(carl), await open(emil)]
    const [last = 0] = await sends(writer, emil, 1)
    expect((await marks(reader, last + 1)).data).toMatchObject({ code: 100002 })
    expect((await marks(reader, last)).data).toEqual({ conversationID, seq: last })
  })

  it("of a conversation of others is refused as one that does not exist", async () => {
    const [writer, reader, stranger] = [await open(carl), await open(emil), await open(lisa)]
    const [seq = 0] = await sends(writer, emil, 1)
    const theirs = await marks(stranger, seq)
    const nobodys = await marks(stranger, seq, "1_2")
    expect(theirs).toMatchObject({ frameType: type.err, data: { code: 300001 } })
    expect(nobodys.data).toEqual(theirs.data)
    // Nobody was told of it: the reader's own frame is the only one.
    await marks(reader, seq)
    await writer.find("conversation.read", (frame) => isRead(frame) && frame.data.seq === seq)
    expect(writer.all(isRead).map(({ data }) => data.userId)).toEqual([emil.id])
  })
})

describe("unread", () => {
  it("counts the other's messages after the read position, never one's own", async () => {
    const [one, other] = [await open(carl), await open(emil)]
    const seqs = await sends(one, emil, 3)
    await marks(other, seqs[0]!)
    expect(await stateOf(other, conversationID)).toMatchObject({ seq: seqs[2], readSeq: seqs[0], unread: 2 })
    expect((await stateOf(one, conversationID)).unread).toBe(0)
    await marks(other, seqs[2]!)
    expect((await stateOf(other, conversationID)).unread).toBe(0)
    await sends(other, carl, 2)
    expect((await stateOf(other, conversationID)).unread).toBe(0)
    expect((await stateOf(one, conversationID)).unread).toBe(2)
  })

  it("does not change by the ack of a push, which says received and not read", async () => {
    const [writer, reader] = [await open(carl), await open(emil)]
    const [seq = 0] = await sends(writer, emil, 1)
    await marks(reader, seq)
    const id = freshId("received")
    await writer.settle(chat(id, emil, "received, not read"))
    await reader.find("the push, which it acknowledges", isPushOf(id))
    await reader.barrier()
    expect(await stateOf(reader, conversationID)).toMatchObject({ readSeq: seq, unread: 1 })
  })
})
