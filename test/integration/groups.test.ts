/** Groups over HTTP and real sockets, with the real store (protocol.md sections 1.6, 1.7 and 2.2). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type Peer } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { register, request, showToContacts, type TestUser } from "../support/Users.ts"

interface Pushed {
  readonly seq: number
  readonly sendId: string
  readonly conversationID: string
  readonly messageType: number
  readonly content: string
}

const dataOf = (frame: { readonly data?: unknown }) => frame.data as Pushed

/** The push of a group's message, which may be under way. */
const pushOf = (peer: Peer, groupId: string, seq: number) =>
  Effect.map(
    peer.find(
      (frame) => frame.method === "push" && dataOf(frame).conversationID === groupId && dataOf(frame).seq === seq
    ),
    dataOf
  )

const eventOf = (message: Pushed) => JSON.parse(message.content)

const groupFrame = (id: string, groupId: string, content: string) => ({
  id,
  method: "conversation.chat",
  data: { chatType: 0, receiveId: groupId, message: { messageType: 0, content } }
})

const social = (method: string, path: string, { token }: TestUser, body?: unknown) =>
  request(method, `/v1/social/${path}`, { token, body })

/** A request that must succeed; what it answers. */
const succeed = (method: string, path: string, user: TestUser, body?: unknown) =>
  Effect.map(social(method, path, user, body), (answer) => {
    assert.strictEqual(answer.status, 200, JSON.stringify(answer.body))
    return answer.body.data
  })

const codeOf = (method: string, path: string, user: TestUser, body?: unknown) =>
  Effect.map(social(method, path, user, body), (answer) => answer.body.code)

const online = (user: TestUser, query = "") =>
  Effect.flatMap(TestServer.TestServer, ({ chatUrl }) => connect(`${chatUrl}${query}`, user.token))

/** Ann's group with Bob in it, and a connection each. */
const couple = (changes: object = {}) =>
  Effect.gen(function* () {
    const [ann, bob, eve] = yield* Effect.all([register(), register(), register()])
    const annPeer = yield* online(ann)
    const bobPeer = yield* online(bob)
    const { groupId } = yield* succeed("POST", "group", ann, { name: "us", userIds: [bob.id], ...changes })
    return { ann, bob, eve, annPeer, bobPeer, groupId: groupId as string }
  })

const ask = (peer: Peer, id: string, method: string, data: unknown) => {
  peer.send({ id, method, data })
  return Effect.map(peer.answer(id), (frame) => frame.data as Record<string, unknown>)
}

layer(TestServer.layer(), { excludeTestServices: true })("groups", (it) => {
  it.effect("are founded with members, who are told, and numbered like any conversation", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, bobPeer, groupId } = yield* couple()
      for (const peer of [annPeer, bobPeer]) {
        const created = yield* pushOf(peer, groupId, 1)
        assert.deepInclude(created, { sendId: ann.id, messageType: 7 })
        assert.deepStrictEqual(eventOf(created), {
          event: "created",
          name: "us",
          icon: "",
          isVerify: false,
          userIds: [bob.id]
        })
      }
      bobPeer.send(groupFrame("m", groupId, "hello"))
      assert.deepInclude((yield* bobPeer.answer("m")).data as object, { conversationID: groupId, seq: 2 })
      assert.deepInclude(yield* pushOf(annPeer, groupId, 2), { sendId: bob.id, content: "hello" })
      const { list } = yield* succeed("GET", `group/users?groupId=${groupId}`, bob)
      assert.deepStrictEqual(
        list.map(({ userId, roleLevel }: { userId: string; roleLevel: number }) => [userId, roleLevel]),
        [
          [ann.id, 1],
          [bob.id, 3]
        ]
      )
      assert.deepStrictEqual((yield* succeed("GET", "groups", bob)).list, [
        { id: groupId, name: "us", icon: "", isVerify: false, roleLevel: 3, memberCount: 2 }
      ])
    })
  )

  it.effect("are founded once, however often the same founding is asked for", () =>
    Effect.gen(function* () {
      const ann = yield* register()
      const body = { name: "once", clientId: "founding" }
      const first = yield* succeed("POST", "group", ann, body)
      assert.deepStrictEqual(yield* succeed("POST", "group", ann, body), first)
      assert.strictEqual(yield* codeOf("POST", "group", ann, { ...body, name: "other" }), 100007)
      assert.lengthOf((yield* succeed("GET", "groups", ann)).list, 1)
    })
  )

  it.effect("are not changed by a change of nothing", () =>
    Effect.gen(function* () {
      const { ann, annPeer, groupId } = yield* couple()
      for (const nothing of [{}, { nmae: "mistyped" }]) {
        const refused = yield* social("PATCH", "group", ann, { groupId, ...nothing })
        assert.deepStrictEqual(
          [refused.body.code, refused.body.msg],
          [100002, "Expected one of name, icon and isVerify"]
        )
      }
      const { messages } = yield* ask(annPeer, "h", "conversation.history", { conversationID: groupId })
      assert.lengthOf(messages as ReadonlyArray<unknown>, 1)
    })
  )

  it.effect("show a new member what comes from their joining on, and nobody else anything", () =>
    Effect.gen(function* () {
      const { bob, eve, annPeer, groupId } = yield* couple()
      annPeer.send(groupFrame("before", groupId, "before"))
      yield* annPeer.answer("before")
      const evePeer = yield* online(eve)
      const history = (id: string) => ask(evePeer, id, "conversation.history", { conversationID: groupId })
      assert.deepInclude(yield* history("h1"), { code: 300001 })
      evePeer.send(groupFrame("intrusion", groupId, "let me in"))
      assert.deepInclude((yield* evePeer.answer("intrusion")).data as object, { code: 300001 })
      assert.strictEqual(yield* codeOf("GET", `group/users?groupId=${groupId}`, eve), 300001)

      yield* succeed("POST", "group/putIn", bob, { groupId, userIds: [eve.id] })
      assert.deepInclude(eventOf(yield* pushOf(evePeer, groupId, 3)), { event: "joined", userIds: [eve.id] })
      annPeer.send(groupFrame("after", groupId, "after"))
      yield* pushOf(evePeer, groupId, 4)
      const { messages, joinedSeq } = yield* history("h2")
      assert.strictEqual(joinedSeq, 2)
      assert.deepStrictEqual(
        (messages as ReadonlyArray<Pushed>).map(({ seq }) => seq),
        [3, 4]
      )
      const { conversations } = yield* ask(evePeer, "s", "conversation.sync", {})
      assert.deepInclude((conversations as ReadonlyArray<object>)[0], { joinedSeq: 2, seq: 4, readSeq: 2, unread: 1 })
      assert.isFalse(evePeer.frames.some((frame) => frame.method === "push" && dataOf(frame).seq < 3))
    })
  )

  it.effect("tell who was removed, and nothing after that", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, bobPeer, groupId } = yield* couple()
      yield* pushOf(bobPeer, groupId, 1)
      const { cursor } = yield* ask(bobPeer, "s1", "conversation.sync", {})
      yield* succeed("DELETE", `group/users?groupId=${groupId}&userId=${bob.id}`, ann)
      assert.deepInclude(eventOf(yield* pushOf(bobPeer, groupId, 2)), { event: "removed", userIds: [bob.id] })
      annPeer.send(groupFrame("later", groupId, "about Bob"))
      yield* annPeer.answer("later")
      bobPeer.send(groupFrame("again", groupId, "hello?"))
      assert.deepInclude((yield* bobPeer.answer("again")).data as object, { code: 300001 })
      const { conversations } = yield* ask(bobPeer, "s2", "conversation.sync", { cursor })
      assert.deepStrictEqual(conversations, [
        { conversationID: groupId, seq: 0, readSeq: 0, unread: 0, left: true, messages: [], hasMore: false }
      ])
      assert.deepInclude(yield* ask(bobPeer, "h", "conversation.history", { conversationID: groupId }), {
        code: 300001
      })
      assert.isFalse(bobPeer.frames.some((frame) => frame.method === "push" && dataOf(frame).seq > 2))
      assert.deepStrictEqual((yield* succeed("GET", "groups", bob)).list, [])
      const newDevice = yield* online(bob, "?deviceId=new")
      assert.deepInclude(yield* ask(newDevice, "s3", "conversation.sync", {}), { conversations: [] })
    })
  )

  it.effect("have managers approve who wants in, where their founder wants it so", () =>
    Effect.gen(function* () {
      const { ann, bob, eve, annPeer, groupId } = yield* couple({ isVerify: true })
      const evePeer = yield* online(eve)
      const asked = yield* succeed("POST", "group/putIn", eve, { groupId, reqMsg: "please" })
      const [own] = (yield* succeed("GET", "group/putIns", eve)).list
      assert.deepStrictEqual(asked, { handleResult: 1, requests: [{ groupReqId: own.id, userId: eve.id }] })
      assert.strictEqual(yield* codeOf("GET", `group/putIns?groupId=${groupId}`, bob), 100005)
      assert.strictEqual(yield* codeOf("GET", `group/putIns?groupId=${groupId}`, eve), 300001)
      const { list } = yield* succeed("GET", `group/putIns?groupId=${groupId}`, ann)
      assert.lengthOf(list, 1)
      assert.deepInclude(list[0], { userId: eve.id, inviterUserId: eve.id, reqMsg: "please", handleResult: 1 })
      const approval = { groupReqId: list[0].id, handleResult: 2 }
      assert.strictEqual(yield* codeOf("PUT", "group/putIn", bob, approval), 300007)
      assert.strictEqual(yield* codeOf("PUT", "group/putIn", eve, approval), 100005)
      yield* succeed("PUT", "group/putIn", ann, approval)
      yield* succeed("PUT", "group/putIn", ann, approval)
      assert.deepInclude(eventOf(yield* pushOf(evePeer, groupId, 2)), { event: "joined", asked: true })
      yield* pushOf(annPeer, groupId, 2)
      const [closed] = (yield* succeed("GET", `group/putIns?groupId=${groupId}`, ann)).list
      assert.deepInclude(closed, { handleResult: 2, handleUserId: ann.id })
      assert.isAbove(closed.handleTime, 0)
      assert.strictEqual(yield* codeOf("PUT", "group/putIn", ann, { ...approval, handleResult: 3 }), 100007)
    })
  )

  it.effect("are asked to get into, and not any more, by who has asked", () =>
    Effect.gen(function* () {
      const { ann, bob, eve, groupId } = yield* couple({ isVerify: true })
      const { requests } = yield* succeed("POST", "group/putIn", eve, { groupId })
      const { groupReqId } = requests[0]
      assert.deepStrictEqual((yield* succeed("POST", "group/putIn", eve, { groupId })).requests, requests)
      assert.deepStrictEqual((yield* succeed("GET", "group/putIns", bob)).list, [])
      assert.strictEqual(yield* codeOf("PUT", "group/putIn", bob, { groupReqId, handleResult: 4 }), 300007)
      yield* succeed("PUT", "group/putIn", eve, { groupReqId, handleResult: 4 })
      assert.strictEqual(yield* codeOf("PUT", "group/putIn", ann, { groupReqId, handleResult: 2 }), 100007)
      // Asked for anew, the old one is forgotten.
      yield* succeed("POST", "group/putIn", eve, { groupId })
      const own = (yield* succeed("GET", "group/putIns", eve)).list
      assert.lengthOf(own, 1)
      assert.deepInclude(own[0], { groupId, userId: eve.id, inviterUserId: eve.id, handleResult: 1 })
      assert.notStrictEqual(own[0].id, groupReqId)
    })
  )

  it.effect("do not let a member bring in who blocks them while a manager has not approved", () =>
    Effect.gen(function* () {
      const { ann, bob, eve, groupId } = yield* couple({ isVerify: true })
      const asked = yield* succeed("POST", "group/putIn", bob, { groupId, userIds: [eve.id] })
      assert.deepInclude(asked, { handleResult: 1 })
      yield* succeed("POST", "block", eve, { userId: bob.id })
      const [request] = (yield* succeed("GET", `group/putIns?groupId=${groupId}`, ann)).list
      assert.deepInclude(request, { userId: eve.id, inviterUserId: bob.id, handleResult: 4, handleUserId: eve.id })
      const approval = { groupReqId: request.id, handleResult: 2 }
      assert.strictEqual(yield* codeOf("PUT", "group/putIn", ann, approval), 100007)
      assert.deepStrictEqual((yield* succeed("GET", "groups", eve)).list, [])
    })
  )

  it.effect("are handed over by their owner, who may leave then, and not before", () =>
    Effect.gen(function* () {
      const { ann, bob, groupId } = yield* couple()
      assert.strictEqual(yield* codeOf("DELETE", `group/users?groupId=${groupId}`, ann), 100005)
      assert.strictEqual(yield* codeOf("PUT", "group/users", bob, { groupId, userId: bob.id, roleLevel: 1 }), 100005)
      yield* succeed("PUT", "group/users", ann, { groupId, userId: bob.id, roleLevel: 1 })
      const { list } = yield* succeed("GET", `group/users?groupId=${groupId}`, bob)
      assert.deepStrictEqual(
        list.map(({ userId, roleLevel }: { userId: string; roleLevel: number }) => [userId, roleLevel]),
        [
          [bob.id, 1],
          [ann.id, 2]
        ]
      )
      yield* succeed("DELETE", `group/users?groupId=${groupId}`, ann)
      yield* succeed("DELETE", `group/users?groupId=${groupId}`, bob)
      assert.strictEqual(yield* codeOf("GET", `group/users?groupId=${groupId}`, bob), 300001)
    })
  )

  it.effect("tell which members are online, of contacts and of those who have shown themselves there", () =>
    Effect.gen(function* () {
      const { ann, bob, eve, annPeer, bobPeer, groupId } = yield* couple()
      yield* showToContacts(ann, bob, eve)
      const seenBy = (user: TestUser) => succeed("GET", `group/users/online?groupId=${groupId}`, user)
      const { invitation } = yield* succeed("POST", "group/invitations", ann, { groupId })
      yield* succeed("POST", "group/putIn", eve, { groupId, invitation: invitation.code })
      // Ann has brought Bob in, who has not said a word.
      assert.deepStrictEqual(yield* seenBy(eve), { onlineList: { [ann.id]: true, [bob.id]: false, [eve.id]: false } })
      const evePeer = yield* online(eve)
      assert.deepStrictEqual(yield* seenBy(ann), { onlineList: { [ann.id]: true, [bob.id]: false, [eve.id]: true } })
      assert.deepStrictEqual(yield* seenBy(bob), { onlineList: { [ann.id]: true, [bob.id]: true, [eve.id]: true } })
      // Contacts of each other.
      for (const [peer, other] of [
        [annPeer, bob],
        [bobPeer, ann]
      ] as const) {
        const data = { chatType: 1, receiveId: other.id, message: { messageType: 0, content: "hello" } }
        yield* ask(peer, `to ${other.id}`, "conversation.chat", data)
      }
      assert.deepInclude(yield* seenBy(ann), { onlineList: { [ann.id]: true, [bob.id]: true, [eve.id]: true } })
      assert.deepInclude(yield* seenBy(eve), { onlineList: { [ann.id]: true, [bob.id]: false, [eve.id]: true } })
      bobPeer.send(groupFrame("w", groupId, "hello"))
      yield* bobPeer.answer("w")
      assert.deepInclude(yield* seenBy(eve), { onlineList: { [ann.id]: true, [bob.id]: true, [eve.id]: true } })
      yield* succeed("POST", "block", bob, { userId: ann.id })
      assert.deepInclude(yield* seenBy(ann), { onlineList: { [ann.id]: true, [bob.id]: false, [eve.id]: true } })
      assert.deepInclude(yield* seenBy(bob), { onlineList: { [ann.id]: false, [bob.id]: true, [eve.id]: true } })
      evePeer.socket.close()
    })
  )

  it.effect("do not tell their founder who of the strangers in them is online", () =>
    Effect.gen(function* () {
      const { ann, bob, eve } = yield* couple()
      const userIds = [ann.id, bob.id]
      const { groupId } = yield* succeed("POST", "group", eve, { name: "look", userIds })
      const seen = succeed("GET", `group/users/online?groupId=${groupId}`, eve)
      const nobody = { onlineList: { [ann.id]: false, [bob.id]: false, [eve.id]: false } }
      assert.deepStrictEqual(yield* seen, nobody)
      yield* succeed("DELETE", `group/users?groupId=${groupId}`, ann)
      yield* succeed("POST", "group/putIn", eve, { groupId, userIds: [ann.id] })
      assert.deepStrictEqual(yield* seen, nobody)
    })
  )

  it.effect("let members hear of each other's typing and reading", () =>
    Effect.gen(function* () {
      const { bob, annPeer, bobPeer, groupId } = yield* couple()
      yield* pushOf(bobPeer, groupId, 1)
      bobPeer.send({ id: "t", method: "typing", data: { conversationID: groupId } })
      bobPeer.send({ id: "t", method: "typing", data: { conversationID: groupId } })
      bobPeer.send({ id: "r", method: "conversation.markRead", data: { conversationID: groupId, seq: 1 } })
      assert.deepInclude(yield* annPeer.find((frame) => frame.method === "typing"), {
        fromID: bob.id,
        data: { conversationID: groupId, userId: bob.id }
      })
      assert.deepInclude(yield* annPeer.find((frame) => frame.method === "conversation.read"), {
        data: { conversationID: groupId, userId: bob.id, seq: 1 }
      })
      assert.lengthOf(
        annPeer.frames.filter((frame) => frame.method === "typing"),
        1
      )
      assert.isFalse(bobPeer.frames.some((frame) => frame.id === "t"))
    })
  )
})
