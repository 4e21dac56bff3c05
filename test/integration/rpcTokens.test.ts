/** Connections and streams of a service over RPC end with its token (protocol.md section 3). */
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Fiber, Stream } from "effect"
import { decodeJwt, SignJWT } from "jose"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { eventually } from "../support/Eventually.ts"
import { client, serviceClient, serviceToken } from "../support/RpcClients.ts"
import { openRpcSocket } from "../support/RpcSocket.ts"
import * as TestServer from "../support/TestServer.ts"
import { register } from "../support/Users.ts"

const secret = "a secret of at least thirty-two bytes"

/** A service's token that ends in one to two seconds. */
const briefToken = Effect.gen(function* () {
  const token = yield* serviceToken
  const exp = Math.floor((yield* Clock.currentTimeMillis) / 1000) + 2
  const signed = new SignJWT({ ...decodeJwt(token), exp }).setProtectedHeader({ alg: "HS256", typ: "JWT" })
  return yield* Effect.promise(() => signed.sign(new TextEncoder().encode(secret)))
})

/** A conversation of two users with one message in it, and somebody to write more. */
const started = Effect.gen(function* () {
  const [ann, bob] = yield* Effect.all([register(), register()])
  const rpc = yield* serviceClient
  const say = (content: string) =>
    rpc.SendMessage({
      sendId: ann.id as UserId,
      receiveId: bob.id as UserId,
      clientId: content,
      chatType: 1,
      message: { messageType: 0, content }
    })
  const { conversationId } = yield* say("before")
  return { say, conversationId }
})

layer(TestServer.layer({ CHAT_JWT_SECRET: secret }), { excludeTestServices: true })("over RPC", (it) => {
  it.effect("a WebSocket is closed with 4004 when its token ends, and carries nothing more", () =>
    Effect.gen(function* () {
      const { internalUrl: url } = yield* TestServer.TestServer
      const { say, conversationId } = yield* started
      const socket = yield* openRpcSocket(`${url.replace("http", "ws")}/rpc`, yield* briefToken)
      socket.call("1", "Messages", { conversationId })
      const contents = () => socket.sent.flatMap(({ values = [] }) => values.map(({ content }) => content))
      yield* eventually("the first message", () => contents().at(0))
      const closed = yield* socket.closed()
      assert.deepStrictEqual(closed, { code: 4004, reason: "token-expired" })
      yield* say("after")
      assert.deepStrictEqual(contents(), ["before"])
    })
  )

  it.effect("a stream over HTTP fails with 100004 when its token ends", () =>
    Effect.gen(function* () {
      const { conversationId } = yield* started
      const rpc = yield* client(`Bearer ${yield* briefToken}`)
      const contents: Array<string> = []
      const following = yield* rpc.Messages({ conversationId }).pipe(
        Stream.runForEach(({ content }) => Effect.sync(() => contents.push(content))),
        Effect.flip,
        Effect.forkChild
      )
      const error = yield* Fiber.join(following)
      assert.deepInclude(error, { code: 100004 })
      assert.deepStrictEqual(contents, ["before"])
    })
  )
})
