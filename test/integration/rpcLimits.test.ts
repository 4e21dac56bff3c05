/** The limits of RPC, and that one peer does not delay another (protocol.md section 3). */
import { readFileSync } from "node:fs"
import { connect as connectTcp, type Socket } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { WebSocket } from "ws"
import { ConversationWatchers } from "../../src/actors/delivery/ConversationWatchers.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { eventually, until } from "../support/Eventually.ts"
import { hangMillis } from "../support/HangLimit.ts"
import { serviceClient, serviceToken } from "../support/RpcClients.ts"
import { callLine, openRpcSocket } from "../support/RpcSocket.ts"
import * as TestServer from "../support/TestServer.ts"
import { register, request } from "../support/Users.ts"

const contentMax = "x".repeat(16_384)
const lineMax = 64 * 1024

const opened = Effect.gen(function* () {
  const { internalUrl: url } = yield* TestServer.TestServer
  return yield* openRpcSocket(`${url.replace("http", "ws")}/rpc`, yield* serviceToken)
})

/** A TCP connection to the server; it is cut when the test's scope ends. */
const dialed = Effect.gen(function* () {
  const { hostname, port } = new URL((yield* TestServer.TestServer).internalUrl)
  const open = Effect.callback<Socket>((resume) => {
    const socket = connectTcp(Number(port), hostname, () => resume(Effect.succeed(socket)))
  })
  return yield* Effect.acquireRelease(open, (socket) => Effect.sync(() => socket.destroy()))
})

/** Calls `Messages` over a plain connection, which is not read. */
const follow = (socket: Socket, conversationId: string, token: string) => {
  const body = callLine("1", "Messages", { conversationId })
  const head = ["POST /rpc HTTP/1.1", "host: localhost", `authorization: Bearer ${token}`]
  socket.pause()
  socket.write([...head, `content-length: ${body.length}`, "", body].join("\r\n"))
}

/** A conversation with so many of the longest messages. */
const filled = (count: number) =>
  Effect.gen(function* () {
    const [ann, bob] = yield* Effect.all([register(), register()])
    const rpc = yield* serviceClient
    const send = (index: number) =>
      rpc.SendMessage({
        sendId: ann.id as UserId,
        receiveId: bob.id as UserId,
        clientId: `m${index}`,
        chatType: 1,
        message: { messageType: 0, content: contentMax }
      })
    const indices = Array.from({ length: count }, (_, index) => index)
    const acks = yield* Effect.forEach(indices, send, { concurrency: 32 })
    return acks[0]?.conversationId ?? ""
  })

/** How often the store is read until it has not been for half a second. */
const settled = (reads: () => number) =>
  Effect.gen(function* () {
    for (let before = -1; before !== reads(); ) {
      before = reads()
      yield* Effect.sleep(500)
    }
    return reads()
  })

layer(TestServer.layer(), { excludeTestServices: true })("RPC", (it) => {
  it.effect("says that a GET must ask for a WebSocket", () =>
    Effect.gen(function* () {
      const answer = yield* request("GET", "/rpc", { token: yield* serviceToken, isInternal: true })
      assert.deepInclude(answer, { status: 400 })
      assert.deepInclude(answer.body, { code: 100002, data: null })
    })
  )

  it.effect("takes frames of 64 KiB over a WebSocket, and closes with 1009 past it", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* Effect.all([register(), register()])
      const message = { messageType: 0, content: contentMax }
      const call = { sendId: ann.id, receiveId: bob.id, clientId: "longest", chatType: 1, message }
      const socket = yield* opened
      socket.call("1", "SendMessage", call)
      yield* until("the answer", () => socket.sent.some(({ _tag }) => _tag === "Exit"))
      socket.call("2", "SendMessage", { ...call, padding: "x".repeat(lineMax) })
      assert.strictEqual((yield* socket.closed()).code, 1009)
    })
  )

  it.effect("closes with 1009 where a line has no end", () =>
    Effect.gen(function* () {
      const socket = yield* opened
      for (let sent = 0; sent <= lineMax; sent += 16_384) socket.raw("x".repeat(16_384))
      assert.strictEqual((yield* socket.closed()).code, 1009)
    })
  )

  it.effect("does not read on for a stream that nobody reads", () =>
    Effect.gen(function* () {
      const store = yield* MessageStore
      // 24 MiB are more than the operating system keeps for the two ends of a connection.
      const count = 1_536
      const conversationId = yield* filled(count)
      const read = vi.spyOn(store, "history")
      yield* Effect.addFinalizer(() => Effect.sync(() => read.mockRestore()))
      const reads = () => read.mock.calls.length
      const overHttp = yield* dialed
      follow(overHttp, conversationId, yield* serviceToken)
      yield* until("the stream to begin", () => reads() > 0)
      const unread = yield* settled(reads)
      let received = 0
      overHttp.on("data", (bytes) => {
        received += bytes.length
      })
      overHttp.resume()
      yield* until("everything", () => received > count * contentMax.length)
      assert.isBelow(2 * unread, yield* settled(reads))
    })
  )

  it.effect(
    "waits for a WebSocket that nobody reads, and closes it with 4008 after 10 s, while others are served",
    () =>
      Effect.gen(function* () {
        const messages = 20
        const conversationId = yield* filled(messages)
        const rpc = yield* serviceClient
        const [log, closing] = [vi.spyOn(yield* MessageStore, "chatLog"), vi.spyOn(WebSocket.prototype, "close")]
        yield* Effect.addFinalizer(() => Effect.sync(() => [log, closing].map((spy) => spy.mockRestore())))
        const socket = yield* opened
        socket.call("stream", "Messages", { conversationId })
        yield* until("the stream to begin", () => socket.sent.length > 0)
        socket.pause()
        // 128 MiB of answers, in all, to one frame.
        const calls = 400
        const lines = Array.from({ length: calls }, (_, index) =>
          callLine(`${index}`, "GetChatLog", { conversationId, count: 200 })
        )
        socket.raw(lines.join(""))
        yield* until("the first answers", () => log.mock.calls.length > 0)
        assert.isBelow(yield* settled(() => log.mock.calls.length), calls / 2)
        assert.strictEqual(yield* rpc.Ping(), "pong")
        const closed = () => closing.mock.contexts.find((_, index) => closing.mock.calls[index]?.[0] === 4008)
        const { bufferedAmount } = (yield* eventually("the end", closed)) as WebSocket
        assert.isAtMost(bufferedAmount, 1024 * 1024 + 2 * messages * contentMax.length)
        socket.resume()
        assert.deepStrictEqual(yield* socket.closed(), {
          code: 4008,
          reason: "slow-consumer"
        })
        assert.isBelow(log.mock.calls.length, calls / 2)
      })
  )

  it.effect("passes over notifications, of calls and of streams, over both transports", () =>
    Effect.gen(function* () {
      const conversationId = yield* filled(1)
      const [log, watch] = [vi.spyOn(yield* MessageStore, "chatLog"), vi.spyOn(yield* ConversationWatchers, "watch")]
      yield* Effect.addFinalizer(() => Effect.sync(() => [log, watch].map((spy) => spy.mockRestore())))
      const socket = yield* opened
      const isNotification = true
      for (const tag of ["GetChatLog", "Messages"]) socket.call(tag, tag, { conversationId }, { isNotification })
      socket.call("1", "Ping", null)
      yield* until("the answer", () => socket.sent.some(({ requestId }) => requestId === "1"))
      const lines = ["GetChatLog", "Messages"].map((tag) => callLine(tag, tag, { conversationId }, { isNotification }))
      const token = yield* serviceToken
      const posted = request("POST", "/rpc", { token, body: lines.join(""), isInternal: true }).pipe(
        Effect.timeout(hangMillis)
      )
      assert.deepInclude(yield* posted, { status: 200, body: undefined })
      assert.deepStrictEqual([log.mock.calls.length, watch.mock.calls.length], [0, 0])
    })
  )

  it.effect.skipIf(process.platform !== "linux")("lets TCP look after peers that say nothing", () =>
    Effect.gen(function* () {
      const socket = yield* dialed
      const portOf = (address = "") => Number.parseInt(address.split(":")[1] ?? "", 16)
      const { localPort, remotePort } = socket
      // Of the server's end: its ports are ours the other way round. Timer 2 is the one of keep-alive.
      const timer = () =>
        readFileSync("/proc/net/tcp", "utf8")
          .split("\n")
          .map((line) => line.trim().split(/\s+/))
          .find(([, local, remote]) => portOf(local) === remotePort && portOf(remote) === localPort)?.[5]
      const [kind, ticks = ""] = (yield* eventually("the connection", timer)).split(":")
      assert.strictEqual(kind, "02")
      assert.isAtMost(Number.parseInt(ticks, 16) / 100, 30)
    })
  )
})
