/** What one user, one network and one connection can ask of a server, over real sockets (protocol.md sections 1.1, 1.2 and 2.1). */
import { connect as connectTcp, type Socket } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ConnectionRegistry } from "../../src/actors/connections/ConnectionRegistry.ts"
import { until } from "../support/Eventually.ts"
import { connect, refused } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { registerNewcomer, request } from "../support/Users.ts"

const live = { excludeTestServices: true }
const from = (address: string) => ({ headers: { "x-forwarded-for": address } })
const proxied = { CHAT_TRUST_PROXY: "127.0.0.0/8" }

layer(TestServer.layer({ ...proxied, CHAT_USER_RATE_LIMIT: "20/hour" }), live)("the budget of a user", (it) => {
  it.effect("holds over HTTP wherever the user is, and says when to come back", () =>
    Effect.gen(function* () {
      const [ann, bob] = [yield* registerNewcomer(), yield* registerNewcomer()]
      // Registering has asked once for the id.
      for (let index = 0; index < 10; index++) {
        const answer = yield* request("GET", "/v1/user/user", { token: ann.token, ...from(`203.0.113.${index}`) })
        assert.strictEqual(answer.status, 200, String(index))
      }
      const limited = yield* request("GET", "/v1/user/user", { token: ann.token })
      assert.strictEqual(limited.status, 429)
      assert.deepInclude(limited.body, { code: 100008, data: null })
      assert.strictEqual(limited.headers.get("retry-after"), "60")
      assert.strictEqual((yield* request("GET", "/v1/user/user", { token: bob.token })).status, 200)
      const { chatUrl } = yield* TestServer.TestServer
      const upgrade = yield* refused(chatUrl, { headers: { authorization: ann.token } })
      assert.strictEqual(upgrade.status, 429)
      assert.isAtLeast(Number(upgrade.headers["retry-after"]), 50)
    })
  )

  it.effect("pays for groups by their members", () =>
    Effect.gen(function* () {
      const [ann, bob] = [yield* registerNewcomer(), yield* registerNewcomer()]
      const body = { name: "g", userIds: [bob.id] }
      const found = (token: string) => request("POST", "/v1/social/group", { token, body })
      assert.strictEqual((yield* found(ann.token)).status, 200)
      assert.strictEqual((yield* found(ann.token)).status, 200)
      assert.strictEqual((yield* found(ann.token)).status, 429)
    })
  )
})

layer(TestServer.layer({ ...proxied, CHAT_NETWORK_RATE_LIMIT: "100/hour", CHAT_MAX_NETWORK_CONNECTIONS: "2" }), live)(
  "the budget of a network",
  (it) => {
    it.effect("is looked at before the token, over HTTP and for sockets; its neighbours notice nothing", () =>
      Effect.gen(function* () {
        const { chatUrl } = yield* TestServer.TestServer
        const get = (address: string) => request("GET", "/v1/user/user", { token: "none", ...from(address) })
        let asked = 0
        while ((yield* get("198.51.100.1")).status === 401 && asked < 200) asked += 1
        assert.isTrue(asked >= 33 && asked <= 35, String(asked))
        const limited = yield* get("198.51.100.1")
        assert.strictEqual(limited.status, 429)
        assert.strictEqual(limited.body.code, 100008)
        assert.strictEqual((yield* refused(chatUrl, from("198.51.100.1"))).status, 429)
        assert.strictEqual((yield* get("198.51.100.2")).status, 401)
        assert.strictEqual((yield* refused(chatUrl, from("198.51.100.2"))).status, 401)
      })
    )

    it.effect("bounds its connections", () =>
      Effect.gen(function* () {
        const { chatUrl } = yield* TestServer.TestServer
        const { token } = yield* registerNewcomer()
        const open = (device: string, address: string) => connect(`${chatUrl}?deviceId=${device}`, token, from(address))
        const first = yield* open("a", "2001:db8:0:1::1")
        yield* open("b", "2001:db8:0:1::2")
        const third = { headers: { authorization: token, "x-forwarded-for": "2001:db8:0:1::3" } }
        const answer = yield* refused(`${chatUrl}?deviceId=c`, third)
        assert.strictEqual(answer.status, 429)
        assert.strictEqual(answer.headers["retry-after"], "30")
        yield* open("d", "2001:db8:0:2::1")
        first.socket.close()
        const registry = yield* ConnectionRegistry
        yield* until("the server has noticed", () => registry.sizeOfNetwork("2001:db8:0:1::/64") === 1)
        yield* open("e", "2001:db8:0:1::3")
      })
    )
  }
)

layer(TestServer.layer(), live)("a peer", (it) => {
  it.effect("that was cut off twice waits before its next connection", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const { token } = yield* registerNewcomer()
      for (const _ of ["it may be the network", "it is not"]) {
        const peer = yield* connect(chatUrl, token)
        peer.socket.send("x".repeat(70_000))
        assert.strictEqual((yield* peer.closed()).code, 1009)
      }
      const answer = yield* refused(chatUrl, { headers: { authorization: token } })
      assert.strictEqual(answer.status, 429)
      assert.strictEqual(answer.headers["retry-after"], "1")
    })
  )

  /** Opens a connection and asks for a page so many times. Returns it unread. */
  const asking = (requests: number) =>
    Effect.flatMap(TestServer.TestServer, ({ url }) =>
      Effect.acquireRelease(
        Effect.callback<Socket>((resume) => {
          const socket = connectTcp(Number(new URL(url).port), "127.0.0.1", () => {
            socket.pause()
            socket.write("GET /docs HTTP/1.1\r\nHost: x\r\n\r\n".repeat(requests))
            resume(Effect.succeed(socket))
          })
          socket.on("error", () => {})
        }),
        (socket) => Effect.sync(() => socket.destroy())
      )
    )
  const isCutOff = (socket: Socket) => {
    socket.resume()
    return until("the connection is closed", () => socket.closed)
  }

  it.effect("that asks on and on, and does not read, is cut off; one that asks a few times gets all", () =>
    Effect.gen(function* () {
      yield* isCutOff(yield* asking(100))
      const few = yield* asking(3)
      let read = 0
      few.on("data", (bytes: Buffer) => {
        read += bytes.length
      })
      few.resume()
      const { url } = yield* TestServer.TestServer
      const whole = (yield* Effect.promise(async () => (await fetch(`${url}/docs`)).arrayBuffer())).byteLength
      yield* until("three pages are read", () => read > 3 * whole)
      assert.isFalse(few.closed)
    })
  )

  const raw = (text: string) =>
    Effect.flatMap(TestServer.TestServer, ({ url }) =>
      Effect.callback<string>((resume) => {
        let answer = ""
        const socket = connectTcp(Number(new URL(url).port), "127.0.0.1", () => socket.write(text))
        socket.setEncoding("utf8").on("data", (chunk: string) => {
          answer += chunk
        })
        socket.on("close", () => resume(Effect.succeed(answer)))
        socket.on("error", () => {})
      })
    )

  it.effect("that sends no HTTP, or too long a header, gets the envelope, too", () =>
    Effect.gen(function* () {
      const long = yield* raw(`GET /docs?${"x".repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)
      assert.match(long, /^HTTP\/1.1 413 [\s\S]*\r\n\r\n\{"code":100010,/)
      // Not into the middle of a response that is under way.
      const both = yield* raw("GET /docs HTTP/1.1\r\nHost: x\r\n\r\nhello?\r\n\r\n")
      assert.notInclude(both, "this is no HTTP request")
      assert.match(yield* raw("hello?\r\n\r\n"), /^HTTP\/1.1 400 [\s\S]*\r\n\r\n\{"code":100002,/)
    })
  )

  it.effect("that leaves a response unread for 20 s is cut off", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer.TestServer
      const socket = yield* asking(16)
      const begun = performance.now()
      // What the kernel holds can still be read; what the server held is gone.
      yield* Effect.sleep("25 seconds")
      let read = 0
      socket.on("data", (bytes: Buffer) => {
        read += bytes.length
      })
      yield* isCutOff(socket)
      const whole = (yield* Effect.promise(async () => (await fetch(`${url}/docs`)).arrayBuffer())).byteLength
      assert.isBelow(read, 16 * whole)
      assert.isAbove(performance.now() - begun, 20_000)
    })
  )
})

/** Connections of TCP that a network may have: its chat sockets and 256 more. */
const tcpMax = 1 + 256
const connectTcpTimes = (count: number) =>
  Effect.flatMap(TestServer.TestServer, ({ url }) =>
    Effect.acquireRelease(
      Effect.promise(() =>
        Promise.all(
          Array.from(
            { length: count },
            () =>
              new Promise<Socket>((resolve) => {
                const socket = connectTcp(Number(new URL(url).port), "127.0.0.1", () => resolve(socket.resume()))
                socket.on("error", () => {})
              })
          )
        )
      ),
      (sockets) => Effect.sync(() => sockets.forEach((socket) => void socket.destroy()))
    )
  )

layer(TestServer.layer({ CHAT_MAX_NETWORK_CONNECTIONS: "1" }), live)(
  "a network that opens connections of TCP",
  (it) => {
    it.effect("has the surplus cut off, and may open others when some are gone", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer.TestServer
        const kept = yield* connectTcpTimes(tcpMax)
        const [surplus] = yield* connectTcpTimes(1)
        yield* until("the surplus is cut off", () => surplus?.closed === true)
        assert.isTrue(kept.every(({ closed }) => !closed))
        for (const socket of kept.slice(0, 20)) socket.destroy()
        const reached = () =>
          fetch(`${url}/health/live`).then(
            ({ status }) => status,
            () => 0
          )
        let status = 0
        while (status !== 200) status = yield* Effect.promise(reached)
      })
    )
  }
)

layer(TestServer.layer({ ...proxied, CHAT_MAX_NETWORK_CONNECTIONS: "1" }), live)("a proxy that is trusted", (it) => {
  it.effect("opens as many as it likes", () =>
    Effect.gen(function* () {
      const sockets = yield* connectTcpTimes(tcpMax + 20)
      const { url } = yield* TestServer.TestServer
      assert.strictEqual((yield* Effect.promise(() => fetch(`${url}/health/live`))).status, 200)
      assert.isTrue(sockets.every(({ closed }) => !closed))
    })
  )
})
