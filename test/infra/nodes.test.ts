/** The protocol between nodes: its callers, and its effect on the clients of a gateway (protocol.md section 3.2). */
import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { RpcClient, RpcSerialization } from "effect/rpc"
import { SignJWT } from "jose"
import { NodeRpcs } from "../../src/domain/cluster/NodeRpc.ts"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import type { AppendResult } from "../../src/domain/messages/MessageStore.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import type { MessageId } from "../../src/domain/shared/Ids.ts"
import { draftOf } from "../../src/layers/transfer/DraftRecords.ts"
import { scratch } from "../support/Backend.ts"
import { couple } from "../support/Couple.ts"
import { ask } from "../support/Kept.ts"
import { connect, refused } from "../support/Peer.ts"
import { type Address, jwtSecret, start } from "../support/ServerProcess.ts"
import { TestServer } from "../support/TestServer.ts"
import { recordsOf } from "../support/TopicTool.ts"
import { register, request } from "../support/Users.ts"
import { refusalOf } from "../support/Writer.ts"

/** A token as the server signs them for itself (`system`) and for other services (`service`). */
const internalToken = (audience: "fiberchat-system" | "fiberchat-rpc", subject: string, expires = "5 minutes") =>
  Effect.promise(() =>
    new SignJWT({})
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setIssuer("fiberchat")
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime(expires)
      .setJti(randomUUID())
      .sign(new TextEncoder().encode(jwtSecret))
  )

/** A gateway whose worker is the test, and the draft of a message that waits for it. */
const gateway = Effect.gen(function* () {
  const { settings, topic } = yield* scratch
  const { server, ...address } = yield* start({ ...settings, CHAT_ROLE: "gateway" })
  const pair = yield* couple(address)
  const [id = ""] = pair.writer.write("hello")
  const [record] = yield* recordsOf(topic, 1)
  const draft = draftOf({ value: record?.value ?? null })
  if (draft._tag === "Failure") return yield* Effect.die(new Error(draft.failure))
  return { ...pair, address, server, id, draft: draft.success }
})

/** A node's client, with a token of its own. */
const nodeClient = Effect.fnUntraced(function* ({ internalUrl }: Address, token: string) {
  const protocol = RpcClient.layerProtocolHttp({
    url: `${internalUrl}/nodes`,
    transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(token))
  }).pipe(Layer.provide([FetchHttpClient.layer, RpcSerialization.layerNdjson]))
  return yield* RpcClient.make(NodeRpcs).pipe(Effect.provide(yield* Layer.build(protocol)))
})

const systemClient = (address: Address) =>
  Effect.flatMap(internalToken("fiberchat-system", "root"), (token) => nodeClient(address, token))

const storedAs = (draft: Draft, seq: number, content = draft.content): AppendResult => {
  const { messageId, clientId, conversationId, chatType, senderId, receiveId, sendTime, messageType } = draft
  const message = { messageId, clientId, conversationId, chatType, senderId, receiveId, sendTime, messageType }
  return { _tag: "Stored", message: { ...message, content, seq } }
}

/** The line of a call, as a client sends it over HTTP. */
const callOf = (tag: string, payload: unknown) =>
  `${JSON.stringify({ _tag: "Request", id: "1", tag, payload, headers: [] })}\n`

const calls = {
  Deliver: { outcomes: [] },
  Resync: null,
  RelayEvents: { nodeId: "other", events: [] },
  RevokeSessions: { revocations: [] }
}

describe("the results of a worker", () => {
  it.live("bring the ack to the sender who waits for it, and the message to the others", () =>
    Effect.gen(function* () {
      const { address, writer, reader, id, draft } = yield* gateway
      assert.strictEqual(writer.pending, 1)
      const node = yield* systemClient(address)
      const result = storedAs(draft, 7)
      yield* node.Deliver({ outcomes: [{ draftId: draft.messageId, origin: draft.origin, result }] })
      yield* writer.answered()
      const { messageId, conversationId, sendTime } = draft
      assert.deepInclude(writer.last.get(id), {
        frameType: 2,
        data: { messageId, conversationID: conversationId, seq: 7, sendTime }
      })
      const push = yield* reader.peer.find(({ method }) => method === "push")
      assert.deepInclude(push, { id: messageId, fromID: draft.senderId })
      assert.deepInclude(push.data as object, { seq: 7, content: "hello", clientId: id, sendId: draft.senderId })
      // A response after it: nothing else was on its way.
      yield* ask(writer.peer, "user.online")
      assert.isFalse(writer.peer.frames.some(({ method }) => method === "push"))
    })
  )

  it.live("bring a refusal to the sender who waits for it, and nothing to the others", () =>
    Effect.gen(function* () {
      const { address, writer, reader, id, draft } = yield* gateway
      const node = yield* systemClient(address)
      const result: AppendResult = { _tag: "Rejected", error: failure("Blocked") }
      yield* node.Deliver({ outcomes: [{ draftId: draft.messageId, origin: draft.origin, result }] })
      yield* writer.answered()
      const { code, method } = refusalOf(writer.last.get(id)!)
      assert.deepStrictEqual({ code, method }, { code: 300003, method: "conversation.chat" })
      yield* ask(reader.peer, "user.online")
      assert.isFalse(reader.peer.frames.some(({ method }) => method === "push"))
    })
  )

  it.live("of drafts that wait nowhere are pushed, and settle nothing", () =>
    Effect.gen(function* () {
      const { address, writer, reader, draft } = yield* gateway
      const node = yield* systemClient(address)
      const result = storedAs(draft, 1, "of another gateway")
      yield* node.Deliver({ outcomes: [{ draftId: "404" as MessageId, result }] })
      const push = yield* reader.peer.find(({ method }) => method === "push")
      assert.deepInclude(push.data as object, { content: "of another gateway" })
      assert.strictEqual(writer.pending, 1)
    })
  )
})

describe("a call between nodes", () => {
  it.live("is refused without the system's token: 401 for none, an expired or a garbled one, 403 for all others", () =>
    Effect.gen(function* () {
      const { address, writer, reader } = yield* gateway
      const eve = yield* Effect.provideService(register(), TestServer, address)
      const tokens = [
        [undefined, 401],
        ["garbage", 401],
        [yield* internalToken("fiberchat-system", "root", "-1 minute"), 401],
        [eve.token, 403],
        [yield* internalToken("fiberchat-rpc", "billing"), 403]
      ] as const
      for (const [tag, payload] of Object.entries(calls)) {
        for (const [token, status] of tokens) {
          const headers = { "content-type": "application/ndjson" }
          const body = callOf(tag, payload)
          const options = { body, headers, isInternal: true, ...(token === undefined ? {} : { token }) }
          const answer = yield* Effect.provideService(request("POST", "/nodes", options), TestServer, address)
          assert.deepStrictEqual([answer.status, answer.body.code], [status, status === 401 ? 100004 : 100005])
        }
      }
      for (const peer of [writer.peer, reader.peer]) {
        yield* ask(peer, "user.online")
        assert.isFalse(peer.frames.some(({ method }) => method === "push" || method === "sync.required"))
      }
      assert.strictEqual(writer.pending, 1)
    })
  )

  it.live("has no way over the public listener, and no token but a user's opens a chat socket", () =>
    Effect.gen(function* () {
      const { address } = yield* gateway
      const token = yield* internalToken("fiberchat-system", "root")
      for (const path of ["/nodes", "/rpc", "/metrics"]) {
        const answer = yield* Effect.provideService(request("POST", path, { token, body: {} }), TestServer, address)
        assert.deepStrictEqual([answer.status, answer.body.code], [404, 100006])
      }
      for (const internal of [token, yield* internalToken("fiberchat-rpc", "billing")]) {
        const answer = yield* refused(address.chatUrl, { headers: { authorization: `Bearer ${internal}` } })
        assert.deepInclude(answer, { status: 401, body: { code: 100004, msg: "unauthenticated", data: null } })
      }
    })
  )

  it.live("that revokes a login closes its sockets with 4004, and a resync calls on every client", () =>
    Effect.gen(function* () {
      const { address, reader, bob } = yield* gateway
      const node = yield* systemClient(address)
      yield* node.Resync()
      assert.deepStrictEqual((yield* reader.peer.find(({ method }) => method === "sync.required")).data, {})
      const tablet = yield* connect(`${address.chatUrl}?deviceId=tablet`, bob.token)
      const claims = JSON.parse(Buffer.from(bob.token.split(".")[1] ?? "", "base64url").toString())
      yield* node.RevokeSessions({ revocations: [{ userId: claims.sub, sessionId: claims.sid }] })
      assert.strictEqual((yield* tablet.closed()).code, 4004)
    })
  )
})
