/** The RPC groups through typed clients made from the same schemas (protocol.md section 3). */

import { execFile } from "node:child_process"
import { join } from "node:path"
import { inspect, promisify } from "node:util"
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { Auth } from "../../src/domain/accounts/Auth.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { connect, refused } from "../support/Peer.ts"
import { client, serviceClient, socketClient } from "../support/RpcClients.ts"
import * as TestServer from "../support/TestServer.ts"
import { chatFrame, freshPhone, password, register, request } from "../support/Users.ts"

layer(TestServer.layer(), { excludeTestServices: true })("the user service over RPC", (it) => {
  it.effect("pings, registers, logs in, shows and finds users for a service", () =>
    Effect.gen(function* () {
      const auth = yield* Auth
      for (const kind of ["service", "system"] as const) {
        const rpc = yield* client(`Bearer ${yield* auth.issueInternal(kind, "billing")}`)
        assert.strictEqual(yield* rpc.Ping(), "pong")
        const phone = freshPhone()
        const { id } = yield* rpc.Register({ phone, password, nickname: `by ${kind}` })
        assert.strictEqual((yield* rpc.Login({ phone, password })).id, id)
        const profile = yield* rpc.GetUserInfo({ id })
        assert.deepStrictEqual(profile, { id, mobile: phone, nickname: `by ${kind}`, sex: 0, avatar: "" })
        assert.deepStrictEqual(yield* rpc.FindUser({ phone }), [profile])
        assert.deepStrictEqual(yield* rpc.FindUser({ ids: [id], name: "BY" }), [profile])
        assert.deepStrictEqual(yield* rpc.FindUser({ ids: [] }), [])
      }
    })
  )

  it.effect("fails with the numbers of the one table", () =>
    Effect.gen(function* () {
      const auth = yield* Auth
      const rpc = yield* client(`Bearer ${yield* auth.issueInternal("service", "billing")}`)
      const { phone } = yield* register()
      const codes = yield* Effect.all([
        Effect.flip(rpc.Register({ phone, password, nickname: "n" })),
        Effect.flip(rpc.Login({ phone, password: "wrong password" })),
        Effect.flip(rpc.Login({ phone: "+331", password })),
        Effect.flip(rpc.FindUser({}))
      ])
      assert.deepStrictEqual(
        codes.map((error) => ("code" in error ? error.code : error)),
        [200001, 200002, 200004, 100002]
      )
    })
  )

  it.effect("is closed to users and to strangers, whatever they send", () =>
    Effect.gen(function* () {
      const user = yield* register()
      for (const body of ["null", "{", JSON.stringify({ _tag: "Request", id: "1", tag: "Ping", payload: null })]) {
        const strange = yield* request("POST", "/rpc", { body, isInternal: true })
        assert.deepInclude(strange, { status: 401, body: { code: 100004, msg: "unauthenticated", data: null } })
        const garbage = yield* request("POST", "/rpc", { body, token: "garbage", isInternal: true })
        assert.strictEqual(garbage.status, 401)
        const asUser = yield* request("POST", "/rpc", { body, token: user.token, isInternal: true })
        assert.deepInclude(asUser, { status: 403, body: { code: 100005, msg: "forbidden", data: null } })
      }
      const rpc = yield* client(user.token)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(rpc.Ping())))
      const wrong = yield* client("Bearer wrong")
      assert.match(inspect(yield* Effect.flip(wrong.Ping()), { depth: 8 }), /StatusCodeError.*\b401\b/s)
    })
  )
})

layer(TestServer.layer(), { excludeTestServices: true })("conversations over RPC", (it) => {
  const couple = Effect.gen(function* () {
    const [ann, bob] = yield* Effect.all([register(), register()])
    return { ann, bob, annId: ann.id as UserId, bobId: bob.id as UserId }
  })
  const say = (content: string) => ({ chatType: 1, message: { messageType: 0, content } }) as const

  it.effect("set up, write, list, change and read conversations for users", () =>
    Effect.gen(function* () {
      const { annId, bobId } = yield* couple
      const rpc = yield* serviceClient
      const { conversationId } = yield* rpc.SetUpUserConversation({ sendId: annId, recvId: bobId, chatType: 1 })
      const message = { sendId: annId, receiveId: bobId, clientId: "hello", ...say("hello") }
      const ack = yield* rpc.SendMessage(message)
      assert.deepInclude(ack, { conversationId, seq: 1 })
      assert.deepStrictEqual(yield* rpc.SendMessage(message), ack)
      const [logged] = yield* rpc.GetChatLog({ conversationId })
      assert.deepInclude(logged, { sendId: annId, recvId: bobId, msgContent: "hello", seq: 1 })
      const listed = Effect.map(rpc.GetConversations({ userId: bobId }), ({ conversationList }) => conversationList)
      assert.deepInclude((yield* listed)[conversationId], { unread: 1, isShow: true })
      yield* rpc.PutConversations({ userId: bobId, conversationList: { [conversationId]: { read: 1, isShow: false } } })
      assert.deepInclude((yield* listed)[conversationId], { unread: 0, isShow: false })
      const founding = { creatorId: annId, clientId: "founding", name: "us", userIds: [bobId] }
      const group = yield* rpc.CreateGroupConversation(founding)
      assert.deepStrictEqual(yield* rpc.CreateGroupConversation(founding), group)
      assert.property(yield* listed, group.conversationId)
    })
  )

  it.effect("fail with the numbers of the one table", () =>
    Effect.gen(function* () {
      const { annId, bobId } = yield* couple
      const rpc = yield* serviceClient
      const nobody = "123" as UserId
      const nowhere = "123" as ConversationId
      const codes = yield* Effect.all([
        Effect.flip(rpc.SendMessage({ sendId: annId, receiveId: nobody, clientId: "m", ...say("x") })),
        Effect.flip(rpc.SendMessage({ sendId: nobody, receiveId: annId, clientId: "m", ...say("x") })),
        Effect.flip(rpc.SendMessage({ sendId: annId, receiveId: bobId, clientId: "m", ...say("x".repeat(16_385)) })),
        Effect.flip(rpc.GetChatLog({ conversationId: nowhere })),
        Effect.flip(rpc.PutConversations({ userId: annId, conversationList: { [nowhere]: {} } })),
        Effect.flip(rpc.GetConversations({ userId: annId, after: "nonsense" })),
        Effect.flip(Stream.runDrain(rpc.Messages({ conversationId: nowhere })))
      ])
      assert.deepStrictEqual(
        codes.map((error) => ("code" in error ? error.code : error)),
        [300002, 300002, 300004, 300001, 300001, 100002, 300001]
      )
    })
  )

  for (const [transport, make] of [
    ["HTTP", serviceClient],
    ["a WebSocket", socketClient]
  ] as const) {
    it.effect(`follow a conversation over ${transport}: what there is, and then what comes, without a gap`, () =>
      Effect.gen(function* () {
        const { chatUrl } = yield* TestServer.TestServer
        const { ann, bob, annId, bobId } = yield* couple
        const rpc = yield* make
        const peer = yield* connect(chatUrl, ann.token)
        const { conversationId } = yield* rpc.SetUpUserConversation({ sendId: annId, recvId: bobId, chatType: 1 })
        for (let index = 1; index <= 250; index++) peer.send(chatFrame(`m${index}`, bob, `text ${index}`))
        yield* peer.answer("m250")
        const following = yield* rpc.Messages({ conversationId, afterSeq: 3 }).pipe(
          Stream.tap(({ seq }) =>
            // Each answer brings forth the next message.
            Effect.sync(() => {
              if (seq >= 250) peer.send(chatFrame(`m${seq + 1}`, bob, `text ${seq + 1}`))
            })
          ),
          Stream.take(260),
          Stream.runCollect,
          Effect.forkChild
        )
        const messages = yield* Fiber.join(following)
        assert.deepStrictEqual(
          messages.map(({ seq, content }) => [seq, content]),
          Array.from({ length: 260 }, (_, index) => [index + 4, `text ${index + 4}`])
        )
      })
    )
  }

  it.effect("are closed to users and strangers over a WebSocket, too, before the upgrade", () =>
    Effect.gen(function* () {
      const { internalUrl: url } = yield* TestServer.TestServer
      const user = yield* register()
      const address = `${url.replace("http", "ws")}/rpc`
      assert.deepInclude(yield* refused(address), {
        status: 401,
        body: { code: 100004, msg: "unauthenticated", data: null }
      })
      const asUser = yield* refused(address, { headers: { authorization: user.token } })
      assert.deepInclude(asUser, { status: 403, body: { code: 100005, msg: "forbidden", data: null } })
    })
  )

  it.effect("are shown by the example", () =>
    Effect.gen(function* () {
      const { internalUrl: url } = yield* TestServer.TestServer
      const token = yield* Effect.flatMap(Auth, (auth) => auth.issueInternal("service", "example"))
      const script = join(import.meta.dirname, "../../examples/rpc-client.ts")
      const env = { ...process.env, FIBERCHAT_URL: url, FIBERCHAT_TOKEN: token }
      const { stdout } = yield* Effect.promise(() => promisify(execFile)(process.execPath, [script], { env }))
      assert.deepStrictEqual(stdout.trim().split("\n"), [
        "the last message is 1: Hello Bob",
        "1: Hello Bob",
        "2: Hello Ann"
      ])
    })
  )
})
