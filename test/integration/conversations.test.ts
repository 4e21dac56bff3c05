/** The list of conversations and who has read what, over HTTP (protocol.md section 2.2). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type Peer } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { chatFrame, register, request, type TestUser } from "../support/Users.ts"

interface Entry {
  readonly conversationId: string
  readonly chatType: number
  readonly targetId: string
  readonly isShow: boolean
  readonly pinned: boolean
  readonly muted: boolean
  readonly seq: number
  readonly total: number
  readonly read: number
  readonly unread: number
  readonly msg: Logged | null
}

interface Logged {
  readonly msgContent: string
  readonly sendId: string
  readonly recvId: string
  readonly seq: number
  readonly recalled?: boolean
  readonly edited?: boolean
}

const im = (method: string, path: string, { token }: TestUser, body?: unknown) =>
  request(method, `/v1/im/${path}`, { token, body })

const succeed = (method: string, path: string, user: TestUser, body?: unknown) =>
  Effect.map(im(method, path, user, body), (answer) => {
    assert.strictEqual(answer.status, 200, JSON.stringify(answer.body))
    return answer.body.data
  })

const codeOf = (method: string, path: string, user: TestUser, body?: unknown) =>
  Effect.map(im(method, path, user, body), (answer) => answer.body.code)

/** The list of a user, newest change first. */
const listOf = (user: TestUser) =>
  Effect.map(
    succeed("GET", "conversation", user),
    ({ conversationList }) => Object.values(conversationList) as ReadonlyArray<Entry>
  )

const change = (user: TestUser, conversationId: string, what: object) =>
  succeed("PUT", "conversation", user, { conversationList: { [conversationId]: what } })

const couple = Effect.gen(function* () {
  const { chatUrl } = yield* TestServer.TestServer
  const [ann, bob, eve] = yield* Effect.all([register(), register(), register()])
  const annPeer = yield* connect(chatUrl, ann.token)
  const bobPeer = yield* connect(chatUrl, bob.token)
  return { chatUrl, ann, bob, eve, annPeer, bobPeer }
})

const noticed = new Set(["conversation.read", "typing"])

let sent = 0
const say = (peer: Peer, to: TestUser, content: string) => {
  sent += 1
  const id = `m${sent}`
  peer.send(chatFrame(id, to, content))
  return Effect.map(peer.answer(id), ({ data }) => data as { conversationID: string; seq: number; messageId: string })
}

layer(TestServer.layer(), { excludeTestServices: true })("the list of conversations", (it) => {
  it.effect("has a conversation from its first message on, for both, with what is unread", () =>
    Effect.gen(function* () {
      const { ann, bob, eve, annPeer, bobPeer } = yield* couple
      assert.deepStrictEqual(yield* listOf(ann), [])
      const { conversationID } = yield* say(annPeer, bob, "one")
      yield* say(annPeer, bob, "two")
      const [annEntry] = yield* listOf(ann)
      assert.deepInclude(annEntry, {
        targetId: bob.id,
        isShow: true,
        seq: 2,
        total: 2,
        read: 2,
        unread: 0,
        chatType: 1
      })
      const [bobEntry] = yield* listOf(bob)
      assert.deepInclude(bobEntry, { conversationId: conversationID, targetId: ann.id, read: 0, unread: 2 })
      assert.deepInclude(bobEntry?.msg, { msgContent: "two", sendId: ann.id, recvId: bob.id, seq: 2 })
      assert.deepStrictEqual(yield* listOf(eve), [])
      // A sender has read everything before the message.
      yield* say(bobPeer, ann, "three")
      assert.deepInclude((yield* listOf(bob))[0], { read: 3, unread: 0 })
      assert.deepInclude((yield* listOf(ann))[0], { read: 2, unread: 1 })
    })
  )

  it.effect("is set up for one's own side before there is a message, once, and the other learns nothing", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer } = yield* couple
      const body = { sendId: ann.id, recvId: bob.id, chatType: 1 }
      const first = yield* succeed("POST", "setup/conversation", ann, body)
      assert.deepStrictEqual(yield* succeed("POST", "setup/conversation", ann, body), first)
      const [entry] = yield* listOf(ann)
      assert.deepInclude(entry, { conversationId: first.conversationId, isShow: true, seq: 0, unread: 0, msg: null })
      assert.deepStrictEqual(yield* listOf(bob), [])
      assert.strictEqual(yield* codeOf("GET", `chatlog?conversationId=${first.conversationId}`, bob), 300001)
      assert.deepInclude(yield* say(annPeer, bob, "one"), { conversationID: first.conversationId, seq: 1 })
      assert.deepInclude((yield* listOf(bob))[0], { unread: 1, isShow: true })
    })
  )

  it.effect("is not set up in another's name, with nobody, with who blocks, or with a stranger's group", () =>
    Effect.gen(function* () {
      const { ann, bob, eve } = yield* couple
      const setUp = (user: TestUser, body: object) => codeOf("POST", "setup/conversation", user, body)
      assert.strictEqual(yield* setUp(eve, { sendId: ann.id, recvId: bob.id, chatType: 1 }), 100005)
      assert.strictEqual(yield* setUp(ann, { sendId: ann.id, recvId: "123", chatType: 1 }), 300002)
      assert.strictEqual(yield* setUp(ann, { sendId: ann.id, recvId: "123", chatType: 0 }), 300001)
      yield* request("POST", "/v1/social/block", { token: bob.token, body: { userId: ann.id } })
      assert.strictEqual(yield* setUp(ann, { sendId: ann.id, recvId: bob.id, chatType: 1 }), 300003)
      const { body } = yield* request("POST", "/v1/social/group", { token: ann.token, body: { name: "mine" } })
      const { groupId } = body.data
      assert.strictEqual(yield* setUp(eve, { sendId: eve.id, recvId: groupId, chatType: 0 }), 300001)
      assert.strictEqual(yield* setUp(ann, { sendId: ann.id, recvId: groupId, chatType: 0 }), 200)
      assert.deepInclude((yield* listOf(ann))[0], { conversationId: groupId, targetId: groupId, chatType: 0 })
    })
  )

  it.effect("hides a conversation until the next message, and keeps what is pinned and muted", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, bobPeer } = yield* couple
      const { conversationID } = yield* say(annPeer, bob, "one")
      yield* change(bob, conversationID, { isShow: false, pinned: true, muted: true })
      assert.deepInclude((yield* listOf(bob))[0], { isShow: false, pinned: true, muted: true, unread: 1 })
      assert.deepInclude((yield* listOf(ann))[0], { isShow: true, pinned: false, muted: false })
      yield* change(bob, conversationID, { muted: false })
      assert.deepInclude((yield* listOf(bob))[0], { isShow: false, pinned: true, muted: false })
      bobPeer.send({ id: "s", method: "conversation.sync", data: {} })
      const synced = ((yield* bobPeer.answer("s")).data as { conversations: ReadonlyArray<object> }).conversations
      assert.deepInclude(synced[0], { isHidden: true, isPinned: true })
      assert.notProperty(synced[0], "isMuted")
      yield* say(annPeer, bob, "two")
      assert.deepInclude((yield* listOf(bob))[0], { isShow: true, pinned: true, muted: false, unread: 2 })
      yield* change(bob, conversationID, { isShow: false })
      yield* change(bob, conversationID, { isShow: true })
      assert.deepInclude((yield* listOf(bob))[0], { isShow: true })
    })
  )

  it.effect("moves the read position forward only, and tells the others when it moves", () =>
    Effect.gen(function* () {
      const { chatUrl, ann, bob, annPeer, bobPeer } = yield* couple
      const tablet = yield* connect(`${chatUrl}?deviceId=tablet`, bob.token)
      for (const content of ["one", "two", "three"]) yield* say(annPeer, bob, content)
      const { conversationID } = yield* say(annPeer, bob, "four")
      yield* change(bob, conversationID, { read: 3 })
      yield* change(bob, conversationID, { read: 2 })
      assert.deepInclude((yield* listOf(bob))[0], { read: 3, unread: 1 })
      bobPeer.send({ id: "r", method: "conversation.markRead", data: { conversationID, seq: 1 } })
      assert.deepInclude((yield* bobPeer.answer("r")).data as object, { seq: 3 })
      assert.deepInclude((yield* listOf(bob))[0], { read: 3, unread: 1 })
      for (const peer of [annPeer, bobPeer, tablet]) {
        const read = yield* peer.find(({ method }) => method === "conversation.read")
        assert.deepStrictEqual(read.data, { conversationID, userId: bob.id, seq: 3 })
        assert.lengthOf(
          peer.frames.filter(({ method }) => method === "conversation.read"),
          1
        )
      }
      assert.strictEqual(
        yield* codeOf("PUT", "conversation", bob, { conversationList: { [conversationID]: { read: 5 } } }),
        100002
      )
      assert.deepInclude((yield* listOf(ann))[0], { read: 4 })
    })
  )

  it.effect("says nothing of reading and typing between two of whom one blocks the other", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, bobPeer } = yield* couple
      yield* say(annPeer, bob, "one")
      const { conversationID, messageId } = yield* say(annPeer, bob, "two")
      yield* request("POST", "/v1/social/block", { token: bob.token, body: { userId: ann.id } })
      bobPeer.send({ id: "r", method: "conversation.markRead", data: { conversationID, seq: 1 } })
      yield* bobPeer.answer("r")
      yield* change(bob, conversationID, { read: 2 })
      for (const peer of [annPeer, bobPeer]) {
        peer.send({ id: "t", method: "typing", data: { conversationID } })
        assert.deepInclude((yield* peer.answer("t")).data as object, { code: 300003 })
      }
      assert.deepInclude(yield* succeed("GET", `chatlog/readRecords?msgId=${messageId}`, ann), { reads: [] })
      // A message that is sent later comes later: none was sent before.
      annPeer.send({ id: "after", method: "user.online" })
      yield* annPeer.answer("after")
      const heard = annPeer.frames.filter(({ method, frameType }) => frameType === 0 && noticed.has(method ?? ""))
      assert.deepStrictEqual(heard, [])
    })
  )

  it.effect("lets nobody hear of typing before there is a message", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, bobPeer } = yield* couple
      const body = { sendId: ann.id, recvId: bob.id, chatType: 1 }
      const { conversationId } = yield* succeed("POST", "setup/conversation", ann, body)
      annPeer.send({ id: "t", method: "typing", data: { conversationID: conversationId } })
      yield* say(annPeer, bob, "one")
      yield* bobPeer.find(({ method }) => method === "push")
      assert.isFalse(bobPeer.frames.some(({ method }) => method === "typing"))
    })
  )

  it.effect("refuses what names no conversations", () =>
    Effect.gen(function* () {
      const { ann } = yield* couple
      for (const id of ["01_2", "nonsense", ""]) {
        assert.strictEqual(
          yield* codeOf("PUT", "conversation", ann, { conversationList: { [id]: { read: 1 } } }),
          100002
        )
      }
    })
  )

  it.effect("is changed as a whole or not at all", () =>
    Effect.gen(function* () {
      const { ann, bob, eve, annPeer } = yield* couple
      const { conversationID } = yield* say(annPeer, bob, "one")
      const { conversationID: other } = yield* say(annPeer, eve, "one")
      const conversationList = { [conversationID]: { pinned: true, read: 1 }, [other]: { pinned: true } }
      assert.strictEqual(yield* codeOf("PUT", "conversation", bob, { conversationList }), 300001)
      assert.deepInclude((yield* listOf(bob))[0], { pinned: false, read: 0 })
      yield* succeed("PUT", "conversation", ann, { conversationList })
      assert.lengthOf(
        (yield* listOf(ann)).filter((entry) => entry.pinned),
        2
      )
    })
  )

  it.effect("shows the last message that is something by itself, as it is now", () =>
    Effect.gen(function* () {
      const { bob, annPeer, bobPeer } = yield* couple
      yield* say(annPeer, bob, "one")
      const { conversationID } = yield* say(annPeer, bob, "two")
      annPeer.send({ id: "e", method: "message.edit", data: { conversationID, seq: 2, content: "zwei" } })
      yield* annPeer.answer("e")
      bobPeer.send({ id: "l", method: "message.react", data: { conversationID, seq: 1, reaction: "👍" } })
      yield* bobPeer.answer("l")
      const [edited] = yield* listOf(bob)
      assert.deepInclude(edited, { seq: 4 })
      assert.deepInclude(edited?.msg, { msgContent: "zwei", seq: 2, edited: true })
      annPeer.send({ id: "r", method: "message.recall", data: { conversationID, seq: 2 } })
      yield* annPeer.answer("r")
      assert.deepInclude((yield* listOf(bob))[0]?.msg, { msgContent: "", recalled: true })
    })
  )

  it.effect("tells who has read a message, to those who see it", () =>
    Effect.gen(function* () {
      const { ann, bob, eve, annPeer, bobPeer } = yield* couple
      const dan = yield* register()
      const founding = { name: "us", userIds: [bob.id, eve.id] }
      const { body } = yield* request("POST", "/v1/social/group", { token: ann.token, body: founding })
      const { groupId } = body.data
      annPeer.send({
        id: "g",
        method: "conversation.chat",
        data: { chatType: 0, receiveId: groupId, message: { messageType: 0, content: "all of you" } }
      })
      const { messageId } = (yield* annPeer.answer("g")).data as { messageId: string }
      const records = (user: TestUser) => succeed("GET", `chatlog/readRecords?msgId=${messageId}`, user)
      const sorted = (ids: ReadonlyArray<string>) => [...ids].sort()
      assert.deepStrictEqual(yield* records(ann), { reads: [], unReads: sorted([bob.id, eve.id]) })
      bobPeer.send({ id: "r", method: "conversation.markRead", data: { conversationID: groupId, seq: 2 } })
      yield* bobPeer.answer("r")
      assert.deepStrictEqual(yield* records(eve), { reads: [bob.id], unReads: [eve.id] })
      // A user who joins later is not among those who could have read it.
      const joining = { groupId, userIds: [dan.id] }
      yield* request("POST", "/v1/social/group/putIn", { token: ann.token, body: joining })
      assert.deepStrictEqual(yield* records(ann), { reads: [bob.id], unReads: [eve.id] })
      assert.strictEqual(yield* codeOf("GET", `chatlog/readRecords?msgId=${messageId}`, dan), 300011)
      assert.strictEqual(yield* codeOf("GET", "chatlog/readRecords?msgId=123", ann), 300011)
    })
  )
})
