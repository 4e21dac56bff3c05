/** Watchers and the presence that they see, over real sockets (protocol.md section 1.9). */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { backendSettings } from "../support/Backend.ts"
import { connect } from "../support/Peer.ts"
import { end, start } from "../support/ServerProcess.ts"
import * as TestServer from "../support/TestServer.ts"
import { temporaryDirectory } from "../support/TestServer.ts"
import { register, request, showToContacts } from "../support/Users.ts"
import { acquaint, changesOf, toldOf, watch } from "../support/Watcher.ts"

/** Ann, who knows Bob and Carl, and is connected; so are they. */
const company = Effect.gen(function* () {
  const { chatUrl } = yield* TestServer.TestServer
  const [ann, bob, carl] = yield* Effect.all([register(), register(), register()])
  yield* showToContacts(bob, carl)
  const annPeer = yield* connect(chatUrl, ann.token)
  const bobPeer = yield* connect(`${chatUrl}?deviceId=phone`, bob.token)
  const carlPeer = yield* connect(chatUrl, carl.token)
  yield* acquaint([ann, annPeer], [bob, bobPeer])
  yield* acquaint([ann, annPeer], [carl, carlPeer])
  return { chatUrl, ann, bob, carl, annPeer, bobPeer, carlPeer }
})

layer(TestServer.layer(), { excludeTestServices: true })("presence", (it) => {
  it.effect("is told of contacts, when they are asked for and when they come and go, and of nobody else", () =>
    Effect.gen(function* () {
      const { chatUrl, ann, bob, carl, annPeer, bobPeer } = yield* company
      const dora = yield* register()
      const doraPeer = yield* connect(chatUrl, dora.token)
      const before = Date.now()
      const states = yield* watch(annPeer, bob, dora, { id: "12345" }, ann)
      assert.deepStrictEqual(
        states.map(({ userId, online }) => ({ userId, online })),
        [{ userId: bob.id as UserId, online: true }]
      )
      assert.isAtLeast(states[0]?.lastSeen ?? 0, before)
      bobPeer.socket.close()
      doraPeer.socket.close()
      const { lastSeen } = yield* toldOf(annPeer, bob, false)
      assert.isAtLeast(lastSeen, before)
      assert.isAtMost(lastSeen, Date.now())
      assert.deepStrictEqual(yield* watch(annPeer, bob), [{ userId: bob.id as UserId, online: false, lastSeen }])
      yield* connect(chatUrl, bob.token)
      yield* toldOf(annPeer, bob, true)
      assert.lengthOf(changesOf(annPeer, bob), 2)
      assert.deepStrictEqual(changesOf(annPeer, dora), [])
      assert.deepStrictEqual(changesOf(annPeer, carl), [])
    })
  )

  it.effect("ends with the last of two devices, of which one is cut off without a close frame", () =>
    Effect.gen(function* () {
      const { chatUrl, bob, carl, annPeer, bobPeer, carlPeer } = yield* company
      yield* watch(annPeer, bob, carl)
      const laptop = yield* connect(`${chatUrl}?deviceId=laptop`, bob.token)
      yield* laptop.answer("")
      bobPeer.socket.terminate()
      yield* bobPeer.closed()
      // A user who leaves later is seen leaving later.
      carlPeer.socket.terminate()
      yield* toldOf(annPeer, carl, false)
      assert.deepStrictEqual(changesOf(annPeer, bob), [])
      laptop.socket.terminate()
      yield* toldOf(annPeer, bob, false)
    })
  )

  it.effect("is not ended by the old connection of a login that was replaced, when that ends late", () =>
    Effect.gen(function* () {
      const { chatUrl, bob, carl, annPeer, bobPeer, carlPeer } = yield* company
      yield* watch(annPeer, bob, carl)
      // It does not see that it is asked to go before the newer one has been greeted.
      bobPeer.socket.pause()
      const newer = yield* connect(`${chatUrl}?deviceId=phone`, bob.token)
      yield* newer.answer("")
      bobPeer.socket.resume()
      assert.deepInclude(yield* bobPeer.closed(), { code: 4003 })
      carlPeer.socket.close()
      yield* toldOf(annPeer, carl, false)
      assert.deepStrictEqual(changesOf(annPeer, bob), [])
      assert.deepInclude((yield* watch(annPeer, bob))[0], { online: true })
    })
  )

  it.effect("is no longer told to a contact who was blocked", () =>
    Effect.gen(function* () {
      const { chatUrl, ann, bob, carl, annPeer, bobPeer, carlPeer } = yield* company
      yield* watch(annPeer, bob, carl)
      yield* request("POST", "/v1/social/block", { token: bob.token, body: { userId: ann.id } })
      let peers = [bobPeer, carlPeer]
      /** Both go and come back; answers how much of Bob's was told by the time that all of Carl's was. */
      const round = Effect.gen(function* () {
        const before = changesOf(annPeer, bob).length
        for (const { socket } of peers) socket.close()
        yield* toldOf(annPeer, carl, false)
        peers = [yield* connect(chatUrl, bob.token), yield* connect(chatUrl, carl.token)]
        yield* toldOf(annPeer, carl, true)
        return changesOf(annPeer, bob).length - before
      })
      assert.strictEqual(yield* round, 0)
      assert.deepStrictEqual(yield* watch(annPeer, bob), [])
    })
  )

  it.effect("refuses more than 200 users, and what is no list of ids", () =>
    Effect.gen(function* () {
      const { annPeer, bob } = yield* company
      const many = Array.from({ length: 201 }, (_, index) => String(index + 1))
      const bad = [{ userIds: many }, { userIds: ["bob"] }, { userIds: bob.id }, {}]
      for (const [index, data] of bad.entries()) {
        annPeer.send({ id: `bad-${index}`, method: "presence.watch", data })
        assert.deepInclude((yield* annPeer.answer(`bad-${index}`)).data as object, { code: 100002 })
      }
    })
  )
})

layer(TestServer.layer({ CHAT_IDLE_TIMEOUT: "2 seconds", CHAT_HEARTBEAT_INTERVAL: "1 second" }), {
  excludeTestServices: true
})("presence of a client that obeys the idle clock", (it) => {
  it.effect("does not flicker: the user counts until they are back, and is seen leaving when they leave", () =>
    Effect.gen(function* () {
      const { chatUrl, bob, annPeer, bobPeer } = yield* company
      yield* watch(annPeer, bob)
      const looking = setInterval(() => annPeer.send({ frameType: 3, method: "session.active" }), 500)
      yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(looking)))
      assert.strictEqual((yield* bobPeer.closed()).code, 4001)
      // Longer than the time for which watchers wait before they tell that somebody is gone.
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(changesOf(annPeer, bob), [])
      assert.deepInclude((yield* watch(annPeer, bob))[0], { online: true })
      const back = yield* connect(`${chatUrl}?deviceId=phone`, bob.token)
      yield* back.answer("")
      back.socket.close()
      yield* toldOf(annPeer, bob, false)
      assert.lengthOf(changesOf(annPeer, bob), 1)
    })
  )
})

describe("presence after a kill -9", () => {
  it.live(
    "has no ghosts: who was connected is offline with a last seen as soon as the lease of the dead has ended",
    () =>
      Effect.gen(function* () {
        const settings = { ...(yield* backendSettings), CHAT_DATA_DIR: yield* temporaryDirectory }
        const { server, ...address } = yield* start(settings)
        const before = Date.now()
        const { ann, bob, carl, annPeer, bobPeer, carlPeer } = yield* Effect.provideService(
          company,
          TestServer.TestServer,
          address
        )
        // Carl's goodbye is written before the end, Bob's never is.
        yield* watch(annPeer, bob, carl)
        carlPeer.socket.close()
        const carlSeen = (yield* toldOf(annPeer, carl, false)).lastSeen
        yield* end(server, "SIGKILL")
        const killedAt = Date.now()
        yield* bobPeer.closed()
        const next = yield* start(settings)
        const again = yield* connect(next.chatUrl, ann.token)
        const states = yield* watch(again, bob, carl)
        assert.deepStrictEqual(
          states.find(({ userId }) => userId === carl.id),
          { userId: carl.id as UserId, online: false, lastSeen: carlSeen }
        )
        const first = states.find(({ userId }) => userId === bob.id)
        const { lastSeen } = first?.online === false ? first : yield* toldOf(again, bob, false)
        assert.isAtMost(lastSeen, killedAt)
        assert.isAtLeast(lastSeen, before)
        // The dead process' connections hide nobody who comes now, and their end takes nobody along.
        yield* connect(next.chatUrl, bob.token)
        yield* toldOf(again, bob, true)
      })
  )
})
