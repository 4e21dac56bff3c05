/** Mode rigor: what repeats, what confirms, and what is forgotten (protocol.md section 1.4). */
import { describe, expect, it } from "vitest"
import { acksUntilForgotten, affordable, untilRepetition } from "./support/Clocks.ts"
import {
  chat,
  confirmation,
  conversationOf,
  freshId,
  isAck,
  isErr,
  isPushOf,
  pushAck,
  range,
  request,
  seqsOf,
  type
} from "./support/Frames.ts"
import { storedAs } from "./support/History.ts"
import { Peer } from "./support/Peer.ts"
import { user } from "./support/Stage.ts"

const [emil, faye] = [user("emil"), user("faye")]
const conversationID = conversationOf(emil, faye)

const open = () => Peer.open(emil, { ack: "rigor" })

const stored = (peer: Peer, ids: ReadonlyArray<string>) => storedAs(peer, conversationID, ids)

/** Sends these texts and waits for the server's ack of each. */
const begin = async (peer: Peer, count: number): Promise<ReadonlyArray<string>> => {
  const ids = range(1, count).map((number) => freshId(`waiting-${number}`))
  for (const id of ids) await peer.send(chat(id, faye, id))
  for (const id of ids) await peer.find("the server's ack", isAck(id, 1))
  return ids
}

describe("a frame that is not confirmed", () => {
  it("is acked again and again, ever later, with the ackTime of the first ack, then forgotten with 300006", async ({
    skip
  }) => {
    const peer = await open()
    const { ackTimeout, ackRetry } = peer.ready
    affordable(skip, "CHAT_ACK_TIMEOUT", ackTimeout)
    affordable(skip, "CHAT_ACK_RETRY", ackRetry)
    const id = freshId("lost")
    const sentAt = performance.now()
    await peer.send(chat(id, faye, "never confirmed"))
    const err = await peer.find("the err frame", isErr(id), 0, ackTimeout + 10_000)
    expect(err.data).toMatchObject({ code: 300006, method: "conversation.chat" })
    expect(err.receivedAt - sentAt).toBeGreaterThan(ackTimeout - 50)
    const acks = peer.all(isAck(id, 1))
    expect(acks.map(({ ackErrCount }) => ackErrCount)).toEqual(range(0, acks.length - 1))
    expect(acks.length).toBeLessThanOrEqual(acksUntilForgotten(peer.ready))
    expect(acks.length).toBeGreaterThanOrEqual(Math.min(2, acksUntilForgotten(peer.ready)))
    for (const ack of acks) {
      expect(ack.ackTime).toBe(acks[0]?.ackTime)
      expect(ack.receivedAt - sentAt).toBeGreaterThan(untilRepetition(ackRetry, ack.ackErrCount) - 50)
    }
    expect(await stored(peer, [id])).toEqual([])
  })

  it("leaves its id free: another content may have it, and nothing of the first is left", async ({ skip }) => {
    const [peer, receiver] = [await open(), await Peer.open(faye)]
    affordable(skip, "CHAT_ACK_TIMEOUT", peer.ready.ackTimeout)
    const id = freshId("again")
    await peer.send(chat(id, faye, "first try"))
    const err = await peer.find("the err frame", isErr(id), 0, peer.ready.ackTimeout + 10_000)
    // Too late: it confirms nothing.
    await peer.send(confirmation(id))
    await peer.barrier()
    expect(peer.all((frame) => frame.id === id).at(-1)).toEqual(err)
    expect(await peer.settle(chat(id, faye, "second try"))).toMatchObject({ ackSeq: 3, data: { conversationID } })
    expect((await receiver.find("the push", isPushOf(id))).data.content).toBe("second try")
    expect(await stored(peer, [id])).toMatchObject([{ content: "second try" }])
  })

  it("that is sent again is acked again, and confirmed once it is processed once", async () => {
    const peer = await open()
    const id = freshId("doubled")
    const frame = chat(id, faye, "doubled")
    await peer.send(frame)
    await peer.send(frame)
    await peer.send(frame)
    const [first] = await peer.count("the server's acks", isAck(id, 1), 3)
    for (const ack of peer.all(isAck(id, 1))) expect(ack.ackTime).toBe(first?.ackTime)
    await peer.send(confirmation(id))
    await peer.find("the last ack", isAck(id, 3))
    await peer.barrier()
    expect(peer.all(isAck(id, 3))).toHaveLength(1)
    expect(await stored(peer, [id])).toHaveLength(1)
  })

  it("is not replaced by another content or method under its id: 100007, and the first one stays", async () => {
    const peer = await open()
    const id = freshId("changed")
    await peer.send(chat(id, faye, "first"))
    await peer.find("the server's ack", isAck(id, 1))
    await peer.send(chat(id, faye, "second"))
    await peer.count("err frames", isErr(id), 1)
    await peer.send({ ...request("conversation.markRead", { conversationID, seq: 1 }), id })
    for (const { data } of await peer.count("err frames", isErr(id), 2)) expect(data).toMatchObject({ code: 100007 })
    await peer.send(confirmation(id))
    await peer.find("the last ack", isAck(id, 3))
    expect(await stored(peer, [id])).toMatchObject([{ content: "first" }])
  })
})

describe("a confirmation", () => {
  it("ends the server's repetitions", async ({ skip }) => {
    const peer = await open()
    affordable(skip, "CHAT_ACK_RETRY", peer.ready.ackRetry)
    const id = freshId("confirmed")
    await peer.settle(chat(id, faye, "confirmed"))
    const before = peer.all(isAck(id, 1)).length
    // A later frame that is repeated twice is a clock: by then the first one would have been repeated, too.
    const [later = ""] = await begin(peer, 1)
    const isRepeated = (frame: Parameters<ReturnType<typeof isAck>>[0]) =>
      isAck(later, 1)(frame) && frame.ackErrCount === 2
    await peer.find("the second repetition", isRepeated, 0, untilRepetition(peer.ready.ackRetry, 2) + 10_000)
    expect(peer.all(isAck(id, 1))).toHaveLength(before)
    expect((await peer.settled(later)).ackSeq).toBe(3)
  })

  it("that comes twice has one effect and one last ack", async () => {
    const peer = await open()
    const [id = ""] = await begin(peer, 1)
    await peer.send(confirmation(id))
    await peer.send(confirmation(id))
    await peer.find("the last ack", isAck(id, 3))
    await peer.send(confirmation(id))
    await peer.barrier()
    expect(peer.all(isAck(id, 3))).toHaveLength(1)
    expect(peer.all(isErr(id))).toEqual([])
    expect(await stored(peer, [id])).toHaveLength(1)
  })

  it("of an unknown id, of none, or with ackSeq 1 has no effect", async () => {
    const peer = await open()
    const [id = ""] = await begin(peer, 1)
    const unknown = freshId("unknown")
    await peer.send(confirmation(unknown))
    await peer.send(confirmation(""))
    await peer.send(pushAck(id))
    await peer.send(pushAck(id, { conversationID, seq: 1 }))
    await peer.barrier()
    expect(peer.all((frame) => frame.id === unknown || frame.frameType === type.err)).toEqual([])
    expect(peer.all((frame) => frame.id === id && !isAck(id, 1)(frame))).toEqual([])
    expect(await stored(peer, [id])).toEqual([])
    expect((await peer.settled(id)).ackSeq).toBe(3)
  })

  it("counts for its own connection only", async () => {
    const [peer, other] = [await open(), await open()]
    const [id = ""] = await begin(peer, 1)
    await other.send(confirmation(id))
    await other.barrier()
    expect(other.all((frame) => frame.id === id)).toEqual([])
    expect(await stored(other, [id])).toEqual([])
    expect((await peer.settled(id)).ackSeq).toBe(3)
  })
})

describe("the order of effects", () => {
  it("is that of receipt, whatever the order of confirmations", async () => {
    const [peer, receiver] = [await open(), await Peer.open(faye)]
    const ids = await begin(peer, 5)
    const [first = "", ...others] = ids
    for (const id of others.toReversed()) await peer.send(confirmation(id))
    await peer.barrier()
    expect(peer.all(({ ackSeq }) => ackSeq === 3)).toEqual([])
    expect(await stored(peer, ids)).toEqual([])
    await peer.send(confirmation(first))
    const ends = await Promise.all(ids.map((id) => peer.find("the last ack", isAck(id, 3))))
    const seqs = seqsOf(ends.map(({ data }) => data))
    expect(seqs).toEqual(range(seqs[0]!, seqs[0]! + 4))
    await receiver.find("the last push", isPushOf(ids.at(-1)!))
    const pushed = receiver.all(({ ackErrCount, data }) => ackErrCount === 0 && ids.includes(data?.clientId))
    expect(pushed.map(({ data }) => data.clientId)).toEqual(ids)
  })

  it("holds a confirmed frame back until those before it are forgotten, no longer", async ({ skip }) => {
    const peer = await open()
    const { ackTimeout } = peer.ready
    affordable(skip, "CHAT_ACK_TIMEOUT", ackTimeout)
    const [lost = "", kept = ""] = await begin(peer, 2)
    await peer.send(confirmation(kept))
    await peer.barrier()
    expect(await stored(peer, [kept])).toEqual([])
    const last = await peer.find("the last ack", isAck(kept, 3), 0, ackTimeout + 10_000)
    expect(peer.frames.indexOf(last)).toBeGreaterThan(peer.frames.findIndex(isErr(lost)))
    expect(peer.all(isErr(lost))).toMatchObject([{ data: { code: 300006 } }])
    expect((await stored(peer, [lost, kept])).map(({ clientId }) => clientId)).toEqual([kept])
  })

  it("holds a noAck command back, too", async () => {
    const [peer, receiver] = [await open(), await Peer.open(faye)]
    const [before = ""] = await begin(peer, 1)
    const noAck = freshId("behind")
    await peer.send({ ...chat(noAck, faye, "behind"), frameType: type.noAck })
    await peer.barrier()
    expect(await stored(peer, [before, noAck])).toEqual([])
    await peer.send(confirmation(before))
    const { data } = await receiver.find("the push of the noAck message", isPushOf(noAck))
    const end = await peer.find("the last ack", isAck(before, 3))
    expect(data.seq).toBe(end.data.seq + 1)
    expect(peer.all((frame) => frame.id === noAck)).toEqual([])
  })

  it("does not hold back queries", async () => {
    const peer = await open()
    const [id = ""] = await begin(peer, 1)
    expect(await peer.ask("user.online")).toBeInstanceOf(Array)
    expect(peer.all(isAck(id, 3))).toEqual([])
  })
})

describe("the frame after 64 that wait for their turn", () => {
  it("is refused with 100009; the 64 are not lost, and it may come again", async () => {
    const peer = await open()
    const ids = await begin(peer, 64)
    const extra = freshId("extra")
    const err = await peer.settle(chat(extra, faye, "one too many"))
    expect(err).toMatchObject({ frameType: type.err, data: { code: 100009, method: "conversation.chat" } })
    const ends = await Promise.all(ids.map((id) => peer.settled(id)))
    const seqs = seqsOf(ends.map(({ data }) => data))
    expect(seqs).toEqual(range(seqs[0]!, seqs[0]! + 63))
    const last = await peer.settle(chat(extra, faye, "one too many"))
    expect(last).toMatchObject({ ackSeq: 3, data: { seq: seqs[0]! + 64 } })
  })
})
