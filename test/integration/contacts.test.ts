/** Friends, requests and blocks over HTTP, and what they change elsewhere (protocol.md sections 1.6 and 2.2). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { hangMillis } from "../support/HangLimit.ts"
import { connect } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { type Answer, chatFrame, register, request, type TestUser } from "../support/Users.ts"

const live = { excludeTestServices: true }
const putIn = "/v1/social/friend/putIn"

const get = (user: TestUser, path: string) => request("GET", `/v1/social/${path}`, { token: user.token })
const data = (answer: Effect.Effect<Answer, never, TestServer.TestServer>) =>
  Effect.map(answer, ({ status, body }) => {
    assert.strictEqual(status, 200, JSON.stringify(body))
    return body.data
  })
const ask = (user: TestUser, other: { readonly id: string }, reqMsg?: string) =>
  request("POST", putIn, { token: user.token, body: { userId: other.id, reqMsg } })
const handle = (user: TestUser, friendReqId: unknown, handleResult: unknown) =>
  request("PUT", putIn, { token: user.token, body: { friendReqId, handleResult } })
const block = (user: TestUser, other: TestUser) =>
  request("POST", "/v1/social/block", { token: user.token, body: { userId: other.id } })
const friendIds = (user: TestUser) =>
  Effect.map(data(get(user, "friends")), ({ list }) => list.map((one: { friendUid: string }) => one.friendUid))
const befriend = Effect.fnUntraced(function* (one: TestUser, other: TestUser) {
  yield* data(ask(one, other))
  yield* data(ask(other, one))
})

const isFailure = ({ status, body }: Answer, expectedStatus: number, code: number) => {
  assert.deepInclude(body, { code, data: null })
  assert.strictEqual(status, expectedStatus)
}

/** The contacts that are online, over the chat socket. */
const onlineOf = Effect.fnUntraced(function* (user: TestUser) {
  const { chatUrl } = yield* TestServer.TestServer
  const peer = yield* connect(`${chatUrl}?deviceId=asks`, user.token)
  peer.send({ id: "online", method: "user.online", data: {} })
  return (yield* peer.answer("online")).data
}, Effect.scoped)

/** A message each way. */
const exchange = Effect.fnUntraced(function* (chatUrl: string, ann: TestUser, bob: TestUser) {
  for (const [from, to] of [
    [ann, bob],
    [bob, ann]
  ] as const) {
    const peer = yield* connect(`${chatUrl}?deviceId=writes`, from.token)
    peer.send(chatFrame("m", to, "hello"))
    assert.strictEqual((yield* peer.answer("m")).frameType, 2)
  }
}, Effect.scoped)

const mobileOf = (user: TestUser, other: TestUser) =>
  Effect.map(
    request("GET", `/v1/user/find?ids=${other.id}`, { token: user.token }),
    ({ body }) => body.data.users[0].mobile
  )

layer(TestServer.layer(), live)("friends", (it) => {
  it.effect("are asked for, passed, listed on both sides, and removed on both sides", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* Effect.all([register(), register()])
      const before = Date.now()
      const { friendReqId, handleResult } = yield* data(ask(ann, bob, "Zoë 动物 👋"))
      assert.strictEqual(handleResult, 1)
      for (const user of [ann, bob]) {
        const { list } = yield* data(get(user, "friend/putIns"))
        const reqTime = list[0].reqTime
        assert.isTrue(reqTime >= before && reqTime <= Date.now())
        const expected = { id: friendReqId, userId: bob.id, reqUid: ann.id, reqMsg: "Zoë 动物 👋", reqTime }
        assert.deepStrictEqual(list, [{ ...expected, handleResult: 1 }])
      }
      assert.deepStrictEqual(yield* data(handle(bob, friendReqId, 2)), {})
      assert.deepStrictEqual(yield* data(handle(bob, friendReqId, 2)), {})
      assert.deepStrictEqual((yield* data(get(ann, "friends"))).list, [
        { friendUid: bob.id, nickname: `user of ${bob.phone}`, avatar: "" }
      ])
      assert.deepStrictEqual(yield* friendIds(bob), [ann.id])
      assert.strictEqual((yield* data(get(ann, "friend/putIns"))).list[0].handleResult, 2)
      for (let time = 0; time < 2; time++) {
        const path = `/v1/social/friend?userId=${ann.id}`
        assert.deepStrictEqual(yield* data(request("DELETE", path, { token: bob.token })), {})
        for (const user of [ann, bob]) assert.deepStrictEqual(yield* friendIds(user), [])
      }
    })
  )

  it.effect("are made at once by asking back, and refused or cancelled by one side only", () =>
    Effect.gen(function* () {
      const [ann, bob, cid] = yield* Effect.all([register(), register(), register()])
      const { friendReqId } = yield* data(ask(ann, bob, "please"))
      assert.deepStrictEqual(yield* data(ask(ann, bob)), { friendReqId, handleResult: 1 })
      assert.deepStrictEqual(yield* data(ask(bob, ann)), { friendReqId, handleResult: 2 })
      isFailure(yield* ask(ann, bob), 409, 100_007)

      const refused = (yield* data(ask(ann, cid))).friendReqId
      isFailure(yield* handle(ann, refused, 3), 404, 300_007)
      yield* data(handle(cid, refused, 3))
      isFailure(yield* handle(cid, refused, 2), 409, 100_007)
      const cancelled = (yield* data(ask(ann, cid))).friendReqId
      isFailure(yield* handle(cid, cancelled, 4), 404, 300_007)
      yield* data(handle(ann, cancelled, 4))
      isFailure(yield* handle(cid, cancelled, 2), 409, 100_007)
      assert.deepStrictEqual(yield* friendIds(cid), [])
      assert.deepStrictEqual(yield* friendIds(ann), [bob.id])
    })
  )

  it.effect("see each other's phone and presence, and nothing of it while one blocks the other", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const [ann, bob, cid] = yield* Effect.all([register(), register(), register()])
      yield* befriend(ann, bob)
      yield* befriend(ann, cid)
      yield* connect(chatUrl, bob.token)
      const online = Effect.map(data(get(ann, "friends/online")), ({ onlineList }) => onlineList)
      assert.deepStrictEqual(yield* online, { [bob.id]: true, [cid.id]: false })
      assert.deepStrictEqual(yield* onlineOf(ann), [bob.id])
      assert.strictEqual(yield* mobileOf(ann, bob), bob.phone)

      yield* data(block(bob, ann))
      assert.deepStrictEqual(yield* online, { [cid.id]: false })
      assert.deepStrictEqual(yield* data(get(bob, "friends/online")), { onlineList: {} })
      assert.deepStrictEqual(yield* onlineOf(ann), [])
      assert.isUndefined(yield* mobileOf(ann, bob))
      assert.sameMembers(yield* friendIds(ann), [bob.id, cid.id])
      const peer = yield* connect(chatUrl, ann.token)
      peer.send(chatFrame("m", bob, "hello"))
      assert.deepInclude((yield* peer.answer("m")).data as object, { code: 300_003 })

      yield* data(request("DELETE", `/v1/social/block?userId=${ann.id}`, { token: bob.token }))
      assert.deepStrictEqual(yield* online, { [bob.id]: true, [cid.id]: false })
    })
  )

  it.effect("are online from a connection's beginning to its end", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const [ann, bob] = yield* Effect.all([register(), register()])
      yield* befriend(ann, bob)
      const isOnline = Effect.map(data(get(ann, "friends/online")), ({ onlineList }) => onlineList[bob.id])
      assert.isFalse(yield* isOnline)
      yield* Effect.scoped(Effect.andThen(connect(chatUrl, bob.token), Effect.map(isOnline, assert.isTrue)))
      yield* Effect.repeat(isOnline, { until: (online) => !online }).pipe(Effect.timeout(hangMillis))
    })
  )
})

layer(TestServer.layer(), live)("strangers", (it) => {
  it.effect("learn nothing of requests between others: theirs are as unknown as those that do not exist", () =>
    Effect.gen(function* () {
      const [ann, bob, eve] = yield* Effect.all([register(), register(), register()])
      const waiting = (yield* data(ask(ann, bob, "secret"))).friendReqId
      const before = yield* data(get(ann, "friend/putIns"))
      const unknown = yield* handle(eve, "404", 2)
      isFailure(unknown, 404, 300_007)
      for (const result of [2, 3, 4]) {
        const answer = yield* handle(eve, waiting, result)
        assert.deepStrictEqual([answer.status, answer.body], [unknown.status, unknown.body])
      }
      const page = yield* get(eve, `friend/putIns?before=${waiting}`)
      assert.deepStrictEqual([page.status, page.body], [unknown.status, unknown.body])
      for (const path of ["friend/putIns", "friends", "blocks"])
        assert.deepStrictEqual(yield* data(get(eve, path)), { list: [] })
      assert.deepStrictEqual(yield* data(get(eve, "friends/online")), { onlineList: {} })
      assert.deepStrictEqual(yield* data(get(ann, "friend/putIns")), before)
      yield* data(handle(bob, waiting, 2))
      isFailure(yield* handle(eve, waiting, 2), 404, 300_007)
      assert.deepStrictEqual(yield* friendIds(eve), [])
    })
  )

  it.effect("see neither phone nor presence of who has not passed their request", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const [ann, eve] = yield* Effect.all([register(), register()])
      yield* connect(chatUrl, ann.token)
      const { friendReqId } = yield* data(ask(eve, ann))
      const seen = Effect.all([data(get(eve, "friends/online")), onlineOf(eve), mobileOf(eve, ann)])
      const nothing: [unknown, unknown, unknown] = [{ onlineList: {} }, [], undefined]
      assert.deepStrictEqual(yield* seen, nothing)
      isFailure(yield* handle(eve, friendReqId, 2), 404, 300_007)
      assert.deepStrictEqual(yield* seen, nothing)
      yield* data(handle(ann, friendReqId, 3))
      assert.deepStrictEqual(yield* seen, nothing)
    })
  )

  it.effect("who are blocked cannot ask, nor be asked, and what waited is cancelled", () =>
    Effect.gen(function* () {
      const [ann, eve, dan] = yield* Effect.all([register(), register(), register()])
      const { friendReqId } = yield* data(ask(eve, ann))
      for (const user of [eve, dan]) yield* data(block(ann, user))
      assert.deepStrictEqual((yield* data(get(ann, "blocks"))).list, [eve.id, dan.id].toSorted())
      assert.deepStrictEqual(yield* data(get(eve, "blocks")), { list: [] })
      isFailure(yield* ask(eve, ann), 403, 300_003)
      isFailure(yield* ask(ann, eve), 403, 300_003)
      isFailure(yield* handle(ann, friendReqId, 2), 403, 300_003)
      yield* data(request("DELETE", `/v1/social/block?userId=${eve.id}`, { token: ann.token }))
      isFailure(yield* handle(ann, friendReqId, 2), 409, 100_007)
      assert.strictEqual((yield* data(get(eve, "friend/putIns"))).list[0].handleResult, 4)
      yield* data(ask(eve, ann))
      isFailure(yield* handle(ann, friendReqId, 3), 404, 300_007)
    })
  )
})

layer(TestServer.layer(), live)("a bad request about contacts", (it) => {
  it.effect("is answered with its number", () =>
    Effect.gen(function* () {
      const ann = yield* register()
      isFailure(yield* ask(ann, ann), 400, 100_002)
      isFailure(yield* block(ann, ann), 400, 100_002)
      isFailure(yield* ask(ann, { id: "404" }), 404, 200_003)
      isFailure(yield* ask(ann, { id: "01" }), 400, 100_002)
      const bob = yield* register()
      isFailure(yield* ask(ann, bob, "💬".repeat(256)), 400, 100_002)
      isFailure(yield* ask(ann, bob, "half \ud83d"), 400, 100_002)
      const { friendReqId } = yield* data(ask(ann, bob, "💬".repeat(255)))
      assert.strictEqual((yield* data(get(bob, "friend/putIns"))).list[0].reqMsg, "💬".repeat(255))
      for (const result of [0, 1, 5, "2"]) isFailure(yield* handle(bob, friendReqId, result), 400, 100_002)
      isFailure(yield* handle(bob, "x", 2), 400, 100_002)
      isFailure(yield* get(ann, "friend/putIns?before=404"), 404, 300_007)
    })
  )

  it.effect("without a token is refused on every route", () =>
    Effect.gen(function* () {
      const routes = [
        ["POST", "friend/putIn"],
        ["PUT", "friend/putIn"],
        ["GET", "friend/putIns"],
        ["GET", "friends"],
        ["GET", "friends/online"],
        ["DELETE", "friend?userId=1"],
        ["GET", "blocks"]
      ] as const
      for (const [method, path] of routes) {
        isFailure(yield* request(method, `/v1/social/${path}`), 401, 100_004)
        isFailure(yield* request(method, `/v1/social/${path}`, { token: "garbage" }), 401, 100_004)
      }
    })
  )
})

layer(TestServer.layer({ CHAT_REQUIRE_FRIENDSHIP: "true" }), live)("where messages need friendship", (it) => {
  it.effect("friends are contacts", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const [ann, bob] = yield* Effect.all([register(), register()])
      yield* connect(chatUrl, bob.token)
      yield* befriend(ann, bob)
      assert.deepStrictEqual(yield* onlineOf(ann), [bob.id])
      assert.strictEqual(yield* mobileOf(ann, bob), bob.phone)
      yield* exchange(chatUrl, ann, bob)
      yield* data(request("DELETE", `/v1/social/friend?userId=${bob.id}`, { token: ann.token }))
      // They have written to each other, which is not enough here.
      assert.deepStrictEqual(yield* onlineOf(ann), [])
      assert.isUndefined(yield* mobileOf(ann, bob))
    })
  )
})
