/** Too much for one peer: more pushes than it acknowledges, more bytes than it reads (protocol.md sections 1.5 and 4). */
import { describe, expect, it } from "vitest"
import type { User } from "./support/Accounts.ts"
import { untilGivenUp } from "./support/Clocks.ts"
import { chat, conversationOf, freshId, isPushOf, isSyncRequired, pushAck, range, request } from "./support/Frames.ts"
import { lastSeqOf } from "./support/History.ts"
import { Peer } from "./support/Peer.ts"
import { stage, user } from "./support/Stage.ts"
import { syncAll } from "./support/Sync.ts"

const [ivan, jane, carl] = [user("ivan"), user("jane"), user("carl")]
const [withIvan, withCarl] = [conversationOf(ivan, jane), conversationOf(carl, jane)]
const unackedMax = 256
/** A peer that reads nothing is cut off after this. */
const drainMillis = 10_000
/** Six times as long in JSON: a page of seven fills several hundred kilobytes. */
const wide = "\u0001".repeat(10_000)
const widePage = 7

/** Several connections of a sender, where one alone would be too slow for the server's rate limit. */
const openSenders = (who: User): Promise<ReadonlyArray<Peer>> =>
  Promise.all(range(1, stage().pace === null ? 1 : 8).map(() => Peer.open(who, { ack: "once" })))

/** A device that gets every push, however many there are: with ack=none none is ever unacknowledged. */
const openWitness = () => Peer.open(jane, { ack: "none" })

/** Sends so many messages, over all connections; every one is acked. */
const flood = async (senders: ReadonlyArray<Peer>, receiver: User, count: number, content = "flood") => {
  const ids = range(1, count).map((number) => freshId(`flood-${number}`))
  const send = async (sender: Peer, index: number) => {
    const own = ids.filter((_, at) => at % senders.length === index)
    for (const id of own) await sender.send(chat(id, receiver, content))
    for (const id of own) await sender.settled(id)
  }
  await Promise.all(senders.map(send))
  return ids
}

const say = async (sender: Peer, receiver: User) => {
  const id = freshId("say")
  return { ...(await sender.settle(chat(id, receiver, "say"))).data, id }
}

/** The seqs of the conversation's messages as they were first pushed to this peer. */
const pushedTo = (peer: Peer, conversationID: string): ReadonlyArray<number> =>
  peer
    .all((frame) => frame.method === "push" && frame.ackErrCount === 0 && frame.data.conversationID === conversationID)
    .map(({ data }) => data.seq)

const missedBy = async (peer: Peer, conversationID: string, after: number): Promise<ReadonlyArray<number>> => {
  const { conversations } = await syncAll(peer, { newest: 1, conversations: { [conversationID]: after } })
  return conversations.find((one) => one.conversationID === conversationID)?.messages.map(({ seq }) => seq) ?? []
}

describe("a peer that acknowledges nothing", () => {
  it("gets 256 pushes, then one sync.required per conversation; sync has all, and after its acks pushes go on", async ({
    skip
  }) => {
    const [silent, witness] = [await Peer.open(jane, { acknowledges: false }), await openWitness()]
    const [senders, other] = [await openSenders(ivan), await Peer.open(carl, { ack: "once" })]
    const base = await lastSeqOf(witness, withIvan)
    const beganAt = performance.now()
    const last = base + unackedMax + 14
    await flood(senders, jane, last - base)
    const carls = [await say(other, jane), await say(other, jane)]
    await witness.find("the last of carl's pushes", isPushOf(carls[1].id))
    await witness.until("every push", () => (pushedTo(witness, withIvan).length === last - base ? true : undefined))
    await silent.barrier()
    const elapsed = performance.now() - beganAt
    skip(elapsed > untilGivenUp(silent.ready), "this machine is slower than CHAT_PUSH_RETRY gives pushes up")

    expect(pushedTo(silent, withIvan)).toEqual(range(base + 1, base + unackedMax))
    expect(silent.all(isSyncRequired(withIvan)).map(({ data }) => data.seq)).toEqual([base + unackedMax + 1])
    expect(silent.all(isSyncRequired(withCarl)).map(({ data }) => data.seq)).toEqual([carls[0].seq])
    expect(pushedTo(silent, withCarl)).toEqual([])
    expect(witness.all((frame) => frame.method === "sync.required")).toEqual([])

    expect(await missedBy(silent, withIvan, base)).toEqual(range(base + 1, last))
    expect(await missedBy(silent, withCarl, carls[0].seq - 1)).toEqual(carls.map(({ seq }) => seq))
    await silent.send(pushAck(freshId("all"), { conversationID: withIvan, seq: last }))
    for (const [sender, conversationID] of [
      [senders[0]!, withIvan],
      [other, withCarl]
    ] as const) {
      const next = await say(sender, jane)
      await silent.find("a push again", isPushOf(next.id))
      expect(pushedTo(silent, conversationID).at(-1)).toBe(next.seq)
    }
  })

  it("is told again when it has asked and still acknowledges nothing", async ({ skip }) => {
    const [silent, sender] = [await Peer.open(jane, { acknowledges: false }), await openSenders(ivan)]
    const beganAt = performance.now()
    await flood(sender, jane, unackedMax)
    const told: Array<number> = []
    for (const method of ["conversation.sync", "conversation.history"]) {
      const [first, second] = [await say(sender[0]!, jane), await say(sender[0]!, jane)]
      told.push(first.seq)
      await silent.count("sync.required", isSyncRequired(withIvan), told.length)
      await silent.barrier()
      skip(performance.now() - beganAt > untilGivenUp(silent.ready), "CHAT_PUSH_RETRY gives pushes up too soon")
      expect(silent.all(isSyncRequired(withIvan)).map(({ data }) => data.seq)).toEqual(told)
      expect(silent.all(isPushOf(second.id))).toEqual([])
      await silent.ask(method, method === "conversation.sync" ? { limit: 1 } : { conversationID: withIvan, limit: 1 })
    }
  })
})

describe("a peer that does not read", () => {
  it("finds everything when it reads again: in its socket, or by conversation.sync", async () => {
    const [deaf, witness, senders] = [await Peer.open(jane), await openWitness(), await openSenders(ivan)]
    const base = await lastSeqOf(witness, withIvan)
    deaf.socket.pause()
    const ids = await flood(senders, jane, 300, "x".repeat(16_384))
    await Promise.all(ids.map((id) => witness.find("a push", isPushOf(id))))
    const all = range(base + 1, base + ids.length)
    expect(pushedTo(witness, withIvan)).toEqual(all)
    deaf.socket.resume()
    const isTold = () => deaf.all(({ method }) => method === "sync.required").length > 0
    const hasAll = () => new Set(pushedTo(deaf, withIvan)).size === all.length
    const isCut = () => deaf.socket.readyState === deaf.socket.CLOSED
    await expect.poll(() => hasAll() || isTold() || isCut(), { timeout: 20_000 }).toBe(true)
    const again = isCut() ? await Peer.open(jane, { device: deaf.device }) : deaf
    expect(await missedBy(again, withIvan, base)).toEqual(all)
    const next = await say(senders[0]!, jane)
    expect(await missedBy(again, withIvan, next.seq - 1)).toEqual([next.seq])
  })

  it("is not cut off when it reads again in time: every answer and every push is there", async () => {
    const [deaf, witness, sender] = [
      await Peer.open(jane),
      await Peer.open(jane),
      await Peer.open(ivan, { ack: "once" })
    ]
    await flood([sender], jane, widePage, wide)
    deaf.socket.pause()
    const pages = range(1, 20).map(() => request("conversation.history", { conversationID: withIvan, limit: widePage }))
    for (const page of pages) await deaf.send(page)
    const ids = await flood([sender], jane, 20)
    await Promise.all(ids.map((id) => witness.find("a push", isPushOf(id))))
    deaf.socket.resume()
    for (const { id } of pages) await deaf.find("a page", (frame) => frame.id === id)
    for (const id of ids) await deaf.find("a push", isPushOf(id))
    expect(pages.map(({ id }) => deaf.all((frame) => frame.id === id).length)).toEqual(pages.map(() => 1))
  })

  it("is closed with 4008 after 10 s, though it goes on to ping, while others are served", async () => {
    const [sender, friend] = [await Peer.open(ivan, { ack: "once" }), await Peer.open(jane, { ack: "once" })]
    await flood([sender], jane, widePage, wide)
    await say(friend, ivan)
    await friend.cut()
    const deaf = await Peer.open(jane)
    const seq = await lastSeqOf(sender, withIvan)
    const isOnline = async () => (await sender.ask("user.online")).includes(jane.id)
    expect(await isOnline()).toBe(true)
    deaf.socket.pause()
    const beganAt = performance.now()
    const pings = setInterval(() => deaf.socket.ping(), Math.min(deaf.ready.heartbeatInterval || 1_000, 1_000))
    try {
      // Far more than the buffers of the system hold, of which the server knows nothing.
      for (const _ of range(1, 60)) {
        await deaf.send(request("conversation.history", { conversationID: withIvan, beforeSeq: seq, limit: widePage }))
      }
      const timeout = drainMillis + 10_000
      await expect.poll(isOnline, { timeout, interval: 250 }).toBe(false)
    } finally {
      clearInterval(pings)
    }
    expect(performance.now() - beganAt).toBeGreaterThan(drainMillis - 500)
    const next = await say(sender, jane)
    deaf.socket.resume()
    expect(await deaf.closed()).toEqual({ code: 4008, reason: "slow-consumer" })
    const again = await Peer.open(jane, { device: deaf.device })
    expect(await missedBy(again, withIvan, seq)).toEqual([next.seq])
  })
})
