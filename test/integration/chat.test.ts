/** Private chat over real sockets, with the real store (protocol.md sections 1.4 to 1.6 and 4). */
import { isDeepStrictEqual } from "node:util"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Auth } from "../../src/domain/accounts/Auth.ts"
import { connect, refused } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { chatFrame, register, request, showToContacts, type TestUser } from "../support/Users.ts"

const isPush = (frame: { readonly method?: string }) => frame.method === "push"
const conversationOf = (a: TestUser, b: TestUser) =>
  [a.id, b.id].toSorted((x, y) => (BigInt(x) < BigInt(y) ? -1 : 1)).join("_")

/** Two users, each with a connection. */
const pair = (query = "") =>
  Effect.gen(function* () {
    const { chatUrl } = yield* TestServer.TestServer
    const [ann, bob] = yield* Effect.all([register(), register()])
    const annPeer = yield* connect(`${chatUrl}${query}`, ann.token)
    const bobPeer = yield* connect(`${chatUrl}${query}`, bob.token)
    return { chatUrl, ann, bob, annPeer, bobPeer, conversationID: conversationOf(ann, bob) }
  })

const contents = (frame: { readonly data?: unknown }) =>
  (frame.data as { messages: ReadonlyArray<{ content: string }> }).messages.map((message) => message.content)

layer(TestServer.layer(), { excludeTestServices: true })("private chat", (it) => {
  it.effect("acks a message once it is stored and pushes it to every other device of both parties", () =>
    Effect.gen(function* () {
      const { chatUrl, ann, bob, annPeer, bobPeer, conversationID } = yield* pair()
      const laptop = yield* connect(`${chatUrl}?deviceId=laptop`, ann.token)
      annPeer.send(chatFrame("m1", bob, "héllo 你好 🎉"))
      const ack = yield* annPeer.answer("m1")
      assert.deepInclude(ack, { frameType: 2, ackSeq: 1 })
      assert.deepInclude(ack.data as object, { conversationID, seq: 1 })
      for (const peer of [laptop, bobPeer]) {
        const push = yield* peer.find(isPush)
        const message = { clientId: "m1", seq: 1, sendId: ann.id, receiveId: bob.id, content: "héllo 你好 🎉" }
        assert.deepInclude(push.data as object, message)
        assert.deepInclude(push, { id: (ack.data as { messageId: string }).messageId, fromID: ann.id })
      }
      assert.isFalse(annPeer.frames.some(isPush))
    })
  )

  it.effect("answers the same id again with the same result and pushes nothing twice, on any connection", () =>
    Effect.gen(function* () {
      const { chatUrl, ann, bob, annPeer, bobPeer } = yield* pair()
      for (let index = 0; index < 3; index++) annPeer.send(chatFrame("same", bob, "once"))
      const acks = yield* annPeer.count((frame) => frame.id === "same", 3)
      const other = yield* connect(`${chatUrl}?deviceId=other`, ann.token)
      other.send(chatFrame("same", bob, "once"))
      const again = yield* other.answer("same")
      for (const ack of acks) assert.deepStrictEqual(ack.data, again.data)
      other.send(chatFrame("next", bob, "after"))
      yield* bobPeer.find((frame) => isPush(frame) && (frame.data as { clientId: string }).clientId === "next")
      assert.deepStrictEqual(
        bobPeer.frames.filter(isPush).map((frame) => (frame.data as { seq: number }).seq),
        [1, 2]
      )
    })
  )

  it.effect("takes the sender's id as conversationID, which clients of the Go project send", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, conversationID } = yield* pair()
      const frame = (id: string, claimed: string) => {
        const { data, ...rest } = chatFrame(id, bob, "hello")
        return { ...rest, data: { ...data, conversationID: claimed } }
      }
      annPeer.send(frame("own", ann.id))
      assert.deepInclude((yield* annPeer.answer("own")).data as object, { conversationID, seq: 1 })
      annPeer.send(frame("other", bob.id))
      assert.deepInclude((yield* annPeer.answer("other")).data as object, { code: 300001 })
    })
  )

  it.effect("refuses the same id with another content, and the first message stays", () =>
    Effect.gen(function* () {
      const { bob, annPeer, conversationID } = yield* pair()
      annPeer.send(chatFrame("m", bob, "first"))
      annPeer.send(chatFrame("m", bob, "second"))
      const [, err] = yield* annPeer.count((frame) => frame.id === "m", 2)
      assert.deepInclude(err?.data as object, { code: 100007, method: "conversation.chat" })
      annPeer.send({ id: "h", method: "conversation.history", data: { conversationID } })
      assert.deepStrictEqual(contents(yield* annPeer.answer("h")), ["first"])
    })
  )

  it.effect("numbers what both send at once without gaps, in one order for both, each sender's own order kept", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, bobPeer, conversationID } = yield* pair()
      for (let index = 0; index < 150; index++) {
        annPeer.send(chatFrame(`a${index}`, bob, `a${index}`))
        bobPeer.send(chatFrame(`b${index}`, ann, `b${index}`))
      }
      yield* annPeer.answer("a149")
      yield* bobPeer.answer("b149")
      const pages = []
      for (const [peer, id] of [
        [annPeer, "ha"],
        [bobPeer, "hb"]
      ] as const) {
        const all: Array<string> = []
        for (let afterSeq = 0; ; afterSeq = all.length) {
          const pageId = `${id}${afterSeq}`
          peer.send({ id: pageId, method: "conversation.history", data: { conversationID, afterSeq, limit: 200 } })
          const page = yield* peer.answer(pageId)
          const { messages, hasMore } = page.data as { messages: ReadonlyArray<{ seq: number }>; hasMore: boolean }
          assert.deepStrictEqual(
            messages.map((message) => message.seq),
            messages.map((_, index) => afterSeq + index + 1)
          )
          all.push(...contents(page))
          if (!hasMore) break
        }
        pages.push(all)
      }
      assert.strictEqual(pages[0]?.length, 300)
      assert.deepStrictEqual(pages[0], pages[1])
      for (const letter of ["a", "b"]) {
        const own = pages[0]?.filter((content) => content.startsWith(letter))
        assert.deepStrictEqual(
          own,
          Array.from({ length: 150 }, (_, index) => `${letter}${index}`)
        )
      }
    })
  )

  const refusals: Record<string, readonly [code: number, change: (frame: Chat, us: Pair) => void]> = {
    "a spoofed sendId": [100005, (frame, { bob }) => Object.assign(frame.data, { sendId: bob.id })],
    "a conversation of others": [300001, (frame) => Object.assign(frame.data, { conversationID: "1_2" })],
    "a group, of which there are none": [300001, (frame) => Object.assign(frame.data, { chatType: 0 })],
    "an unknown receiver": [300002, (frame) => Object.assign(frame.data, { receiveId: "123456789" })],
    "a receiver that is no id": [100002, (frame) => Object.assign(frame.data, { receiveId: "' OR 1=1 --" })],
    "no receiver": [100002, (frame) => Object.assign(frame.data, { receiveId: undefined })],
    "a chat type that is a string": [100002, (frame) => Object.assign(frame.data, { chatType: "1" })],
    "a message type that does not exist": [100002, (frame) => Object.assign(frame.data.message, { messageType: 7 })],
    "a content that is a number": [100002, (frame) => Object.assign(frame.data.message, { content: 1 })],
    "a content of 16 KiB and a byte": [
      300004,
      (frame) => Object.assign(frame.data.message, { content: "x".repeat(16_385) })
    ],
    "a content of 16 KiB and a byte in three-byte letters": [
      300004,
      (frame) => Object.assign(frame.data.message, { content: `${"界".repeat(5_461)}xx` })
    ],
    "an empty text": [300005, (frame) => Object.assign(frame.data.message, { content: "" })],
    "half of a surrogate pair": [300005, (frame) => Object.assign(frame.data.message, { content: "a\ud800" })],
    "an id with half of a surrogate pair": [100002, (frame) => Object.assign(frame, { id: "a\ud800" })],
    "an image that is no JSON": [300005, (frame) => Object.assign(frame.data.message, { messageType: 1 })],
    "a location beyond the pole": [
      300005,
      (frame) =>
        Object.assign(frame.data.message, { messageType: 5, content: JSON.stringify({ latitude: 91, longitude: 0 }) })
    ]
  }
  type Pair = { readonly ann: TestUser; readonly bob: TestUser }
  type Chat = ReturnType<typeof chatFrame>
  for (const [what, [code, change]] of Object.entries(refusals)) {
    it.effect(`refuses ${what} with ${code} and changes nothing`, () =>
      Effect.gen(function* () {
        const { ann, bob, annPeer, bobPeer, conversationID } = yield* pair()
        const frame = chatFrame("bad", bob, "no JSON")
        change(frame, { ann, bob })
        annPeer.send(frame)
        const err = yield* annPeer.find((answer) => answer.frameType === 9)
        assert.deepInclude(err.data as object, { code })
        assert.strictEqual(err.id, frame.id.toWellFormed())
        annPeer.send(chatFrame("good", bob, "good"))
        const ack = yield* annPeer.answer("good")
        assert.deepInclude(ack.data as object, { conversationID, seq: 1 })
        yield* bobPeer.find(isPush)
        assert.strictEqual(bobPeer.frames.filter(isPush).length, 1)
      })
    )
  }

  it.effect("takes exactly 16 KiB, emoji, control characters and every structured type", () =>
    Effect.gen(function* () {
      const { bob, annPeer, bobPeer, conversationID } = yield* pair()
      const exact = `${"界".repeat(5_461)}x`
      const texts = [exact, "x".repeat(16_384), '👩‍👩‍👧‍👦 مرحبا \u0000\u001f\\"\n', " "]
      for (const [index, text] of texts.entries()) annPeer.send(chatFrame(`t${index}`, bob, text))
      const structured = [
        { url: "u" },
        { url: "u", name: "n" },
        { url: "u" },
        { url: "u" },
        { latitude: 1, longitude: 2 },
        [1]
      ]
      for (const [index, content] of structured.entries()) {
        const frame = chatFrame(`s${index}`, bob, JSON.stringify(content))
        frame.data.message.messageType = index + 1
        annPeer.send(frame)
      }
      const expected = [...texts, ...structured.map((content) => JSON.stringify(content))]
      const pushes = yield* bobPeer.count(isPush, expected.length)
      const received = pushes.map((push) => (push.data as { content: string }).content)
      assert.isTrue(isDeepStrictEqual(received, expected))
      annPeer.send({ id: "h", method: "conversation.history", data: { conversationID } })
      assert.isTrue(isDeepStrictEqual(contents(yield* annPeer.answer("h")), expected))
    })
  )

  it.effect("is stopped by a block in both directions and goes on when it is lifted", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, bobPeer } = yield* pair()
      const block = { token: ann.token, body: { userId: bob.id } }
      assert.strictEqual((yield* request("POST", "/v1/social/block", block)).status, 200)
      assert.strictEqual((yield* request("POST", "/v1/social/block", block)).status, 200)
      annPeer.send(chatFrame("a", bob, "a"))
      bobPeer.send(chatFrame("b", ann, "b"))
      assert.deepInclude((yield* annPeer.answer("a")).data as object, { code: 300003 })
      assert.deepInclude((yield* bobPeer.answer("b")).data as object, { code: 300003 })
      yield* request("DELETE", `/v1/social/block?userId=${bob.id}`, { token: ann.token })
      bobPeer.send(chatFrame("b", ann, "b"))
      assert.deepInclude((yield* bobPeer.count((frame) => frame.id === "b", 2))[1]?.data as object, { seq: 1 })
    })
  )

  it.effect("acks nothing in mode none and for frames that want no ack, but still answers queries and errors", () =>
    Effect.gen(function* () {
      const { bob, annPeer, bobPeer, conversationID } = yield* pair("?ack=none")
      annPeer.send(chatFrame("m1", bob, "unacked"))
      yield* bobPeer.find(isPush)
      annPeer.send({ ...chatFrame("bad", bob, "x"), data: {} })
      assert.strictEqual((yield* annPeer.answer("bad")).frameType, 9)
      annPeer.send({ id: "h", method: "conversation.history", data: { conversationID } })
      assert.deepStrictEqual(contents(yield* annPeer.answer("h")), ["unacked"])
      assert.isFalse(annPeer.frames.some((frame) => frame.frameType === 2))

      const once = yield* pair()
      once.annPeer.send({ ...chatFrame("m1", once.bob, "unacked"), frameType: 3 })
      yield* once.bobPeer.find(isPush)
      assert.isFalse(once.annPeer.frames.some((frame) => frame.frameType === 2))
    })
  )

  it.effect("shows a conversation to its members only", () =>
    Effect.gen(function* () {
      const { chatUrl, ann, bob, annPeer, conversationID } = yield* pair()
      annPeer.send(chatFrame("m", bob, "secret"))
      yield* annPeer.answer("m")
      const eve = yield* register()
      const evePeer = yield* connect(chatUrl, eve.token)
      for (const id of [conversationID, "1_2", conversationOf(ann, eve)]) {
        evePeer.send({ id, method: "conversation.history", data: { conversationID: id } })
        const err = yield* evePeer.answer(id)
        assert.deepInclude(err.data as object, { code: 300001 })
        const log = yield* request("GET", `/v1/im/chatlog?conversationId=${id}`, { token: eve.token })
        assert.deepStrictEqual(log.body, { code: 300001, msg: "no such conversation", data: null })
        assert.strictEqual(log.status, 404)
      }
    })
  )

  it.effect("pages history both ways and the chat log by time, newest first", () =>
    Effect.gen(function* () {
      const { bob, annPeer, conversationID } = yield* pair()
      for (let index = 1; index <= 5; index++) annPeer.send(chatFrame(`m${index}`, bob, String(index)))
      yield* annPeer.answer("m5")
      const pages: ReadonlyArray<readonly [query: object, contents: ReadonlyArray<string>, hasMore: boolean]> = [
        [{}, ["1", "2", "3", "4", "5"], false],
        [{ limit: 2 }, ["4", "5"], true],
        [{ limit: 2, beforeSeq: 4 }, ["2", "3"], true],
        [{ limit: 2, beforeSeq: 2 }, ["1"], false],
        [{ limit: 2, afterSeq: 0 }, ["1", "2"], true],
        [{ limit: 2, afterSeq: 3 }, ["4", "5"], false],
        [{ afterSeq: 1, beforeSeq: 4 }, ["2", "3"], false],
        [{ afterSeq: 9 }, [], false]
      ]
      for (const [index, [query, expected, hasMore]] of pages.entries()) {
        annPeer.send({ id: `h${index}`, method: "conversation.history", data: { conversationID, ...query } })
        const page = yield* annPeer.answer(`h${index}`)
        assert.deepStrictEqual(contents(page), expected)
        assert.strictEqual((page.data as { hasMore: boolean }).hasMore, hasMore)
      }

      const { token } = yield* register()
      assert.strictEqual((yield* request("GET", "/v1/im/chatlog", { token })).body.code, 100002)
    })
  )

  it.effect("gives the chat log in the Go project's window: end < t ≤ start, newest first", () =>
    Effect.gen(function* () {
      const { ann, bob, annPeer, conversationID } = yield* pair()
      for (let index = 1; index <= 3; index++) {
        annPeer.send(chatFrame(`m${index}`, bob, String(index)))
        yield* annPeer.answer(`m${index}`)
        yield* Effect.sleep(2)
      }
      const log = (query: string) =>
        Effect.map(
          request("GET", `/v1/im/chatlog?conversationId=${conversationID}${query}`, { token: ann.token }),
          ({ body }) => body.data.list as ReadonlyArray<{ id: string; msgContent: string; sendTime: number }>
        )
      const all = yield* log("")
      const texts = (list: typeof all) => list.map((row) => row.msgContent).join("")
      assert.strictEqual(texts(all), "321")
      const times = all.map((row) => row.sendTime)
      assert.strictEqual(texts(yield* log(`&startSendTime=${times[1]}`)), "21")
      assert.strictEqual(texts(yield* log(`&endSendTime=${times[1]}`)), "3")
      assert.strictEqual(texts(yield* log(`&startSendTime=${times[0]}&endSendTime=${times[2]}`)), "32")
      assert.strictEqual(texts(yield* log("&startSendTime=0&endSendTime=0&count=2")), "32")
      assert.strictEqual(texts(yield* log("&beforeSeq=3")), "21")
      assert.strictEqual(texts(yield* log(`&msgId=${all[1]?.id}`)), "2")
      for (const query of ["count=", "count=0", "count=201", "beforeSeq=1e1", "afterSeq=-1", "startSendTime=0x1"]) {
        const { body } = yield* request("GET", `/v1/im/chatlog?conversationId=${conversationID}&${query}`, {
          token: ann.token
        })
        assert.strictEqual(body.code, 100002, query)
      }
    })
  )

  it.effect("tells who is online among those with whom messages went both ways", () =>
    Effect.gen(function* () {
      const { chatUrl, ann, bob, annPeer, bobPeer } = yield* pair()
      yield* showToContacts(bob)
      const ask = Effect.fnUntraced(function* (id: string) {
        annPeer.send({ id, method: "user.online", data: {} })
        return (yield* annPeer.answer(id)).data
      })
      bobPeer.send(chatFrame("b", ann, "hello?"))
      yield* bobPeer.answer("b")
      assert.deepStrictEqual(yield* ask("o1"), [])
      annPeer.send(chatFrame("a", bob, "hello!"))
      yield* annPeer.answer("a")
      assert.deepStrictEqual(yield* ask("o2"), [bob.id])
      bobPeer.socket.close()
      yield* bobPeer.closed()
      assert.deepStrictEqual(yield* ask("o3"), [])
      yield* connect(chatUrl, bob.token)
      assert.deepStrictEqual(yield* ask("o4"), [bob.id])
      yield* request("POST", "/v1/social/block", { token: bob.token, body: { userId: ann.id } })
      assert.deepStrictEqual(yield* ask("o5"), [])
    })
  )

  it.effect("says that there is more where a page of history is cut by its size", () =>
    Effect.gen(function* () {
      const { bob, annPeer, conversationID } = yield* pair()
      const count = 12
      for (let index = 0; index < count; index += 1) {
        annPeer.send(chatFrame(`m${index}`, bob, "x".repeat(16 * 1024)))
        yield* annPeer.answer(`m${index}`)
      }
      const seqs: Array<number> = []
      for (let hasMore = true; hasMore; ) {
        const id = `h${seqs.length}`
        const data = { conversationID, afterSeq: seqs.at(-1) ?? 0, limit: 200 }
        annPeer.send({ id, method: "conversation.history", data })
        const page = (yield* annPeer.answer(id)).data as { messages: Array<{ seq: number }>; hasMore: boolean }
        assert.isAbove(page.messages.length, 0)
        assert.isBelow(page.messages.length, count)
        seqs.push(...page.messages.map(({ seq }) => seq))
        hasMore = page.hasMore
      }
      assert.deepStrictEqual(
        seqs,
        Array.from({ length: count }, (_, index) => index + 1)
      )
    })
  )

  it.effect("opens no socket for a service or for the system", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const auth = yield* Auth
      for (const token of [yield* auth.issueInternal("system"), yield* auth.issueInternal("service", "billing")]) {
        const answer = yield* refused(chatUrl, { headers: { authorization: `Bearer ${token}` } })
        assert.deepInclude(answer, { status: 401, body: { code: 100004, msg: "unauthenticated", data: null } })
      }
    })
  )
})
