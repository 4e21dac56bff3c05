/** Acks from client to server in every mode, and the idempotency of commands (protocol.md section 1.4). */
import { describe, expect, it } from "vitest"
import {
  chat,
  conversationOf,
  type Frame,
  freshId,
  isAck,
  isPushOf,
  range,
  request,
  seqsOf,
  type
} from "./support/Frames.ts"
import { newestOf, storedAs } from "./support/History.ts"
import { Peer } from "./support/Peer.ts"
import { user } from "./support/Stage.ts"
import { stateOf } from "./support/Sync.ts"

const [carl, dora] = [user("carl"), user("dora")]
const conversationID = conversationOf(carl, dora)
const modes = ["none", "once", "rigor"] as const

const withId = (peer: Peer, clientId: string) => storedAs(peer, conversationID, [clientId])

describe("mode none", () => {
  it("processes a command without any ack, and sends errors as err frames all the same", async () => {
    const [sender, receiver] = [await Peer.open(carl, { ack: "none" }), await Peer.open(dora)]
    const id = freshId("none")
    await sender.send(chat(id, dora, "no ack"))
    await receiver.find("the push", isPushOf(id))
    const { seq } = (await receiver.settle(chat(freshId("read"), carl, "read me"))).data
    await sender.send(request("conversation.markRead", { conversationID, seq }))
    const read = await receiver.find("conversation.read", (frame) => frame.method === "conversation.read")
    expect(read.data).toEqual({ conversationID, userId: carl.id, seq })
    const err = await sender.settle(chat(id, dora, "something else"))
    expect(err).toMatchObject({ frameType: type.err, data: { code: 100007, method: "conversation.chat" } })
    expect(sender.all((frame) => frame.frameType === type.ack)).toEqual([])
    expect(await withId(sender, id)).toHaveLength(1)
  })
})

describe("mode once", () => {
  it("acks once, with ackSeq + 1 and what the message has become, when it is in the history", async () => {
    const [sender, reader] = [await Peer.open(carl, { ack: "once" }), await Peer.open(dora)]
    for (const ackSeq of [0, 1, 7]) {
      const id = freshId("once")
      const ack = await sender.settle({ ...chat(id, dora, `ackSeq ${ackSeq}`), ackSeq })
      expect(ack).toMatchObject({ frameType: type.ack, ackSeq: ackSeq + 1, ackErrCount: 0, data: { conversationID } })
      expect(Object.keys(ack.data).toSorted()).toEqual(["conversationID", "messageId", "sendTime", "seq"])
      expect(Date.parse(ack.ackTime)).not.toBeNaN()
      expect(await withId(reader, id)).toMatchObject([{ ...ack.data, sendId: carl.id, content: `ackSeq ${ackSeq}` }])
      await sender.barrier()
      expect(sender.all((frame) => frame.id === id)).toHaveLength(1)
    }
  })

  it("acks markRead with the position after it", async () => {
    const [sender, reader] = [await Peer.open(carl, { ack: "once" }), await Peer.open(dora, { ack: "once" })]
    const { seq } = (await sender.settle(chat(freshId("read"), dora, "read me"))).data
    const ack = await reader.settle({ ...request("conversation.markRead", { conversationID, seq }), ackSeq: 4 })
    expect(ack).toMatchObject({ frameType: type.ack, ackSeq: 5, data: { conversationID, seq } })
  })
})

describe("mode rigor", () => {
  it("takes three steps: ackSeq 1 before anything happens, 2 from the client, 3 when the effect is durable", async () => {
    const [sender, receiver] = [await Peer.open(carl, { ack: "rigor" }), await Peer.open(dora)]
    const id = freshId("rigor")
    await sender.send(chat(id, dora, "three steps"))
    const first = await sender.find("the server's ack", isAck(id, 1))
    expect(first.ackErrCount).toBe(0)
    expect(Date.parse(first.ackTime)).not.toBeNaN()
    expect(await withId(sender, id)).toEqual([])
    const last = await sender.settled(id)
    expect(last).toMatchObject({ frameType: type.ack, ackSeq: 3, data: { conversationID } })
    expect(Object.keys(last.data).toSorted()).toEqual(["conversationID", "messageId", "sendTime", "seq"])
    expect(await withId(receiver, id)).toMatchObject([last.data])
    await receiver.find("the push", isPushOf(id))
  })

  it("takes the same three steps for markRead", async () => {
    const [sender, reader] = [await Peer.open(carl, { ack: "rigor" }), await Peer.open(dora, { ack: "rigor" })]
    const { seq } = (await sender.settle(chat(freshId("read"), dora, "read me"))).data
    const frame = request("conversation.markRead", { conversationID, seq })
    await reader.send(frame)
    await reader.find("the server's ack", isAck(frame.id, 1))
    expect((await stateOf(reader, conversationID)).readSeq).toBeLessThan(seq)
    expect(await reader.settled(frame.id)).toMatchObject({ ackSeq: 3, data: { conversationID, seq } })
  })
})

describe("in every mode", () => {
  for (const ack of modes) {
    it(`a query is answered at once by a data frame with its id and method, without acks: ${ack}`, async () => {
      const peer = await Peer.open(carl, { ack })
      const queries = [
        request("conversation.history", { conversationID }),
        request("conversation.sync", { limit: 1 }),
        request("user.online"),
        { ...request("user.online"), frameType: type.noAck }
      ]
      for (const query of queries) {
        await peer.send(query)
        const answer = await peer.find("an answer", (frame) => frame.id === query.id)
        expect(answer.frameType).not.toBe(type.ack)
        expect(answer).toMatchObject({ frameType: type.data, method: query.method })
      }
      await peer.barrier()
      for (const { id } of queries) expect(peer.all((frame) => frame.id === id)).toHaveLength(1)
    })

    it(`a noAck frame is processed without any ack: ${ack}`, async () => {
      const [sender, receiver] = [await Peer.open(carl, { ack }), await Peer.open(dora)]
      const id = freshId("noAck")
      await sender.send({ ...chat(id, dora, "no ack wanted"), frameType: type.noAck })
      const { data } = await receiver.find("the push", isPushOf(id))
      // It has the same key as any other: sent again with an ack wanted, it is the same message.
      await sender.barrier()
      expect(sender.all((frame) => frame.id === id)).toEqual([])
      if (ack !== "none") expect((await sender.settle(chat(id, dora, "no ack wanted"))).data.seq).toBe(data.seq)
      expect(await withId(sender, id)).toHaveLength(1)
    })

    it(`an error is an err frame, ends the exchange, and leaves the id free: ${ack}`, async () => {
      const [sender, receiver] = [await Peer.open(carl, { ack }), await Peer.open(dora)]
      const nobody = { ...dora, id: "123456789" }
      const id = freshId("err")
      for (const frameType of [type.data, type.noAck]) {
        const err = await sender.settle({ ...chat(id, nobody, "hello?"), frameType })
        expect(err).toMatchObject({ frameType: type.err, data: { code: 300002, method: "conversation.chat" } })
      }
      const past = await sender.settle(request("conversation.markRead", { conversationID, seq: 1_000_000 }))
      expect(past).toMatchObject({ frameType: type.err, data: { code: 100002, method: "conversation.markRead" } })
      await sender.send(chat(id, dora, "hello!"))
      if (ack === "rigor") await sender.settled(id, sender.frames.findLastIndex(({ id: other }) => other === id) + 1)
      expect((await receiver.find("the push", isPushOf(id))).data.content).toBe("hello!")
    })

    it(`a chat message without an id gets one from the server: ${ack}`, async () => {
      const [peer, receiver] = [await Peer.open(carl, { ack }), await Peer.open(dora)]
      for (const frameType of [type.data, type.noAck]) {
        const text = freshId("nameless")
        const { id: _, ...nameless } = { ...chat("", dora, text), frameType }
        await peer.send(frameType === type.data ? JSON.stringify(nameless) : { id: "", ...nameless })
        if (ack === "rigor" && frameType === type.data) {
          const asked = await peer.find(
            "the server's ack",
            (frame) => frame.frameType === type.ack && frame.ackSeq === 1
          )
          await peer.send({ id: asked.id, frameType: type.ack, ackSeq: 2 })
        }
        const push = await receiver.find("the push", ({ data }) => data?.content === text)
        expect(push.data.clientId).toMatch(/^.+$/)
      }
    })
  }
})

describe("(sender, id)", () => {
  for (const ack of ["once", "rigor"] as const) {
    it(`names one message for ever: sent again it has the same result, on whichever connection (${ack})`, async () => {
      const [first, second] = [await Peer.open(carl, { ack }), await Peer.open(carl, { ack })]
      const receiver = await Peer.open(dora)
      const id = freshId("same")
      const results: Array<Frame["data"]> = []
      for (const peer of [first, first, second, first]) results.push((await peer.settle(chat(id, dora, "one"))).data)
      const after = await first.settle(chat(freshId("after"), dora, "two"))
      for (const result of results) expect(result).toEqual(results[0])
      expect(after.data.seq).toBe(results[0].seq + 1)
      // The pushes of a conversation come in order: with that of the second message those of the first are over.
      await receiver.find("the second message", (frame) => frame.id === after.data.messageId)
      expect(receiver.all(isPushOf(id)).filter(({ ackErrCount }) => ackErrCount === 0)).toHaveLength(1)
    })

    it(`is one message, too, when two devices send it at the same time (${ack})`, async () => {
      const peers = [await Peer.open(carl, { ack }), await Peer.open(carl, { ack })]
      for (let round = 0; round < 5; round++) {
        const id = freshId("race")
        const [a, b] = await Promise.all(peers.map((peer) => peer.settle(chat(id, dora, "who is first?"))))
        expect(a).toMatchObject({ frameType: type.ack, data: { conversationID } })
        expect(b?.data).toEqual(a?.data)
        expect(await withId(peers[0]!, id)).toHaveLength(1)
      }
    })

    it(`with another content is refused with 100007, and the first message stays (${ack})`, async () => {
      const [first, second] = [await Peer.open(carl, { ack }), await Peer.open(carl, { ack })]
      const id = freshId("conflict")
      const { data } = await first.settle(chat(id, dora, "first"))
      for (const peer of [first, second]) {
        const err = await peer.settle(chat(id, dora, "second"))
        expect(err).toMatchObject({ frameType: type.err, data: { code: 100007, method: "conversation.chat" } })
      }
      expect(await withId(first, id)).toMatchObject([{ ...data, content: "first" }])
      expect((await second.settle(chat(id, dora, "first"))).data).toEqual(data)
    })

    it(`of another sender is another message (${ack})`, async () => {
      const [one, other] = [await Peer.open(carl, { ack }), await Peer.open(dora, { ack })]
      const id = freshId("shared")
      const [a, b] = [await one.settle(chat(id, dora, "mine")), await other.settle(chat(id, carl, "mine"))]
      expect(b.data.messageId).not.toBe(a.data.messageId)
      expect(seqsOf(await withId(one, id))).toEqual([a.data.seq, b.data.seq])
    })
  }
})

describe("several in flight", () => {
  for (const ack of ["once", "rigor"] as const) {
    it(`take effect in the order in which they were received, and each is answered once: ${ack}`, async () => {
      const [sender, reader] = [await Peer.open(carl, { ack }), await Peer.open(dora)]
      const ids = range(1, 50).map((number) => freshId(`flight-${number}`))
      for (const id of ids) await sender.send(chat(id, dora, id))
      const ends = await Promise.all(ids.map((id) => sender.settled(id)))
      const [from = 0] = seqsOf(ends.map(({ data }) => data))
      expect(seqsOf(ends.map(({ data }) => data))).toEqual(range(from, from + 49))
      const stored = (await newestOf(reader, conversationID)).filter(({ seq }) => seq >= from)
      expect(stored.map(({ clientId }) => clientId)).toEqual(ids)
      await sender.barrier()
      const lastSeq = ack === "rigor" ? 3 : 1
      for (const id of ids) expect(sender.all(isAck(id, lastSeq))).toHaveLength(1)
    })
  }
})
