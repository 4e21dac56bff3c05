/** Presence over several gateways on one database: what users of one are told of those of another (section 1.9). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { scratch } from "../support/Backend.ts"
import { connect, type Peer } from "../support/Peer.ts"
import { end, start } from "../support/ServerProcess.ts"
import { TestServer } from "../support/TestServer.ts"
import { chatFrame, register, showToContacts, type TestUser } from "../support/Users.ts"
import { acquaint, changesOf, toldOf, watch } from "../support/Watcher.ts"

/** Two gateways and a worker; Ann on the one knows Bob and Carl on the other. */
const apart = Effect.gen(function* () {
  const { settings } = yield* scratch
  const [here, there] = yield* Effect.all(
    [start({ ...settings, CHAT_ROLE: "gateway" }), start({ ...settings, CHAT_ROLE: "gateway" })],
    { concurrency: 2 }
  )
  const gateways = [here.internalUrl, there.internalUrl].join(",")
  yield* start({ ...settings, CHAT_ROLE: "worker", CHAT_GATEWAYS: gateways })
  const [ann, bob, carl] = yield* Effect.provideService(
    Effect.all([register(), register(), register()]),
    TestServer,
    here
  )
  yield* Effect.provideService(showToContacts(bob, carl), TestServer, here)
  const annPeer = yield* connect(here.chatUrl, ann.token)
  const bobPeer = yield* connect(there.chatUrl, bob.token)
  const carlPeer = yield* connect(there.chatUrl, carl.token)
  yield* acquaint([ann, annPeer], [bob, bobPeer])
  yield* acquaint([ann, annPeer], [carl, carlPeer])
  return { here, there, ann, bob, carl, annPeer, bobPeer, carlPeer }
})

/** Watches users of another gateway, and waits until what that has written of them is seen here. */
const seeOnline = Effect.fnUntraced(function* (peer: Peer, ...users: ReadonlyArray<TestUser>) {
  const states = yield* watch(peer, ...users)
  for (const user of users) {
    if (states.find(({ userId }) => userId === user.id)?.online === false) yield* toldOf(peer, user, true)
  }
})

let asked = 0
/** The answer of `user.online`. */
const onlineOf = Effect.fnUntraced(function* (peer: Peer) {
  asked += 1
  peer.send({ id: `online-${asked}`, method: "user.online" })
  return (yield* peer.answer(`online-${asked}`)).data
})

describe("presence over two gateways", () => {
  it.live("is the same on both: who comes, who goes, who moves from one to the other", () =>
    Effect.gen(function* () {
      const { here, there, bob, carl, annPeer, bobPeer, carlPeer } = yield* apart
      yield* seeOnline(annPeer, bob, carl)
      assert.sameMembers((yield* onlineOf(annPeer)) as Array<string>, [bob.id, carl.id])
      // Bob moves without being away; Carl goes after that.
      const moved = yield* connect(`${here.chatUrl}?deviceId=other`, bob.token)
      yield* moved.answer("")
      bobPeer.socket.terminate()
      const before = Date.now()
      carlPeer.socket.terminate()
      const { lastSeen } = yield* toldOf(annPeer, carl, false)
      assert.isAtLeast(lastSeen, before)
      assert.isFalse(changesOf(annPeer, bob).some(({ online }) => !online))
      assert.deepStrictEqual(yield* onlineOf(annPeer), [bob.id])
      yield* connect(there.chatUrl, carl.token)
      yield* toldOf(annPeer, carl, true)
      moved.socket.terminate()
      yield* toldOf(annPeer, bob, false)
      assert.deepStrictEqual(yield* onlineOf(annPeer), [carl.id])
    })
  )

  it.live("ends with a gateway that is killed, and for good: its users are free to come to another", () =>
    Effect.gen(function* () {
      const { here, there, bob, carl, annPeer } = yield* apart
      yield* seeOnline(annPeer, bob, carl)
      yield* end(there.server, "SIGKILL")
      const killedAt = Date.now()
      for (const user of [bob, carl]) {
        const { lastSeen } = yield* toldOf(annPeer, user, false)
        assert.isAtMost(lastSeen, killedAt)
        assert.isAtLeast(lastSeen, killedAt - 6_000)
      }
      yield* connect(here.chatUrl, bob.token)
      yield* toldOf(annPeer, bob, true)
    })
  )

  it.live("ends with a gateway that stands still, and is back with it: its connections have never ended", () =>
    Effect.gen(function* () {
      const { there, ann, bob, annPeer, bobPeer } = yield* apart
      yield* seeOnline(annPeer, bob)
      there.server.child.kill("SIGSTOP")
      yield* toldOf(annPeer, bob, false)
      there.server.child.kill("SIGCONT")
      yield* toldOf(annPeer, bob, true)
      yield* stillSpeaks(bobPeer, ann)
    })
  )
})

const stillSpeaks = Effect.fnUntraced(function* (peer: Peer, receiver: TestUser) {
  peer.send(chatFrame("still", receiver, "still here"))
  assert.deepInclude(yield* peer.answer("still"), { frameType: 2 })
})
