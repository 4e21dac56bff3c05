/** A connection that breaks between any two steps of an exchange: in the end there is one message (section 1.4, 4). */
import { describe, expect, it } from "vitest"
import { affordable } from "./support/Clocks.ts"
import { chat, confirmation, conversationOf, type Frame, freshId, isAck, isPushOf, request } from "./support/Frames.ts"
import { storedAs } from "./support/History.ts"
import { type AckMode, freshDevice, Peer } from "./support/Peer.ts"
import { user } from "./support/Stage.ts"
import { stateOf } from "./support/Sync.ts"

const [faye, gina] = [user("faye"), user("gina")]
const conversationID = conversationOf(faye, gina)

/** Cuts the connection once the bytes have left, before anything can come back. */
const cutAfterSending = (peer: Peer) =>
  new Promise<void>((resolve) => {
    peer.socket.ping("", true, () => {
      peer.socket.terminate()
      resolve()
    })
  })

type Steps = ReadonlyArray<readonly [what: string, run: (peer: Peer, id: string) => Promise<void>]>

/** What a connection does before it breaks, each a step further than the one before. */
const steps: Record<Exclude<AckMode, "none">, Steps> = {
  rigor: [
    ["before the frame is sent", async () => {}],
    [
      "after the frame, before the server's ack",
      async (peer, id) => {
        await peer.send(chat(id, gina, id))
      }
    ],
    [
      "after the server's ack, before the confirmation",
      async (peer, id) => {
        await peer.send(chat(id, gina, id))
        await peer.find("the server's ack", isAck(id, 1))
      }
    ],
    [
      "after the confirmation, before the last ack",
      async (peer, id) => {
        await peer.send(chat(id, gina, id))
        await peer.find("the server's ack", isAck(id, 1))
        await peer.send(confirmation(id))
      }
    ],
    [
      "after the last ack",
      async (peer, id) => {
        await peer.settle(chat(id, gina, id))
      }
    ]
  ],
  once: [
    ["before the frame is sent", async () => {}],
    [
      "after the frame, before the ack",
      async (peer, id) => {
        await peer.send(chat(id, gina, id))
      }
    ],
    [
      "after the ack",
      async (peer, id) => {
        await peer.settle(chat(id, gina, id))
      }
    ]
  ]
}

/** The result of the message is what both members' histories say, and there is one of it, pushed as one. */
const provesOne = async (receiver: Peer, sender: Peer, id: string, { data }: Frame) => {
  await receiver.find("the push", isPushOf(id))
  for (const peer of [sender, receiver]) {
    const stored = await storedAs(peer, conversationID, [id])
    expect(stored).toHaveLength(1)
    expect(stored[0]).toMatchObject({ ...data, clientId: id, content: id })
  }
  for (const push of receiver.all(isPushOf(id))) expect(push.data).toMatchObject(data)
}

for (const ack of ["rigor", "once"] as const) {
  describe(`a connection of mode ${ack} that breaks`, () => {
    for (const [what, run] of steps[ack]) {
      for (const where of ["the same device", "another device"] as const) {
        it(`${what}: sent again from ${where} it is one message`, async () => {
          const receiver = await Peer.open(gina)
          const device = freshDevice()
          const id = freshId("broken")
          const first = await Peer.open(faye, { ack, device })
          await run(first, id)
          await cutAfterSending(first)
          const second = await Peer.open(faye, { ack, ...(where === "the same device" ? { device } : {}) })
          const end = await second.settle(chat(id, gina, id))
          expect(end).toMatchObject({ ackSeq: ack === "rigor" ? 3 : 1, data: { conversationID } })
          await provesOne(receiver, second, id, end)
        })
      }
    }

    it("between each two steps, again and again: the last ack carries what the history has", async () => {
      const receiver = await Peer.open(gina)
      const device = freshDevice()
      const id = freshId("unlucky")
      for (const [, run] of [...steps[ack], ...steps[ack].toReversed()]) {
        const peer = await Peer.open(faye, { ack, device })
        await run(peer, id)
        await cutAfterSending(peer)
      }
      const last = await Peer.open(faye, { ack, device })
      await provesOne(receiver, last, id, await last.settle(chat(id, gina, id)))
    })

    it("with many in flight: what is sent again in order is there once, in order", async () => {
      const receiver = await Peer.open(gina)
      const ids = Array.from({ length: 20 }, (_, index) => freshId(`burst-${index}`))
      const first = await Peer.open(faye, { ack })
      for (const id of ids) await first.send(chat(id, gina, id))
      await first.find("the first answer", ({ id }) => id === ids[0])
      await first.cut()
      const second = await Peer.open(faye, { ack })
      for (const id of ids) await second.send(chat(id, gina, id))
      const ends = await Promise.all(ids.map((id) => second.settled(id)))
      const stored = await storedAs(receiver, conversationID, ids)
      expect(stored.map(({ clientId }) => clientId)).toEqual(ids)
      expect(stored).toMatchObject(ends.map(({ data }) => data))
    })
  })
}

describe("a frame of mode rigor whose connection is gone", () => {
  it("is not processed when it was never confirmed, and the next connection starts afresh", async ({ skip }) => {
    const device = freshDevice()
    const first = await Peer.open(faye, { ack: "rigor", device })
    affordable(skip, "CHAT_ACK_TIMEOUT", first.ready.ackTimeout)
    const [gone, kept] = [freshId("gone"), freshId("kept")]
    await first.send(chat(gone, gina, "first"))
    await first.find("the server's ack", isAck(gone, 1))
    await first.cut()
    const second = await Peer.open(faye, { ack: "rigor", device })
    // A confirmation belongs to its connection: here it confirms nothing.
    await second.send(confirmation(gone))
    await second.barrier()
    expect(second.all((frame) => frame.id === gone)).toEqual([])
    // Nothing that the first connection left behind stands in the way.
    expect((await second.settle(chat(kept, gina, "second"))).ackSeq).toBe(3)
    expect(await storedAs(second, conversationID, [gone])).toEqual([])
    expect((await second.settle(chat(gone, gina, "other content"))).ackSeq).toBe(3)
    expect(await storedAs(second, conversationID, [gone])).toMatchObject([{ content: "other content" }])
  })

  it("is processed when it was confirmed in the same breath, on whichever connection the answer is fetched", async () => {
    const first = await Peer.open(faye, { ack: "rigor" })
    const id = freshId("confirmed")
    await first.send(chat(id, gina, id))
    await first.find("the server's ack", isAck(id, 1))
    await first.send(confirmation(id))
    await first.find("the last ack", isAck(id, 3))
    const { data } = first.all(isAck(id, 3))[0]!
    await first.cut()
    for (const ack of ["rigor", "once"] as const) {
      const peer = await Peer.open(faye, { ack })
      expect((await peer.settle(chat(id, gina, id))).data).toEqual(data)
    }
  })

  it("may be a markRead as well: sent again it has the same answer", async () => {
    const writer = await Peer.open(gina)
    const { seq } = (await writer.settle(chat(freshId("read"), faye, "read me"))).data
    const frame = request("conversation.markRead", { conversationID, seq })
    const first = await Peer.open(faye, { ack: "rigor" })
    await first.send(frame)
    await first.find("the server's ack", isAck(frame.id, 1))
    await first.send(confirmation(frame.id))
    await cutAfterSending(first)
    const second = await Peer.open(faye, { ack: "rigor" })
    expect(await second.settle(frame)).toMatchObject({ ackSeq: 3, data: { conversationID, seq } })
    await writer.find("conversation.read", ({ method, data }) => method === "conversation.read" && data.seq === seq)
    expect(await stateOf(second, conversationID)).toMatchObject({ readSeq: seq, unread: 0 })
  })
})
