/** Bad and hostile frames on an open socket (protocol.md sections 1.2, 1.3, 1.5 and 1.7). */
import { connect as connectTcp } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ConnectionRegistry } from "../../src/actors/connections/ConnectionRegistry.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { until as eventually } from "../support/Eventually.ts"
import { connect, type Peer } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { chatFrame, register } from "../support/Users.ts"

const live = { excludeTestServices: true }

const open = (query = "") =>
  Effect.gen(function* () {
    const { chatUrl } = yield* TestServer.TestServer
    const user = yield* register()
    return { user, peer: yield* connect(`${chatUrl}${query}`, user.token) }
  })

/** The connection still answers. */
const isAlive = (peer: Peer) =>
  Effect.gen(function* () {
    peer.send({ id: "alive?", frameType: 1 })
    assert.deepStrictEqual(yield* peer.answer("alive?"), { id: "alive?", frameType: 1 })
  })

/** Waits until a condition of the server holds. */
const until = (condition: () => boolean) => eventually("the condition", condition)

/** A TCP socket that sends a handshake, and these bytes right behind it. */
const bareSocket = (url: string, token: string, behind: Uint8Array = new Uint8Array()) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = connectTcp(Number(new URL(url).port), "127.0.0.1")
      const handshake = [
        "GET /ws HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        `Authorization: ${token}`,
        "\r\n"
      ]
      socket.write(Buffer.concat([Buffer.from(handshake.join("\r\n")), behind]))
      return socket
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

/** A short text as a client's WebSocket frame, masked with zeros. */
const maskedText = (text: string) =>
  Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])

layer(TestServer.layer(), live)("a frame", (it) => {
  const badFrames: Record<string, readonly [frame: string | object, id: string]> = {
    "that is not JSON": ["{", ""],
    "that is empty": ["", ""],
    "that is a JSON string": ['"hello"', ""],
    "that is null": ["null", ""],
    "that is an array": ["[]", ""],
    "with an id that is a number": [{ id: 7, frameType: 0 }, ""],
    "with an id of 65 characters": [{ id: "x".repeat(65) }, "x".repeat(64)],
    "with an unknown frame type": [{ id: "a", frameType: 4 }, "a"],
    "with a frame type that is a string": [{ id: "a", frameType: "0" }, "a"],
    "with a method that is an object": [{ id: "a", method: {} }, "a"],
    "with an ackSeq that is not an integer": [{ id: "a", ackSeq: 1.5 }, "a"],
    "that is nested 30 000 deep": [`{"id":"a","data":${"[".repeat(30_000)}${"]".repeat(30_000)}}`, ""]
  }
  for (const [what, [frame, id]] of Object.entries(badFrames)) {
    it.effect(`${what} gets an err frame with 100002 and the connection lives on`, () =>
      Effect.gen(function* () {
        const { peer } = yield* open()
        peer.send(frame)
        const err = yield* peer.find((frame) => frame.frameType === 9)
        assert.strictEqual(err.id, id)
        assert.deepInclude(err.data as object, { code: 100002 })
        yield* isAlive(peer)
      })
    )
  }

  it.effect("that comes in one packet with the handshake is not lost", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer.TestServer
      const { token } = yield* register()
      const socket = yield* bareSocket(url, token, maskedText('{"id":"early","frameType":1}'))
      let received = ""
      socket.on("data", (chunk) => {
        received += chunk
      })
      yield* until(() => received.includes('{"id":"early","frameType":1}'))
    })
  )

  it.effect("that is binary is refused like one that is not JSON", () =>
    Effect.gen(function* () {
      const { peer } = yield* open()
      peer.socket.send(Buffer.from(JSON.stringify({ id: "p", frameType: 1 })))
      const err = yield* peer.find((frame) => frame.frameType === 9)
      assert.deepInclude(err.data as object, { code: 100002, msg: "binary frames are not supported" })
      yield* isAlive(peer)
    })
  )

  it.effect("with fields that nobody knows is taken", () =>
    Effect.gen(function* () {
      const { peer } = yield* open()
      peer.send({ id: "p", frameType: 1, somethingNew: [1, 2, 3] })
      assert.strictEqual((yield* peer.answer("p")).frameType, 1)
    })
  )

  it.effect("of an unknown method gets an err frame that names the method", () =>
    Effect.gen(function* () {
      const { peer } = yield* open()
      peer.send({ id: "u", method: "conversation.steal" })
      assert.deepInclude((yield* peer.answer("u")).data as object, { code: 100006, method: "conversation.steal" })
      yield* isAlive(peer)
    })
  )

  it.effect("of 65 KiB closes the connection with 1009", () =>
    Effect.gen(function* () {
      const { peer } = yield* open()
      peer.send({ id: "big", data: "x".repeat(65 * 1024) })
      assert.strictEqual((yield* peer.closed()).code, 1009)
    })
  )

  it.effect("of just under 64 KiB is read", () =>
    Effect.gen(function* () {
      const { peer } = yield* open()
      const empty = JSON.stringify({ id: "p", frameType: 1, data: "" }).length
      peer.send({ id: "p", frameType: 1, data: "x".repeat(64 * 1024 - empty) })
      assert.strictEqual((yield* peer.answer("p")).frameType, 1)
    })
  )

  it.effect("of text that is not UTF-8 closes the connection with 1007", () =>
    Effect.gen(function* () {
      const { peer } = yield* open()
      peer.socket.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false })
      assert.strictEqual((yield* peer.closed()).code, 1007)
    })
  )

  it.effect("that is bad for the tenth time within ten seconds closes the connection with 1008", () =>
    Effect.gen(function* () {
      const { peer } = yield* open()
      for (let index = 0; index < 10; index++) peer.send("nonsense")
      assert.deepStrictEqual(yield* peer.closed(), { code: 1008, reason: "protocol-abuse" })
      assert.strictEqual(peer.frames.filter((frame) => frame.frameType === 9).length, 9)
    })
  )

  it.effect("compressed is not negotiated", () =>
    Effect.gen(function* () {
      const { peer } = yield* open()
      assert.strictEqual(peer.socket.extensions, "")
    })
  )
})

layer(TestServer.layer({ CHAT_RATE_LIMIT: "100/second" }), live)("a client that sends faster than its rate", (it) => {
  for (const ack of ["once", "rigor"]) {
    it.effect(`is slowed down and refused nothing: an outbox of 500 is stored in order, with ack=${ack}`, () =>
      Effect.gen(function* () {
        const { peer } = yield* open(`?ack=${ack}`)
        const bob = yield* register()
        const ids = Array.from({ length: 500 }, (_, index) => `m${index}`)
        const lastAckSeq = ack === "rigor" ? 3 : 1
        const acks = () => peer.frames.filter(({ frameType, ackSeq }) => frameType === 2 && ackSeq === lastAckSeq)
        for (const id of ids) {
          peer.send(chatFrame(id, bob, id))
          if (ack === "rigor") peer.send({ id, frameType: 2, ackSeq: 2 })
        }
        yield* until(() => acks().length === ids.length)
        assert.deepStrictEqual(
          acks().map(({ id, data }) => [id, (data as { readonly seq: number }).seq]),
          ids.map((id, index) => [id, index + 1])
        )
        assert.deepStrictEqual(
          peer.frames.filter(({ frameType }) => frameType === 9),
          []
        )
        yield* isAlive(peer)
      })
    )
  }
})

layer(TestServer.layer(), live)("a peer", (it) => {
  it.effect("that stops reading is cut off, others are served, and its messages are in the history", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const registry = yield* ConnectionRegistry
      const [ann, bob] = yield* Effect.all([register(), register()])
      const sender = yield* connect(chatUrl, ann.token)
      const deaf = yield* connect(chatUrl, bob.token)
      yield* deaf.answer("")
      deaf.socket.pause()
      const content = "x".repeat(16 * 1024)
      let sent = 0
      // Kernel buffers take a few megabytes before anything waits in the server.
      while (registry.isOnline(bob.id as UserId) && sent < 1_000) {
        for (let index = 0; index < 50; index++) sender.send(chatFrame(`m${sent++}`, bob, content))
        yield* sender.answer(`m${sent - 1}`)
      }
      yield* until(() => !registry.isOnline(bob.id as UserId))
      deaf.socket.resume()
      assert.deepStrictEqual(yield* deaf.closed(), { code: 4008, reason: "slow-consumer" })
      assert.strictEqual(sender.frames.filter((frame) => frame.frameType === 2).length, sent)
      yield* isAlive(sender)
    })
  )

  it.effect("that reads is never taken for one that does not, however much comes at once", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const [ann, bob, carl] = yield* Effect.all([register(), register(), register()])
      const reader = yield* connect(chatUrl, bob.token)
      const senders = [yield* connect(chatUrl, ann.token), yield* connect(chatUrl, carl.token)]
      for (const sender of senders) {
        for (let index = 0; index < 100; index++) sender.send(chatFrame(`m${index}`, bob, "x".repeat(16 * 1024)))
      }
      const pushes = yield* reader.count((frame) => frame.method === "push", 200)
      const { conversationID } = pushes[0]!.data as { conversationID: string }
      for (let index = 0; index < 40; index++) {
        reader.send({ id: `h${index}`, method: "conversation.history", data: { conversationID, limit: 200 } })
      }
      yield* reader.count((frame) => frame.method === "conversation.history", 40)
      yield* isAlive(reader)
    })
  )

  it.effect("whose cable is cut leaves presence at once", () =>
    Effect.gen(function* () {
      const registry = yield* ConnectionRegistry
      const { peer, user } = yield* open()
      yield* peer.answer("")
      assert.isTrue(registry.isOnline(user.id as UserId))
      peer.socket.terminate()
      yield* until(() => !registry.isOnline(user.id as UserId))
    })
  )

  it.effect("that sends frames in a burst is answered for each, in order", () =>
    Effect.gen(function* () {
      const { peer } = yield* open()
      const many = Array.from({ length: 3_000 }, (_, index) => `p${index}`)
      for (const id of many) peer.send({ id, frameType: 1 })
      yield* peer.answer("p2999")
      assert.deepStrictEqual(
        peer.frames.filter((frame) => frame.frameType === 1).map((frame) => frame.id),
        many
      )
    })
  )
})

layer(TestServer.layer({ CHAT_HEARTBEAT_INTERVAL: "200 millis", CHAT_IDLE_TIMEOUT: "0" }), live)(
  "a peer that vanishes without closing",
  (it) => {
    it.effect("is pinged, and gone within the heartbeat timeout plus a second", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer.TestServer
        const registry = yield* ConnectionRegistry
        const user = yield* register()
        // It shakes hands and then never reacts to anything, not even to pings.
        yield* bareSocket(url, user.token)
        yield* until(() => registry.isOnline(user.id as UserId))
        const since = Date.now()
        yield* until(() => !registry.isOnline(user.id as UserId))
        assert.isAtLeast(Date.now() - since, 5_100)
      })
    )

    it.effect("stays while it answers pings and sends nothing", () =>
      Effect.gen(function* () {
        const { peer } = yield* open()
        let pings = 0
        peer.socket.on("ping", () => {
          pings += 1
        })
        yield* until(() => pings >= 3)
        yield* isAlive(peer)
      })
    )
  }
)
