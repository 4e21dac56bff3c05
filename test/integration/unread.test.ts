/** What is unread, and what moves a read position or a conversation in lists (protocol.md sections 1.6, 1.7 and 2.2). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type Peer } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { chatFrame, register, request, type TestUser } from "../support/Users.ts"

interface Entry {
  readonly conversationId: string
  readonly isShow: boolean
  readonly seq: number
  readonly read: number
  readonly unread: number
}

interface Sent {
  readonly conversationID: string
  readonly seq: number
}

const listOf = ({ token }: TestUser) =>
  Effect.map(
    request("GET", "/v1/im/conversation", { token }),
    ({ body }) => Object.values(body.data.conversationList) as ReadonlyArray<Entry>
  )

const hide = ({ token }: TestUser, conversationId: string) =>
  request("PUT", "/v1/im/conversation", { token, body: { conversationList: { [conversationId]: { isShow: false } } } })

let sent = 0
const ask = (peer: Peer, method: string, data: unknown) => {
  sent += 1
  const id = `c${sent}`
  peer.send({ id, frameType: 0, method, data })
  return Effect.map(peer.answer(id), (frame) => {
    assert.strictEqual(frame.frameType, 2, JSON.stringify(frame))
    return frame.data as Sent
  })
}

const say = (peer: Peer, to: TestUser, content: string) => {
  sent += 1
  const id = `m${sent}`
  peer.send(chatFrame(id, to, content))
  return Effect.map(peer.answer(id), ({ data }) => data as Sent)
}

/** Three users, and what Bob's list says of his conversation with Ann. */
const people = Effect.gen(function* () {
  const { chatUrl } = yield* TestServer.TestServer
  const [ann, bob, eve] = yield* Effect.all([register(), register(), register()])
  const [annPeer, bobPeer, evePeer] = yield* Effect.all([ann, bob, eve].map(({ token }) => connect(chatUrl, token)))
  return { ann, bob, eve, annPeer: annPeer!, bobPeer: bobPeer!, evePeer: evePeer! }
})

const entryOf = (user: TestUser, conversationId: string) =>
  Effect.map(listOf(user), (list) => list.find((entry) => entry.conversationId === conversationId))

layer(TestServer.layer(), { excludeTestServices: true })("what is unread", (it) => {
  it.effect("is what a person would read: not what was recalled, no recall, no reaction and no withdrawal of one", () =>
    Effect.gen(function* () {
      const { bob, annPeer, bobPeer } = yield* people
      const { conversationID, seq } = yield* say(annPeer, bob, "hello")
      const unread = Effect.map(entryOf(bob, conversationID), (entry) => entry?.unread)
      assert.strictEqual(yield* unread, 1)
      const second = yield* say(annPeer, bob, "a mistake")
      assert.strictEqual(yield* unread, 2)
      yield* ask(annPeer, "message.recall", { conversationID, seq: second.seq })
      assert.strictEqual(yield* unread, 1)
      yield* ask(annPeer, "message.react", { conversationID, seq, reaction: "👍" })
      yield* ask(annPeer, "message.react", { conversationID, seq, reaction: "" })
      yield* ask(annPeer, "message.edit", { conversationID, seq, content: "hello!" })
      assert.strictEqual(yield* unread, 1)
      bobPeer.send({ id: "s", method: "conversation.sync", data: {} })
      const { conversations } = (yield* bobPeer.answer("s")).data as { conversations: ReadonlyArray<object> }
      assert.deepInclude(conversations[0], { conversationID, seq: 6, readSeq: 0, unread: 1 })
      yield* ask(bobPeer, "conversation.markRead", { conversationID, seq: second.seq })
      assert.deepInclude(yield* entryOf(bob, conversationID), { read: 2, unread: 0 })
      // A recall of what was read long ago takes nothing from what comes after.
      yield* say(annPeer, bob, "more")
      yield* ask(annPeer, "message.recall", { conversationID, seq })
      assert.strictEqual(yield* unread, 1)
    })
  )

  it.effect("stays unread when its reader reacts to or edits something older, and nobody is told otherwise", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, bobPeer } = yield* people
      const { conversationID, seq } = yield* say(bobPeer, ann, "first")
      yield* say(annPeer, bob, "second")
      const third = yield* say(annPeer, bob, "third")
      yield* ask(bobPeer, "message.react", { conversationID, seq, reaction: "🎉" })
      yield* ask(bobPeer, "message.edit", { conversationID, seq, content: "first!" })
      yield* ask(bobPeer, "message.recall", { conversationID, seq })
      assert.deepInclude(yield* entryOf(bob, conversationID), { read: 1, unread: 2 })
      const push = yield* bobPeer.find(
        ({ method, data }) => method === "push" && (data as Sent | undefined)?.seq === third.seq
      )
      const records = yield* request("GET", `/v1/im/chatlog/readRecords?msgId=${push.id}`, { token: ann.token })
      assert.deepStrictEqual(records.body.data, { reads: [], unReads: [bob.id] })
    })
  )

  it.effect("does not move or show a conversation by a reaction, a recall or a group's new name; a message does", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, bobPeer, evePeer } = yield* people
      const body = { name: "us", userIds: [bob.id] }
      const founded = yield* request("POST", "/v1/social/group", { token: ann.token, body })
      const groupId: string = founded.body.data.groupId
      const { conversationID, seq } = yield* say(annPeer, bob, "hello")
      const { conversationID: newest } = yield* say(evePeer, bob, "the newest")
      const order = Effect.map(listOf(bob), (list) =>
        [...list].filter(({ isShow }) => isShow).map(({ conversationId }) => conversationId)
      )
      assert.deepStrictEqual(yield* order, [newest, conversationID, groupId])
      yield* hide(bob, groupId)
      yield* ask(annPeer, "message.react", { conversationID, seq, reaction: "👍" })
      const renamed = yield* request("PATCH", "/v1/social/group", {
        token: ann.token,
        body: { groupId, name: "another name" }
      })
      assert.strictEqual(renamed.status, 200, JSON.stringify(renamed.body))
      assert.deepStrictEqual(yield* order, [newest, conversationID])
      assert.deepInclude(yield* entryOf(bob, groupId), { seq: 2, unread: 0, isShow: false })
      yield* hide(bob, conversationID)
      yield* ask(annPeer, "message.recall", { conversationID, seq })
      assert.deepStrictEqual(yield* order, [newest])
      yield* say(annPeer, bob, "here I am")
      assert.deepStrictEqual(yield* order, [conversationID, newest])
      bobPeer.send({
        id: "g",
        method: "conversation.chat",
        data: { conversationID: groupId, chatType: 0, receiveId: groupId, message: { messageType: 0, content: "we" } }
      })
      yield* bobPeer.answer("g")
      assert.deepStrictEqual(yield* order, [groupId, conversationID, newest])
    })
  )

  it.effect("tells each of two, in a sync, how far the other has read; nobody where one blocks the other", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, bobPeer } = yield* people
      const { conversationID, seq } = yield* say(annPeer, bob, "hello")
      let asked = 0
      let cursor: string | undefined
      const synced = Effect.suspend(() => {
        asked += 1
        const id = `sync${asked}`
        annPeer.send({ id, method: "conversation.sync", data: cursor === undefined ? {} : { cursor } })
        return Effect.map(annPeer.answer(id), ({ data }) => {
          const page = data as { cursor: string; conversations: ReadonlyArray<{ peerReadSeq?: number }> }
          cursor = page.cursor
          return page.conversations.map(({ peerReadSeq }) => peerReadSeq)
        })
      })
      assert.deepStrictEqual(yield* synced, [0])
      assert.deepStrictEqual(yield* synced, [])
      yield* ask(bobPeer, "conversation.markRead", { conversationID, seq })
      assert.deepStrictEqual(yield* synced, [1])
      assert.deepStrictEqual(yield* synced, [])
      const answer = yield* say(bobPeer, ann, "hi")
      assert.deepStrictEqual(yield* synced, [answer.seq])
      const more = yield* say(annPeer, bob, "more")
      yield* request("POST", "/v1/social/block", { token: bob.token, body: { userId: ann.id } })
      yield* ask(bobPeer, "conversation.markRead", { conversationID, seq: more.seq })
      assert.deepStrictEqual(yield* synced, [undefined])
      assert.deepStrictEqual(yield* synced, [])
    })
  )

  it.effect("is not raised, and no hidden conversation shown, by the recall of a user who is blocked", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer } = yield* people
      const { conversationID, seq } = yield* say(annPeer, bob, "insult")
      yield* say(annPeer, bob, "another")
      const blocked = yield* request("POST", "/v1/social/block", { token: bob.token, body: { userId: ann.id } })
      assert.strictEqual(blocked.status, 200, JSON.stringify(blocked.body))
      yield* hide(bob, conversationID)
      yield* ask(annPeer, "message.recall", { conversationID, seq })
      assert.deepInclude(yield* entryOf(bob, conversationID), { unread: 1, isShow: false })
    })
  )
})
