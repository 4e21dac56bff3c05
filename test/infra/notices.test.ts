/** Reading, typing and logging out, seen by those who are connected to another gateway (protocol.md section 1.6). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { scratch } from "../support/Backend.ts"
import { until } from "../support/Eventually.ts"
import { connect } from "../support/Peer.ts"
import { start } from "../support/ServerProcess.ts"
import { gateTo } from "../support/TcpGate.ts"
import { TestServer } from "../support/TestServer.ts"
import { chatFrame, password, register, request } from "../support/Users.ts"

/** Two gateways and a worker; Ann is here, Bob is there and on a tablet here. */
const apart = Effect.gen(function* () {
  const { settings } = yield* scratch
  const here = yield* start({ ...settings, CHAT_ROLE: "gateway" })
  const there = yield* start({ ...settings, CHAT_ROLE: "gateway", CHAT_GATEWAYS: here.internalUrl })
  yield* start({ ...settings, CHAT_ROLE: "worker", CHAT_GATEWAYS: `${here.internalUrl},${there.internalUrl}` })
  const [ann, bob] = yield* Effect.provideService(Effect.all([register(), register()]), TestServer, here)
  const annPeer = yield* connect(here.chatUrl, ann.token)
  const bobPeer = yield* connect(there.chatUrl, bob.token)
  const tablet = yield* connect(`${here.chatUrl}?deviceId=tablet`, bob.token)
  annPeer.send(chatFrame("m", bob, "hello"))
  const { conversationID } = (yield* annPeer.answer("m")).data as { conversationID: string }
  return { here, there, ann, bob, annPeer, bobPeer, tablet, conversationID }
})

describe("what is never stored, over two gateways", () => {
  it.live("reaches those who are connected to the other one, once", () =>
    Effect.gen(function* () {
      const { bob, annPeer, bobPeer, tablet, conversationID } = yield* apart
      yield* bobPeer.find(({ method }) => method === "push")
      bobPeer.send({ id: "t", method: "typing", data: { conversationID } })
      bobPeer.send({ id: "r", method: "conversation.markRead", data: { conversationID, seq: 1 } })
      for (const peer of [annPeer, tablet]) {
        const read = yield* peer.find(({ method }) => method === "conversation.read")
        assert.deepStrictEqual(read.data, { conversationID, userId: bob.id, seq: 1 })
        const typing = yield* peer.find(({ method }) => method === "typing")
        assert.deepStrictEqual(typing.data, { conversationID, userId: bob.id })
        const noticed = peer.frames.filter(({ method }) => method === "typing" || method === "conversation.read")
        assert.lengthOf(noticed, 2)
      }
    })
  )

  it.live("closes the sockets of a login everywhere when it is logged out on one of them", () =>
    Effect.gen(function* () {
      const { there, bob, bobPeer, tablet } = yield* apart
      const logout = request("POST", "/v1/user/logout", { token: bob.token })
      assert.strictEqual((yield* Effect.provideService(logout, TestServer, there)).status, 200)
      for (const peer of [bobPeer, tablet]) assert.strictEqual((yield* peer.closed()).code, 4004)
    })
  )
})

describe("a gateway that starts", () => {
  it.live("revokes logins on other gateways, and does not make the clients there sync", () =>
    Effect.gen(function* () {
      const { settings } = yield* scratch
      const there = yield* start({ ...settings, CHAT_ROLE: "gateway" })
      const bob = yield* Effect.provideService(register(), TestServer, there)
      const bobPeer = yield* connect(there.chatUrl, bob.token)
      const here = yield* start({ ...settings, CHAT_ROLE: "gateway", CHAT_GATEWAYS: there.internalUrl })
      const logout = request("POST", "/v1/user/logout", { token: bob.token })
      assert.strictEqual((yield* Effect.provideService(logout, TestServer, here)).status, 200)
      assert.strictEqual((yield* bobPeer.closed()).code, 4004)
      assert.deepStrictEqual(
        bobPeer.frames.map(({ method }) => method),
        ["session.ready"]
      )
    })
  )
})

/** Two gateways; the way from here to there has a gate. Bob is there, and on a tablet that has logged in by itself. */
const gated = Effect.gen(function* () {
  const { settings } = yield* scratch
  const there = yield* start({ ...settings, CHAT_ROLE: "gateway" })
  const gate = yield* gateTo({ host: "127.0.0.1", port: Number(new URL(there.internalUrl).port) })
  const here = yield* start({ ...settings, CHAT_ROLE: "gateway", CHAT_GATEWAYS: `http://127.0.0.1:${gate.port}` })
  const bob = yield* Effect.provideService(register(), TestServer, here)
  const login = { body: { phone: bob.phone, password, deviceId: "tablet" } }
  const loggedIn = yield* Effect.provideService(request("POST", "/v1/user/login", login), TestServer, here)
  const bobPeer = yield* connect(there.chatUrl, bob.token)
  const tablet = yield* connect(there.chatUrl, loggedIn.body.data.token)
  const logout = Effect.provideService(request("POST", "/v1/user/logout", { token: bob.token }), TestServer, here)
  return { gate, here, bob, bobPeer, tablet, logout }
})

describe("a logout that does not reach the other gateway at once", () => {
  it.live("closes the sockets there when the way is back, however long it was away", () =>
    Effect.gen(function* () {
      const { gate, here, bobPeer, tablet, logout } = yield* gated
      yield* Effect.promise(() => gate.close())
      assert.strictEqual((yield* logout).status, 200)
      // The waits between these attempts come to more than the 3 s after which results are skipped.
      const attempts = () => here.server.output().split("logouts will be sent again").length - 1
      yield* until("attempts to send", () => attempts() >= 7)
      yield* Effect.promise(() => gate.open())
      assert.strictEqual((yield* bobPeer.closed()).code, 4004)
      assert.strictEqual(tablet.socket.readyState, tablet.socket.OPEN)
    })
  )

  it.live("closes them, too, when the connection is lost before it is acknowledged", () =>
    Effect.gen(function* () {
      const { gate, bobPeer, tablet, logout } = yield* gated
      yield* Effect.promise(() => gate.hang())
      assert.strictEqual((yield* logout).status, 200)
      const { taken } = gate
      yield* until("the logout to be held up", () => gate.heldBytes > 0)
      yield* until("the connection to be given up", () => gate.taken > taken)
      yield* Effect.promise(() => gate.open())
      assert.strictEqual((yield* bobPeer.closed()).code, 4004)
      assert.strictEqual(tablet.socket.readyState, tablet.socket.OPEN)
    })
  )
})
