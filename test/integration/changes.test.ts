/** Recalling, editing and reacting, over real sockets and with the real store (protocol.md section 1.6). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type Peer } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { chatFrame, register, request } from "../support/Users.ts"

interface Ack {
  readonly conversationID: string
  readonly sendTime: number
}

interface Message {
  readonly seq: number
  readonly content: string
  readonly messageType: number
  readonly targetSeq?: number
  readonly recalled?: boolean
  readonly edited?: boolean
  readonly reactions?: ReadonlyArray<unknown>
}

/** Ann and Bob, connected, and a message of Ann's to Bob. */
const couple = Effect.gen(function* () {
  const { chatUrl } = yield* TestServer.TestServer
  const [ann, bob] = yield* Effect.all([register(), register()])
  const annPeer = yield* connect(chatUrl, ann.token)
  const bobPeer = yield* connect(chatUrl, bob.token)
  annPeer.send(chatFrame("m1", bob, "first"))
  const { conversationID, sendTime } = (yield* annPeer.answer("m1")).data as Ack
  return { ann, bob, annPeer, bobPeer, conversationID, sendTime }
})

const ask = (peer: Peer, id: string, method: string, data: unknown) => {
  peer.send({ id, method, data })
  return Effect.map(peer.answer(id), (frame) => frame.data as Record<string, unknown>)
}

let asked = 0
/** Keeps asking until the windows of a message sent at that time are over. */
const later = (peer: Peer, sendTime: number) =>
  Effect.gen(function* () {
    do {
      asked += 1
      yield* ask(peer, `later${asked}`, "user.online", {})
    } while (Date.now() <= sendTime + 1)
  })

const messages = (peer: Peer, conversationID: string) => {
  asked += 1
  return Effect.map(
    ask(peer, `h${asked}`, "conversation.history", { conversationID }),
    ({ messages }) => messages as ReadonlyArray<Message>
  )
}

const pushed = (peer: Peer, seq: number) =>
  Effect.map(
    peer.find((frame) => frame.method === "push" && (frame.data as Message).seq === seq),
    (frame) => frame.data as Message
  )

layer(TestServer.layer(), { excludeTestServices: true })("changes of messages", (it) => {
  it.effect("edit a message in place, and come as messages of their own", () =>
    Effect.gen(function* () {
      const { annPeer, bobPeer, conversationID } = yield* couple
      const edit = { conversationID, seq: 1, content: "better" }
      assert.deepInclude(yield* ask(annPeer, "e1", "message.edit", edit), { conversationID, seq: 2 })
      assert.deepInclude(yield* pushed(bobPeer, 2), { messageType: 9, targetSeq: 1, content: "better" })
      const [first, second] = yield* messages(bobPeer, conversationID)
      assert.deepInclude(first, { seq: 1, content: "better", edited: true })
      assert.deepInclude(second, { seq: 2, content: "better", targetSeq: 1, messageType: 9 })
      // The same id again is answered again, and so is the first message's.
      annPeer.send({ id: "e1", method: "message.edit", data: edit })
      const answers = yield* annPeer.count(({ id }) => id === "e1", 2)
      assert.deepStrictEqual(answers[1]?.data, answers[0]?.data)
      assert.lengthOf(yield* messages(annPeer, conversationID), 2)
    })
  )

  it.effect("recall a message without a trace of what it said, in whatever words", () =>
    Effect.gen(function* () {
      const { bob, annPeer, bobPeer, conversationID } = yield* couple
      yield* ask(annPeer, "e", "message.edit", { conversationID, seq: 1, content: "second thoughts" })
      yield* ask(bobPeer, "l", "message.react", { conversationID, seq: 1, reaction: "👍" })
      assert.deepInclude(yield* ask(annPeer, "r", "message.recall", { conversationID, seq: 1 }), { seq: 4 })
      assert.deepInclude(yield* pushed(bobPeer, 4), { messageType: 8, targetSeq: 1, content: "" })
      const all = yield* messages(bobPeer, conversationID)
      assert.deepInclude(all[0], { content: "", recalled: true, edited: true })
      assert.isUndefined(all[0]?.reactions)
      assert.notInclude(JSON.stringify(all), "first")
      assert.notInclude(JSON.stringify(all), "second thoughts")
      const chatlog = yield* request("GET", `/v1/im/chatlog?conversationId=${conversationID}`, { token: bob.token })
      assert.notInclude(JSON.stringify(chatlog.body), "second thoughts")
      // Sent once more by a client that has not heard of its ack, it is still the message that it was.
      annPeer.send(chatFrame("m1", bob, "first"))
      annPeer.send(chatFrame("m1", bob, "another"))
      const answers = yield* annPeer.count(({ id }) => id === "m1", 3)
      assert.deepInclude(answers[1]?.data as object, { seq: 1 })
      assert.deepInclude(answers[2]?.data as object, { code: 100007 })
      assert.deepInclude(yield* ask(annPeer, "r2", "message.recall", { conversationID, seq: 1 }), { code: 100007 })
      assert.lengthOf(yield* messages(annPeer, conversationID), 4)
    })
  )

  it.effect("count reactions, one of each user, and take them back", () =>
    Effect.gen(function* () {
      const { annPeer, bobPeer, conversationID } = yield* couple
      const react = (peer: Peer, id: string, reaction: string) =>
        ask(peer, id, "message.react", { conversationID, seq: 1, reaction })
      yield* react(bobPeer, "b1", "❤️")
      yield* react(bobPeer, "b2", "👍")
      yield* react(annPeer, "a1", "👍")
      yield* react(annPeer, "a2", "🎉")
      assert.deepInclude(yield* pushed(annPeer, 3), { messageType: 10, targetSeq: 1, content: "👍" })
      const seenBy = (peer: Peer) => Effect.map(messages(peer, conversationID), ([first]) => first?.reactions)
      assert.sameDeepMembers(
        [...((yield* seenBy(annPeer)) ?? [])],
        [
          { reaction: "👍", count: 1, own: false },
          { reaction: "🎉", count: 1, own: true }
        ]
      )
      yield* react(annPeer, "a3", "👍")
      assert.deepStrictEqual(yield* seenBy(bobPeer), [{ reaction: "👍", count: 2, own: true }])
      yield* react(bobPeer, "b3", "")
      assert.deepStrictEqual(yield* seenBy(bobPeer), [{ reaction: "👍", count: 1, own: false }])
      const { conversations } = yield* ask(bobPeer, "s", "conversation.sync", {})
      const [synced] = conversations as ReadonlyArray<{ messages: ReadonlyArray<Message> }>
      assert.deepStrictEqual(synced?.messages[0]?.reactions, [{ reaction: "👍", count: 1, own: false }])
    })
  )

  const refusals: ReadonlyArray<readonly [what: string, method: string, data: object, code: number]> = [
    ["somebody else's message: recall", "message.recall", { seq: 1 }, 100005],
    ["somebody else's message: edit", "message.edit", { seq: 1, content: "x" }, 100005],
    ["a message that does not exist: recall", "message.recall", { seq: 9 }, 300011],
    ["a message that does not exist: edit", "message.edit", { seq: 9, content: "x" }, 300011],
    ["a message that does not exist: react", "message.react", { seq: 9, reaction: "👍" }, 300011],
    ["no message: recall", "message.recall", { seq: 0 }, 100002],
    ["a conversation of others", "message.recall", { conversationID: "1_2", seq: 1 }, 300001],
    ["a group that does not exist", "message.recall", { conversationID: "123", seq: 1 }, 300001],
    ["a reaction that is a story", "message.react", { seq: 1, reaction: "x".repeat(33) }, 300005],
    ["half a surrogate pair", "message.react", { seq: 1, reaction: "\ud83d" }, 300005],
    ["a content above 16 KiB", "message.edit", { seq: 1, content: "x".repeat(16_385) }, 300004]
  ]
  for (const [what, method, data, code] of refusals) {
    it.effect(`are refused with ${code}: ${what}`, () =>
      Effect.gen(function* () {
        const { bobPeer, annPeer, conversationID } = yield* couple
        assert.deepInclude(yield* ask(bobPeer, "x", method, { conversationID, ...data }), { code })
        const after = yield* messages(annPeer, conversationID)
        assert.deepStrictEqual(
          after.map(({ seq, content }) => [seq, content]),
          [[1, "first"]]
        )
      })
    )
  }

  it.effect("are refused for a change, and for a recalled message", () =>
    Effect.gen(function* () {
      const { annPeer, conversationID } = yield* couple
      yield* ask(annPeer, "e", "message.edit", { conversationID, seq: 1, content: "better" })
      assert.deepInclude(yield* ask(annPeer, "x1", "message.recall", { conversationID, seq: 2 }), { code: 300011 })
      yield* ask(annPeer, "r", "message.recall", { conversationID, seq: 1 })
      const edit = { conversationID, seq: 1, content: "too late" }
      assert.deepInclude(yield* ask(annPeer, "x2", "message.edit", edit), { code: 100007 })
    })
  )

  it.effect("are refused to who is blocked, but for taking back what they have said", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, bobPeer, conversationID } = yield* couple
      const blocked = yield* request("POST", "/v1/social/block", { token: bob.token, body: { userId: ann.id } })
      assert.strictEqual(blocked.status, 200)
      const edit = { conversationID, seq: 1, content: "and so on" }
      assert.deepInclude(yield* ask(annPeer, "e", "message.edit", edit), { code: 300003 })
      const react = { conversationID, seq: 1, reaction: "👍" }
      assert.deepInclude(yield* ask(annPeer, "a", "message.react", react), { code: 300003 })
      assert.deepInclude(yield* ask(annPeer, "r", "message.recall", { conversationID, seq: 1 }), { seq: 2 })
      const [first] = yield* messages(bobPeer, conversationID)
      assert.deepInclude(first, { seq: 1, content: "", recalled: true })
    })
  )

  it.effect("keep the type of what they edit", () =>
    Effect.gen(function* () {
      const { bob, annPeer, conversationID } = yield* couple
      const place = JSON.stringify({ latitude: 1, longitude: 2 })
      const frame = chatFrame("place", bob, place)
      annPeer.send({ ...frame, data: { ...frame.data, message: { messageType: 5, content: place } } })
      yield* annPeer.answer("place")
      const edit = (id: string, content: string) =>
        ask(annPeer, id, "message.edit", { conversationID, seq: 2, content })
      assert.deepInclude(yield* edit("x", "here"), { code: 300005 })
      assert.deepInclude(yield* edit("e", JSON.stringify({ latitude: 3, longitude: 4 })), { seq: 3 })
    })
  )

  it.effect("take effect in order when many are sent at once", () =>
    Effect.gen(function* () {
      const { bob, annPeer, bobPeer, conversationID } = yield* couple
      annPeer.send(chatFrame("m", bob, "one"))
      annPeer.send({ id: "e1", method: "message.edit", data: { conversationID, seq: 2, content: "two" } })
      annPeer.send({ id: "e2", method: "message.edit", data: { conversationID, seq: 2, content: "three" } })
      annPeer.send({ id: "l", method: "message.react", data: { conversationID, seq: 2, reaction: "👍" } })
      annPeer.send({ id: "r", method: "message.recall", data: { conversationID, seq: 2 } })
      annPeer.send({ id: "x", method: "message.edit", data: { conversationID, seq: 2, content: "four" } })
      assert.deepInclude((yield* annPeer.answer("x")).data as object, { code: 100007 })
      const all = yield* messages(bobPeer, conversationID)
      assert.deepStrictEqual(
        all.map(({ seq, content }) => [seq, content]),
        [
          [1, "first"],
          [2, ""],
          [3, ""],
          [4, ""],
          [5, "👍"],
          [6, ""]
        ]
      )
      assert.isUndefined(all[1]?.reactions)
      annPeer.send(chatFrame("m", bob, "one"))
      const [, again] = yield* annPeer.count(({ id }) => id === "m", 2)
      assert.deepInclude(again?.data as object, { seq: 2 })
    })
  )
})

layer(TestServer.layer({ CHAT_RECALL_WINDOW: "1 millis", CHAT_EDIT_WINDOW: "1 millis" }), {
  excludeTestServices: true
})("changes of messages, late", (it) => {
  it.effect("are refused, but to the managers of a group", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, bobPeer, conversationID, sendTime } = yield* couple
      yield* later(annPeer, sendTime)
      assert.deepInclude(yield* ask(annPeer, "r", "message.recall", { conversationID, seq: 1 }), { code: 300012 })
      const edit = { conversationID, seq: 1, content: "x" }
      assert.deepInclude(yield* ask(annPeer, "e", "message.edit", edit), { code: 300012 })
      assert.deepInclude(yield* ask(bobPeer, "l", "message.react", { conversationID, seq: 1, reaction: "👍" }), {
        seq: 2
      })

      const founding = { name: "us", userIds: [bob.id] }
      const { body } = yield* request("POST", "/v1/social/group", { token: ann.token, body: founding })
      const { groupId } = body.data
      for (const [peer, id] of [
        [annPeer, "ga"],
        [bobPeer, "gb"]
      ] as const) {
        peer.send({
          id,
          method: "conversation.chat",
          data: { chatType: 0, receiveId: groupId, message: { messageType: 0, content: id } }
        })
        yield* later(peer, ((yield* peer.answer(id)).data as Ack).sendTime)
      }
      const recall = (peer: Peer, id: string, seq: number) =>
        ask(peer, id, "message.recall", { conversationID: groupId, seq })
      assert.deepInclude(yield* recall(bobPeer, "g1", 2), { code: 100005 })
      assert.deepInclude(yield* recall(bobPeer, "g2", 3), { code: 300012 })
      assert.deepInclude(yield* recall(annPeer, "g3", 3), { seq: 4 })
      assert.deepInclude(yield* recall(annPeer, "g4", 2), { seq: 5 })
      assert.deepInclude(yield* recall(annPeer, "g5", 1), { code: 300011 })
    })
  )
})
