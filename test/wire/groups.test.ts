/** Groups, and changes of messages, from outside (protocol.md sections 1.4 to 1.7 and 2.2). */
import { describe, expect, it } from "vitest"
import { request as http, type User } from "./support/Accounts.ts"
import { confirmation, type Frame, freshId, isAck, isPush, range, request, seqsOf, type } from "./support/Frames.ts"
import { type AckMode, Peer } from "./support/Peer.ts"
import { stage, user } from "./support/Stage.ts"
import { syncAll } from "./support/Sync.ts"

const [mona, nils, olga, paul] = [user("mona"), user("nils"), user("olga"), user("paul")]

const api = async (method: string, path: string, { token }: User, body?: unknown) => {
  const { code, data } = await http(method, `${stage().url}/v1/social/${path}`, { token, body })
  expect(code).toBe(200)
  return data
}

/** A group of Mona's with these members. */
const found = async (...members: ReadonlyArray<User>): Promise<string> => {
  const { groupId } = await api("POST", "group", mona, { name: "wire", userIds: members.map(({ id }) => id) })
  return groupId
}

const say = (groupId: string, content: string) =>
  request("conversation.chat", { chatType: 0, receiveId: groupId, message: { messageType: 0, content } })

const open = (who: User, ack: AckMode = "once") => Peer.open(who, { ack })

const isOf =
  (groupId: string, seq: number) =>
  (frame: Frame): boolean =>
    isPush(frame) && frame.data.conversationID === groupId && frame.data.seq === seq

const pushed = async (peer: Peer, groupId: string, seq: number) =>
  (await peer.find(`push ${seq} of ${groupId}`, isOf(groupId, seq))).data

const historyOf = async (peer: Peer, groupId: string) =>
  (await peer.ask("conversation.history", { conversationID: groupId, limit: 200 })).messages

describe("a group", () => {
  it("has one order for all members, whoever writes at once, and every member gets every message", async () => {
    const groupId = await found(nils, olga)
    const peers = [await open(mona), await open(nils), await open(olga)]
    const sent = peers.flatMap((peer, who) => range(1, 20).map((n) => peer.settle(say(groupId, `${who} says ${n}`))))
    const seqs = (await Promise.all(sent)).map(({ data }) => data.seq)
    expect(seqs.toSorted((a, b) => a - b)).toEqual(range(2, 61))
    const [first, ...others] = await Promise.all(peers.map((peer) => historyOf(peer, groupId)))
    expect(seqsOf(first)).toEqual(range(1, 61))
    for (const other of others) expect(other).toEqual(first)
    for (const who of range(0, 2)) {
      const own = first.filter(({ content }: { content: string }) => content.startsWith(`${who} says`))
      expect(own.map(({ content }: { content: string }) => content)).toEqual(
        range(1, 20).map((n) => `${who} says ${n}`)
      )
    }
    for (const [who, peer] of peers.entries()) {
      const fromOthers = first.filter(({ seq, content }: { seq: number; content: string }) => {
        return seq > 1 && !content.startsWith(`${who} says`)
      })
      for (const { seq } of fromOthers) await pushed(peer, groupId, seq)
    }
  })

  it("lets a device that was away find all of it, its own joining first", async () => {
    const groupId = await found(nils)
    const writer = await open(mona)
    await writer.settle(say(groupId, "before"))
    await api("POST", "group/putIn", mona, { groupId, userIds: [paul.id] })
    await writer.settle(say(groupId, "after"))
    const { conversations } = await syncAll(await open(paul), {})
    const synced = conversations.find(({ conversationID }) => conversationID === groupId)
    expect(synced).toMatchObject({ seq: 4, joinedSeq: 2, readSeq: 2, unread: 1 })
    expect(seqsOf(synced?.messages ?? [])).toEqual([3, 4])
  })

  it("is over for who was removed, on every device, and begins anew when they come back", async () => {
    const groupId = await found(nils)
    const [writer, reader] = [await open(mona), await open(nils)]
    const away = await open(nils)
    const { cursor } = await syncAll(away, {})
    await away.cut()
    await api("DELETE", `group/users?groupId=${groupId}&userId=${nils.id}`, mona)
    expect(await pushed(reader, groupId, 2)).toMatchObject({ messageType: 7 })
    await writer.settle(say(groupId, "without Nils"))
    const refused = await reader.settle(say(groupId, "hello?"))
    expect(refused).toMatchObject({ frameType: type.err, data: { code: 300001 } })
    const again = await Peer.open(nils, { device: away.device })
    const left = await syncAll(again, { cursor })
    const gone = left.conversations.find(({ conversationID }) => conversationID === groupId)
    expect(gone).toMatchObject({ left: true, seq: 0, unread: 0, messages: [] })
    await api("POST", "group/putIn", mona, { groupId, userIds: [nils.id] })
    await writer.settle(say(groupId, "with Nils"))
    expect(await pushed(again, groupId, 5)).toMatchObject({ content: "with Nils" })
    const back = await syncAll(again, { cursor: left.cursor })
    const synced = back.conversations.find(({ conversationID }) => conversationID === groupId)
    expect(synced).toMatchObject({ joinedSeq: 3, seq: 5 })
    expect(seqsOf(synced?.messages ?? [])).toEqual([4, 5])
    expect(reader.all((frame) => isOf(groupId, 3)(frame))).toEqual([])
  })

  it("acks in mode rigor and none, too", async () => {
    const groupId = await found(nils)
    const rigorous = await open(mona, "rigor")
    const frame = say(groupId, "rigorous")
    rigorous.send(frame)
    await rigorous.find("first ack", isAck(frame.id, 1))
    rigorous.send(confirmation(frame.id))
    const last = await rigorous.find("last ack", isAck(frame.id, 3))
    expect(last.data).toMatchObject({ conversationID: groupId, seq: 2 })
    const silent = await open(nils, "none")
    silent.send(say(groupId, "silent"))
    expect(await pushed(rigorous, groupId, 3)).toMatchObject({ content: "silent" })
  })
})

describe("a changed message", () => {
  it("is changed for everybody, wherever they find it", async () => {
    const groupId = await found(nils)
    const [writer, reader] = [await open(mona), await open(nils)]
    await writer.settle(say(groupId, "first"))
    const { cursor } = await syncAll(reader, {})
    const change = (method: string, data: object) => request(method, { conversationID: groupId, seq: 2, ...data })
    await writer.settle(change("message.edit", { content: "second" }))
    await reader.settle(change("message.react", { reaction: "👍" }))
    expect(await pushed(reader, groupId, 3)).toMatchObject({ messageType: 9, targetSeq: 2, content: "second" })
    expect(await pushed(writer, groupId, 4)).toMatchObject({ messageType: 10, targetSeq: 2, content: "👍" })
    const [, edited] = await historyOf(writer, groupId)
    expect(edited).toMatchObject({
      content: "second",
      edited: true,
      reactions: [{ reaction: "👍", count: 1, own: false }]
    })
    await writer.settle(change("message.recall", {}))
    const { conversations } = await syncAll(reader, { cursor })
    const synced = conversations.find(({ conversationID }) => conversationID === groupId)
    expect(synced?.messages.map(({ messageType, content }) => [messageType, content])).toEqual([
      [9, ""],
      [10, "👍"],
      [8, ""]
    ])
    expect(JSON.stringify(await historyOf(reader, groupId))).not.toMatch(/first|second/)
  })

  it("is changed once, however often the same change is sent", async () => {
    const groupId = await found(nils)
    const [writer, other] = [await open(mona), await open(mona)]
    await writer.settle(say(groupId, "first"))
    const edit = {
      ...request("message.edit", { conversationID: groupId, seq: 2, content: "second" }),
      id: freshId("edit")
    }
    const once = await writer.settle(edit)
    expect((await other.settle(edit)).data).toEqual(once.data)
    expect(seqsOf(await historyOf(writer, groupId))).toEqual([1, 2, 3])
  })
})
