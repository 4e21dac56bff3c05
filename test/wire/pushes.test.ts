/** Pushes and their acks (protocol.md section 1.5). */
import { describe, expect, it } from "vitest"
import { affordable, untilGivenUp, untilRepetition } from "./support/Clocks.ts"
import {
  chat,
  conversationOf,
  type Frame,
  freshId,
  isPush,
  isPushOf,
  isSyncRequired,
  pushAck,
  range,
  type
} from "./support/Frames.ts"
import { type AckMode, Peer, type Ready } from "./support/Peer.ts"
import { user } from "./support/Stage.ts"
import { syncAll } from "./support/Sync.ts"

const [gina, hugo] = [user("gina"), user("hugo")]
const conversationID = conversationOf(gina, hugo)
const isNotice = isSyncRequired(conversationID)

type Skip = Parameters<typeof affordable>[0]

/** Skips the test where it would take too long until a push is given up. */
const waitsUntilGivenUp = (skip: Skip, ready: Ready): number => {
  const millis = untilGivenUp(ready)
  affordable(skip, "CHAT_PUSH_RETRY", ready.pushRetry, millis)
  skip(ready.pushRetryCount === 0, "CHAT_PUSH_RETRY_COUNT is off")
  return millis
}

/** A connection of the receiver that acknowledges only what the test says. */
const silent = (ack: AckMode = "once") => Peer.open(hugo, { ack, acknowledges: false })

const sends = async (sender: Peer, content: string): Promise<Frame["data"]> => {
  const clientId = freshId("push")
  return { ...(await sender.settle(chat(clientId, hugo, content))).data, clientId }
}

/** The pushes of this message, repetitions included. */
const pushesOf = (peer: Peer, { clientId }: { readonly clientId: string }) => peer.all(isPushOf(clientId))

describe("a push", () => {
  it("goes to every connection of both parties but the one that sent the message, with the whole message", async () => {
    const sender = await Peer.open(gina)
    const others = [await Peer.open(gina), await Peer.open(hugo), await Peer.open(hugo), await Peer.open(hugo)]
    const first = await sends(sender, "héllo 你好 🎉")
    for (const peer of others) {
      const push = await peer.find("the push", isPushOf(first.clientId))
      expect(push).toMatchObject({ id: first.messageId, frameType: type.data, method: "push", fromID: gina.id })
      expect(push.data).toEqual({
        ...{ messageId: first.messageId, clientId: first.clientId, conversationID, seq: first.seq },
        ...{ chatType: 1, sendId: gina.id, receiveId: hugo.id, sendTime: first.sendTime },
        ...{ messageType: 0, content: "héllo 你好 🎉" }
      })
    }
    // The next message comes from another connection: had the first one been pushed to its sender, it would be here.
    const second = await sends(others[0]!, "next")
    await sender.find("the push of the second message", isPushOf(second.clientId))
    expect(pushesOf(sender, first)).toEqual([])
  })

  it("names the connection's user as its sender, whatever the frame says", async () => {
    const [sender, receiver] = [await Peer.open(gina), await Peer.open(hugo)]
    const id = freshId("spoofed")
    await sender.settle({ ...chat(id, hugo, "it is me"), fromID: hugo.id })
    const push = await receiver.find("the push", isPushOf(id))
    expect(push).toMatchObject({ fromID: gina.id, data: { sendId: gina.id } })
    const frame = chat(freshId("spoofed"), hugo, "it is not me")
    const err = await sender.settle({ ...frame, data: { ...(frame.data as object), sendId: hugo.id } })
    expect(err).toMatchObject({ frameType: type.err, data: { code: 100005 } })
  })

  it("comes in the order of the conversation, without a gap", async () => {
    const [sender, receiver] = [await Peer.open(gina), await Peer.open(hugo)]
    const ids = range(1, 30).map((number) => freshId(`ordered-${number}`))
    for (const id of ids) await sender.send(chat(id, hugo, id))
    await receiver.find("the last push", isPushOf(ids.at(-1)!))
    const fresh = receiver.all((frame) => isPush(frame) && frame.ackErrCount === 0)
    expect(fresh.map(({ data }) => data.clientId)).toEqual(ids)
    expect(fresh.map(({ data }) => data.seq)).toEqual(range(fresh[0]!.data.seq, fresh[0]!.data.seq + 29))
  })
})

describe("a push that is not acknowledged", () => {
  for (const ack of ["once", "rigor"] as const) {
    it(`is sent again, ever later, as often as announced, then one sync.required ends it (${ack})`, async ({
      skip
    }) => {
      const [sender, receiver] = [await Peer.open(gina), await silent(ack)]
      const { pushRetry, pushRetryCount } = receiver.ready
      const millis = waitsUntilGivenUp(skip, receiver.ready)
      const sentAt = performance.now()
      const message = await sends(sender, "lost")
      const notice = await receiver.find("sync.required", isNotice, 0, millis + 10_000)
      expect(notice.data).toEqual({ conversationID, seq: message.seq })
      expect(notice.receivedAt - sentAt).toBeGreaterThan(millis - 50)
      const pushes = pushesOf(receiver, message)
      expect(pushes.map(({ ackErrCount }) => ackErrCount)).toEqual(range(0, pushRetryCount))
      for (const push of pushes) {
        expect(push).toMatchObject({ id: message.messageId, data: pushes[0]!.data })
        expect(push.receivedAt - sentAt).toBeGreaterThan(untilRepetition(pushRetry, push.ackErrCount) - 50)
      }
      // The message is not lost by that.
      const { messages } = await receiver.ask("conversation.history", { conversationID, afterSeq: message.seq - 1 })
      expect(messages).toEqual([pushes[0]!.data])
    })
  }

  it("is not sent again after its ack, which may come in the middle and may come twice", async ({ skip }) => {
    const [sender, receiver] = [await Peer.open(gina), await silent()]
    const millis = waitsUntilGivenUp(skip, receiver.ready)
    const acked = await sends(sender, "acked late")
    await receiver.find("a repetition", (frame) => isPushOf(acked.clientId)(frame) && frame.ackErrCount === 1)
    await receiver.send(pushAck(acked.messageId))
    await receiver.send(pushAck(acked.messageId))
    await receiver.barrier()
    const before = pushesOf(receiver, acked).length
    // A message that is given up is the clock: by then the one before would have been, too.
    const lost = await sends(sender, "lost")
    const notice = await receiver.find("sync.required", isNotice, 0, millis + 10_000)
    expect(notice.data.seq).toBe(lost.seq)
    expect(pushesOf(receiver, acked)).toHaveLength(before)
    expect(pushesOf(receiver, lost)).toHaveLength(receiver.ready.pushRetryCount + 1)
  })

  it("counts as acknowledged by an ack of a later one with its conversation and seq, and only up to it", async ({
    skip
  }) => {
    const [sender, receiver] = [await Peer.open(gina), await silent()]
    const millis = waitsUntilGivenUp(skip, receiver.ready)
    const first = await sends(sender, "1")
    const second = await sends(sender, "2")
    const third = await sends(sender, "3")
    await receiver.find("the third push", isPushOf(third.clientId))
    await receiver.send(pushAck(freshId("any"), { conversationID: `${conversationID}0`, seq: third.seq }))
    await receiver.send(pushAck(second.messageId, { conversationID, seq: second.seq }))
    await receiver.barrier()
    const before = [first, second].map((message) => pushesOf(receiver, message).length)
    const notice = await receiver.find("sync.required", isNotice, 0, millis + 10_000)
    expect(notice.data.seq).toBe(third.seq)
    expect([first, second].map((message) => pushesOf(receiver, message).length)).toEqual(before)
    expect(pushesOf(receiver, third)).toHaveLength(receiver.ready.pushRetryCount + 1)
  })

  it("is not acknowledged by another connection, an unknown id, or an ackSeq of 2", async ({ skip }) => {
    const [sender, receiver, other] = [await Peer.open(gina), await silent(), await silent()]
    const millis = waitsUntilGivenUp(skip, receiver.ready)
    const message = await sends(sender, "still waiting")
    await receiver.find("the push", isPushOf(message.clientId))
    await other.send(pushAck(message.messageId))
    await receiver.send(pushAck(freshId("unknown")))
    await receiver.send({ ...pushAck(message.messageId), ackSeq: 2 })
    await receiver.find("sync.required", isNotice, 0, millis + 10_000)
    expect(pushesOf(receiver, message)).toHaveLength(receiver.ready.pushRetryCount + 1)
    expect(pushesOf(other, message).length).toBeLessThanOrEqual(receiver.ready.pushRetryCount)
    expect(other.all(isNotice)).toEqual([])
  })

  it("leads to one sync.required for its conversation, however many they are, until the client asks", async ({
    skip
  }) => {
    const [sender, receiver] = [await Peer.open(gina), await silent()]
    const millis = waitsUntilGivenUp(skip, receiver.ready)
    const lost = [await sends(sender, "1"), await sends(sender, "2"), await sends(sender, "3")]
    // A later message, which this connection acknowledges and another does not, is the clock.
    const clock = await silent()
    const later = await sends(sender, "4")
    await receiver.find("the push", isPushOf(later.clientId))
    await receiver.send(pushAck(later.messageId))
    await clock.find("sync.required", isNotice, 0, millis + 10_000)
    await receiver.barrier()
    expect(receiver.all(isNotice).map(({ data }) => data.seq)).toEqual([lost[0]?.seq])
    const { conversations } = await syncAll(receiver, { conversations: { [conversationID]: lost[0]!.seq - 1 } })
    const missed = conversations.find((one) => one.conversationID === conversationID)
    expect(missed?.messages).toMatchObject([...lost, later])
    const next = await sends(sender, "5")
    const again = await receiver.count("sync.required", isNotice, 2, millis + 10_000)
    expect(again[1]?.data.seq).toBe(next.seq)
  })
})

describe("a connection opened with ack=none", () => {
  it("gets each push once and never again, whether it acknowledges or not", async ({ skip }) => {
    const [sender, receiver, none] = [await Peer.open(gina), await silent(), await silent("none")]
    const millis = waitsUntilGivenUp(skip, receiver.ready)
    const messages = [await sends(sender, "1"), await sends(sender, "2")]
    await none.find("the push", isPushOf(messages[1]!.clientId))
    await none.send(pushAck(messages[0]!.messageId))
    // Another connection sees all its repetitions meanwhile.
    await receiver.find("sync.required", isNotice, 0, millis + 10_000)
    await none.barrier()
    expect(none.frames.filter(({ frameType }) => frameType !== type.ping).slice(1)).toMatchObject(
      messages.map(({ clientId }) => ({ method: "push", ackErrCount: 0, data: { clientId } }))
    )
  })
})
