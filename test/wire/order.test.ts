/** Order: of the messages of a conversation, and of the commands of a connection (protocol.md sections 1.4 and 4). */
import { describe, expect, it } from "vitest"
import type { User } from "./support/Accounts.ts"
import {
  chat,
  confirmation,
  conversationOf,
  freshId,
  isAck,
  isErr,
  isPushOf,
  range,
  request,
  seqsOf,
  type
} from "./support/Frames.ts"
import { newestOf, storedAs } from "./support/History.ts"
import { type AckMode, Peer } from "./support/Peer.ts"
import { user } from "./support/Stage.ts"
import { stateOf } from "./support/Sync.ts"

const [kurt, ivan, carl] = [user("kurt"), user("ivan"), user("carl")]
const conversationID = conversationOf(kurt, ivan)

const openRigor = () => Peer.open(kurt, { ack: "rigor" })

/** Sends a text and waits for the server's ack of it, which it leaves unconfirmed. */
const begin = async (peer: Peer, label: string) => {
  const id = freshId(label)
  await peer.send(chat(id, ivan, id))
  await peer.find("the server's ack", isAck(id, 1))
  return id
}

describe("a conversation", () => {
  it("numbers what all devices of both write at once 1, 2, 3 … without a gap, in one order for both", async () => {
    const writers: ReadonlyArray<readonly [sender: User, receiver: User, ack: AckMode]> = [
      [kurt, ivan, "once"],
      [kurt, ivan, "rigor"],
      [ivan, kurt, "rigor"],
      [ivan, kurt, "none"]
    ]
    const written = await Promise.all(
      writers.map(async ([sender, receiver, ack]) => {
        const peer = await Peer.open(sender, { ack })
        const ids = range(1, 20).map((number) => freshId(`${ack}-${number}`))
        for (const id of ids) await peer.send(chat(id, receiver, id))
        if (ack !== "none") await Promise.all(ids.map((id) => peer.settled(id)))
        return ids
      })
    )
    const [one, other] = [await Peer.open(kurt), await Peer.open(ivan)]
    // Those of mode none have no ack: they are there when the history has them.
    await expect.poll(async () => (await storedAs(one, conversationID, written.flat())).length).toBe(80)
    const stored = await newestOf(one, conversationID)
    expect(await newestOf(other, conversationID)).toEqual(stored)
    expect(seqsOf(stored)).toEqual(range(stored.at(-1)!.seq - stored.length + 1, stored.at(-1)!.seq))
    for (const ids of written) {
      expect(stored.map(({ clientId }) => clientId).filter((id) => ids.includes(id))).toEqual(ids)
    }
  })
})

/** Sends all frames at once; in mode rigor their confirmations in the reverse order. */
const sendAtOnce = async (peer: Peer, frames: ReadonlyArray<ReturnType<typeof request>>) => {
  for (const frame of frames) await peer.send(frame)
  if (peer.ready.ack !== "rigor") return
  const wanted = frames.filter(({ frameType }) => frameType !== type.noAck).toReversed()
  for (const { id } of wanted) await peer.find("the server's ack", isAck(id, 1))
  for (const { id } of wanted) await peer.send(confirmation(id))
}

describe("messages of one connection take effect in the order of receipt", () => {
  for (const ack of ["none", "once", "rigor"] as const) {
    it(`those that want acks and those that do not, with a markRead between them, on a busy server (${ack})`, async () => {
      const [peer, receiver, busy] = [await Peer.open(kurt, { ack }), await Peer.open(ivan), await Peer.open(kurt)]
      const { seq } = (await receiver.settle(chat(freshId("zero"), kurt, "zero"))).data
      for (const number of range(1, 25)) await busy.send(chat(freshId(`busy-${number}`), carl, "busy"))
      const noAck = { ...chat(freshId("second"), ivan, "second"), frameType: type.noAck }
      const mark = request("conversation.markRead", { conversationID, seq })
      const last = chat(freshId("third"), ivan, "third")
      await sendAtOnce(peer, [chat(freshId("first"), ivan, "first"), noAck, mark, last])
      await receiver.find("the last push", isPushOf(last.id))
      const texts = (await newestOf(peer, conversationID)).slice(-4).map(({ content }) => content)
      expect(texts).toEqual(["zero", "first", "second", "third"])
      if (ack !== "none") await peer.find("the last ack", isAck(mark.id, ack === "rigor" ? 3 : 1))
      await peer.barrier()
      expect(peer.all(isErr(mark.id))).toEqual([])
    })
  }

  it("and in mode rigor a confirmed markRead waits for those before it as well", async () => {
    const [peer, writer] = [await openRigor(), await Peer.open(ivan)]
    const { seq } = (await writer.settle(chat(freshId("read"), kurt, "read me"))).data
    const before = await begin(peer, "before")
    const mark = request("conversation.markRead", { conversationID, seq })
    await peer.send(mark)
    await peer.find("the server's ack", isAck(mark.id, 1))
    await peer.send(confirmation(mark.id))
    await peer.barrier()
    expect(await stateOf(peer, conversationID)).toMatchObject({ seq, unread: 1 })
    await peer.send(confirmation(before))
    await peer.find("the last ack of markRead", isAck(mark.id, 3))
    await peer.find("the last ack of the message", isAck(before, 3))
    expect(await stateOf(peer, conversationID)).toMatchObject({ seq: seq + 1, unread: 0 })
  })
})

describe("in mode rigor a frame that is sent again", () => {
  it("while it waits, confirmed, for one before it keeps its place, and has one last ack", async () => {
    const peer = await openRigor()
    const [before, waiting] = [await begin(peer, "before"), await begin(peer, "waiting")]
    await peer.send(confirmation(waiting))
    await peer.send(chat(waiting, ivan, waiting))
    await peer.send(chat(waiting, ivan, "another content"))
    expect((await peer.find("an err frame", isErr(waiting))).data).toMatchObject({ code: 100007 })
    await peer.send(confirmation(waiting))
    await peer.barrier()
    expect(await storedAs(peer, conversationID, [before, waiting])).toEqual([])
    await peer.send(confirmation(before))
    const ends = [await peer.find("the end", isAck(before, 3)), await peer.find("the end", isAck(waiting, 3))]
    expect(ends[1]?.data.seq).toBe(ends[0]?.data.seq + 1)
    expect(await storedAs(peer, conversationID, [waiting])).toMatchObject([{ content: waiting }])
  })

  it("right behind its confirmation is answered again, with the same result", async () => {
    const peer = await openRigor()
    const id = await begin(peer, "behind")
    await peer.send(confirmation(id))
    await peer.send(chat(id, ivan, id))
    await peer.find("the last ack", isAck(id, 3))
    await peer.send(confirmation(id))
    const ends = await peer.count("last acks", isAck(id, 3), 2)
    expect(ends[1]?.data).toEqual(ends[0]?.data)
    expect(await storedAs(peer, conversationID, [id])).toHaveLength(1)
  })

  it("as a frame that wants acks, while its noAck frame waits, gets them", async () => {
    const peer = await openRigor()
    const before = await begin(peer, "before")
    const id = freshId("noAck")
    await peer.send({ ...chat(id, ivan, id), frameType: type.noAck })
    await peer.send(chat(id, ivan, id))
    await peer.find("the server's ack", isAck(id, 1))
    await peer.send(confirmation(id))
    await peer.send(confirmation(before))
    const end = await peer.find("the last ack", isAck(id, 3))
    expect(await storedAs(peer, conversationID, [id])).toMatchObject([end.data])
  })
})
