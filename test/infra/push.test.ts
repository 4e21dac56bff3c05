/** Who may bring results to a gateway, and what its clients see of it (protocol.md section 1.6, `push`). */
import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SignJWT } from "jose"
import type { Draft } from "../../src/domain/messages/Message.ts"
import type { AppendResult } from "../../src/domain/messages/MessageStore.ts"
import { scratch } from "../support/Backend.ts"
import { couple } from "../support/Couple.ts"
import { ask } from "../support/Kept.ts"
import { connect, refused } from "../support/Peer.ts"
import { jwtSecret, start } from "../support/ServerProcess.ts"
import { TestServer } from "../support/TestServer.ts"
import { recordsOf } from "../support/TopicTool.ts"
import { register } from "../support/Users.ts"
import { refusalOf } from "../support/Writer.ts"

/** A token as the server signs them for itself (`system`) and for other services (`service`). */
const internalToken = (audience: "fiberchat-system" | "fiberchat-rpc", subject: string) =>
  Effect.promise(() =>
    new SignJWT({})
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setIssuer("fiberchat")
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime("5 minutes")
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
  const draft: Draft = JSON.parse(String(record?.value))
  return { ...pair, address, server, id, draft }
})

const storedAs = ({ conversationId, senderId, origin: _, ...draft }: Draft, seq: number): AppendResult => ({
  _tag: "Stored",
  message: { ...draft, conversationID: conversationId, sendId: senderId, seq }
})

describe("push", () => {
  it.live("with the system token brings the ack to who waits for it and the message to the others", () =>
    Effect.gen(function* () {
      const { address, writer, reader, id, draft } = yield* gateway
      assert.strictEqual(writer.pending, 1)
      const root = yield* connect(address.chatUrl, yield* internalToken("fiberchat-system", "root"))
      const outgoing = { draftId: draft.messageId, origin: draft.origin, result: storedAs(draft, 7) }
      const taken = yield* ask(root, "push", { results: [outgoing] })
      assert.deepInclude(taken, { frameType: 2, ackSeq: 1 })
      yield* writer.answered()
      const { messageId, conversationId, sendTime } = draft
      assert.deepInclude(writer.last.get(id), {
        frameType: 2,
        data: { messageId, conversationID: conversationId, seq: 7, sendTime }
      })
      const push = yield* reader.peer.find(({ method }) => method === "push")
      assert.deepInclude(push, { id: messageId, fromID: draft.senderId })
      assert.deepInclude(push.data as object, { seq: 7, content: "hello", clientId: id })
      // An answer after it: nothing else was on its way.
      yield* ask(writer.peer, "user.online")
      assert.isFalse(writer.peer.frames.some(({ method }) => method === "push"))
    })
  )

  it.live("with the system token brings a refusal to who waits for it, and to nobody else", () =>
    Effect.gen(function* () {
      const { address, writer, reader, id, draft } = yield* gateway
      const root = yield* connect(address.chatUrl, yield* internalToken("fiberchat-system", "root"))
      const error = { _tag: "ApiError", code: 300003, msg: "messages between these users are blocked" }
      const outgoing = { draftId: draft.messageId, origin: draft.origin, result: { _tag: "Rejected", error } }
      assert.deepInclude(yield* ask(root, "push", { results: [outgoing] }), { frameType: 2 })
      yield* writer.answered()
      const { code, method } = refusalOf(writer.last.get(id)!)
      assert.deepStrictEqual({ code, method }, { code: 300003, method: "conversation.chat" })
      yield* ask(reader.peer, "user.online")
      assert.isFalse(reader.peer.frames.some(({ method }) => method === "push"))
    })
  )

  it.live(
    "that is no result is refused with 100002, drafts that nobody waits for are ignored, and the socket lives",
    () =>
      Effect.gen(function* () {
        const { address, writer, reader, draft } = yield* gateway
        const root = yield* connect(address.chatUrl, yield* internalToken("fiberchat-system", "root"))
        for (const payload of [{}, { results: [{}] }, { results: [{ draftId: draft.messageId, result: {} }] }]) {
          assert.deepInclude((yield* ask(root, "push", payload)).data as object, { code: 100002, method: "push" })
        }
        const unknown = { draftId: "404", result: storedAs({ ...draft, content: "of another gateway" }, 1) }
        assert.deepInclude(yield* ask(root, "push", { results: [unknown] }), { frameType: 2 })
        const push = yield* reader.peer.find(({ method }) => method === "push")
        assert.deepInclude(push.data as object, { content: "of another gateway" })
        assert.strictEqual(writer.pending, 1)
        assert.deepInclude(yield* ask(root, "push", { results: [] }), { frameType: 2 })
      })
  )

  it.live("by a user is refused with 100005: nobody gets anything, and no draft is settled", () =>
    Effect.gen(function* () {
      const { address, writer, reader, draft, bob } = yield* gateway
      const eve = yield* Effect.provideService(register(), TestServer, address)
      const evePeer = yield* connect(address.chatUrl, eve.token)
      const bobPeer = yield* connect(`${address.chatUrl}?deviceId=second`, bob.token)
      const results = [{ draftId: draft.messageId, result: storedAs(draft, 1) }]
      // Whose message it is makes no difference.
      for (const peer of [evePeer, bobPeer, writer.peer]) {
        const answer = yield* ask(peer, "push", { results })
        assert.strictEqual(answer.frameType, 9)
        assert.deepInclude(answer.data as object, { code: 100005, method: "push" })
      }
      for (const peer of [reader.peer, writer.peer, bobPeer, evePeer]) {
        yield* ask(peer, "user.online")
        assert.isFalse(peer.frames.some(({ method }) => method === "push"))
      }
      assert.strictEqual(writer.pending, 1)
    })
  )

  it.live("is out of reach for a service: its token opens no socket", () =>
    Effect.gen(function* () {
      const { address } = yield* gateway
      const token = yield* internalToken("fiberchat-rpc", "billing")
      for (const authorization of [token, `Bearer ${token}`]) {
        const answer = yield* refused(address.chatUrl, { headers: { authorization } })
        assert.deepInclude(answer, { status: 401, body: { code: 100004, msg: "unauthenticated", data: null } })
      }
    })
  )
})
