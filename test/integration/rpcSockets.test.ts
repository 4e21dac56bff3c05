/** How many calls one RPC socket may have in flight (protocol.md section 3). */
import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Latch, Layer, Schema, Stream } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { Rpc, RpcGroup, RpcSerialization } from "effect/rpc"
import * as RpcTransports from "../../src/http/rpc/RpcTransports.ts"
import { until } from "../support/Eventually.ts"
import { openRpcSocket } from "../support/RpcSocket.ts"

const group = RpcGroup.make(
  Rpc.make("Hold"),
  Rpc.make("Die"),
  Rpc.make("Follow", { success: Schema.Number, stream: true })
)

/** A server whose call `Hold` takes until the latch is open. */
const server = Effect.gen(function* () {
  const open = yield* Latch.make()
  const counted = { running: 0, most: 0, begun: 0, followed: 0 }
  const hold = Effect.sync(() => {
    counted.running += 1
    counted.begun += 1
    counted.most = Math.max(counted.most, counted.running)
  }).pipe(
    Effect.andThen(open.await),
    Effect.ensuring(
      Effect.sync(() => {
        counted.running -= 1
      })
    )
  )
  const handlers = group.toLayer({
    Hold: () => hold,
    Die: () => Effect.die(new Error("by design")),
    Follow: () =>
      Stream.suspend(() => {
        counted.followed += 1
        return Stream.never
      })
  })
  const served = HttpRouter.serve(
    RpcTransports.layerWebSocket(group).pipe(Layer.provide([handlers, RpcSerialization.layerNdjson])),
    {
      disableLogger: true,
      disableListenLog: true
    }
  ).pipe(Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })))
  const { address } = yield* Effect.map(Layer.build(served), (context) =>
    HttpServer.HttpServer.pipe(Effect.provide(context))
  ).pipe(Effect.flatten)
  return { url: `${HttpServer.formatAddress(address).replace("http", "ws")}/rpc`, counted, open }
})

describe("an RPC socket", () => {
  it.live("has at most 64 calls in flight, of whatever kind, and gets an answer to each", () =>
    Effect.gen(function* () {
      const { url, counted, open } = yield* server
      const socket = yield* openRpcSocket(url)
      for (let index = 0; index < 100; index++) {
        socket.call(`stream ${index}`, "Follow", null)
        socket.call(`early stream ${index}`, "Follow", null, { discard: true })
        socket.call(`silent stream ${index}`, "Follow", null, { isNotification: true })
      }
      for (let index = 0; index < 100; index++) socket.call(`call ${index}`, "Hold", null)
      for (let index = 0; index < 100; index++) socket.call(`early ${index}`, "Hold", null, { discard: true })
      for (let index = 0; index < 100; index++) socket.call(`silent ${index}`, "Hold", null, { isNotification: true })
      yield* until("64 calls", () => counted.running === 64)
      // Another socket has its own.
      const other = yield* openRpcSocket(url)
      other.call("1", "Hold", null)
      yield* until("one more", () => counted.running === 65)
      yield* open.open
      const answered = () => socket.sent.filter(({ _tag }) => _tag === "Exit").map(({ requestId }) => requestId)
      yield* until("every answer", () => answered().length === 200)
      assert.strictEqual(new Set(answered()).size, 200)
      assert.deepStrictEqual(counted, { running: 0, most: 65, begun: 201, followed: 200 })
    }).pipe(Effect.scoped)
  )

  it.live("has a place for the next call after one that failed unexpectedly, was unknown or malformed", () =>
    Effect.gen(function* () {
      const { url, open } = yield* server
      yield* open.open
      const socket = yield* openRpcSocket(url)
      for (let index = 0; index < 100; index++) {
        socket.call(`die ${index}`, "Die", null)
        socket.call(`unknown ${index}`, "Nothing", null)
        socket.call(`malformed ${index}`, "Hold", "what?")
      }
      socket.call("last", "Hold", null)
      yield* until("the last answer", () => socket.sent.some(({ requestId }) => requestId === "last"))
      assert.isTrue(socket.sent.every(({ _tag }) => _tag === "Exit"))
      assert.strictEqual(socket.sent.length, 301)
    }).pipe(Effect.scoped)
  )
})
