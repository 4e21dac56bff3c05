/** Gateways and workers as processes apart: what connected clients see when one of them goes at the wrong moment. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Scope } from "effect"
import { ResultFanOut } from "../../src/domain/cluster/AppendOutcome.ts"
import * as App from "../../src/layers/App.ts"
import { scratch } from "../support/Backend.ts"
import { connect, type Peer } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { chatFrame, register } from "../support/Users.ts"
import { gateTo, startWorker } from "../support/WorkerServices.ts"

const secret = "a secret that gateways and workers of this test share"

const isPush = (frame: { readonly method?: string }) => frame.method === "push"
const isCall = (frame: { readonly method?: string }) => frame.method === "sync.required"

/** A gateway without any worker, and two users connected to it. */
const gateway = Effect.gen(function* () {
  const { settings } = yield* scratch
  const shared = { ...settings, CHAT_JWT_SECRET: secret }
  const services = yield* Layer.build(TestServer.layer({ ...shared, CHAT_ROLE: "gateway" }))
  return yield* Effect.gen(function* () {
    const { chatUrl, internalUrl } = yield* TestServer.TestServer
    const [ann, bob] = yield* Effect.all([register(), register()])
    const annPeer = yield* connect(chatUrl, ann.token)
    const bobPeer = yield* connect(chatUrl, bob.token)
    return { chatUrl, internalUrl, shared, ann, bob, annPeer, bobPeer }
  }).pipe(Effect.provide(services))
})

/** The pushed messages, without repetitions of unacknowledged ones. */
const seqsOf = (peer: Peer) => [
  ...new Set(peer.frames.filter(isPush).map(({ data }) => (data as { readonly seq: number }).seq))
]

describe("a worker", () => {
  it.live("that died after storing and before handing over loses no push and no ack: the next one repeats it", () =>
    Effect.gen(function* () {
      const { internalUrl, shared, bob, annPeer, bobPeer } = yield* gateway
      const stored = yield* Deferred.make<void>()
      const dying = Layer.succeed(ResultFanOut, {
        fanOut: () => Effect.andThen(Deferred.succeed(stored, undefined), Effect.never)
      })
      const scope = yield* Scope.make()
      yield* Scope.provide(startWorker(shared, App.workerOf(dying)), scope)
      annPeer.send(chatFrame("m1", bob, "stored, and not handed over"))
      yield* Deferred.await(stored)
      assert.isFalse(bobPeer.frames.some(isPush))
      yield* Scope.close(scope, Exit.void)
      yield* startWorker({ ...shared, CHAT_GATEWAYS: internalUrl })
      const ack = yield* annPeer.answer("m1")
      assert.deepInclude(ack.data as object, { seq: 1 })
      const push = yield* bobPeer.find(isPush)
      assert.deepInclude(push.data as object, { seq: 1, content: "stored, and not handed over" })
    })
  )

  it.live("brings a whole batch of what JSON makes six times as long", () =>
    Effect.gen(function* () {
      const { chatUrl, internalUrl, shared, ann, bob } = yield* gateway
      // As many connections as it takes to have a batch under way: 64 requests each.
      const peers = yield* Effect.forEach([...Array(8).keys()], (device) =>
        connect(`${chatUrl}?deviceId=device-${device}`, ann.token)
      )
      const ids = peers.flatMap((peer, device) =>
        [...Array(64).keys()].map((index) => {
          const id = `${"\u0001".repeat(58)}-${device}-${index}`
          peer.send(chatFrame(id, bob, "\u0002".repeat(256)))
          return { peer, id }
        })
      )
      yield* startWorker({ ...shared, CHAT_GATEWAYS: internalUrl })
      for (const { peer, id } of ids) assert.strictEqual((yield* peer.answer(id)).frameType, 2)
    })
  )

  it.live("has nobody sync because it starts: what the worker before it has skipped is kept in the store", () =>
    Effect.gen(function* () {
      const { internalUrl, shared, bob, annPeer, bobPeer } = yield* gateway
      yield* startWorker({ ...shared, CHAT_GATEWAYS: internalUrl })
      annPeer.send(chatFrame("m1", bob, "hello"))
      yield* annPeer.answer("m1")
      yield* bobPeer.find(isPush)
      assert.strictEqual(bobPeer.frames.filter(isCall).length, 0)
    })
  )

  it.live("that ends for good after it has skipped a gateway leaves that to another one", () =>
    Effect.gen(function* () {
      const { internalUrl, shared, bob, annPeer, bobPeer } = yield* gateway
      const { gate, throughGate } = yield* gateTo(internalUrl)
      const settings = { ...shared, CHAT_GATEWAYS: throughGate }
      const first = yield* Scope.make()
      yield* Scope.provide(startWorker(settings), first)
      annPeer.send(chatFrame("m1", bob, "pushed"))
      yield* bobPeer.find(isPush)
      yield* Effect.promise(() => gate.close())
      annPeer.send(chatFrame("m2", bob, "skipped"))
      // The gateway looks the result up: the worker has stored it, and cannot tell.
      yield* annPeer.answer("m2")
      yield* startWorker(settings)
      yield* Scope.close(first, Exit.void)
      annPeer.send(chatFrame("m3", bob, "by the other one"))
      yield* annPeer.answer("m3")
      assert.strictEqual(bobPeer.frames.filter(isCall).length, 0)
      assert.deepStrictEqual(seqsOf(bobPeer), [1])
      yield* Effect.promise(() => gate.open())
      const call = yield* bobPeer.find(isCall)
      assert.deepStrictEqual(call.data, {})
    })
  )

  it.live("goes on without a gateway that it cannot reach, which calls for sync when it is reached again", () =>
    Effect.gen(function* () {
      const { internalUrl, shared, bob, annPeer, bobPeer } = yield* gateway
      const { gate, throughGate } = yield* gateTo(internalUrl)
      // Two ways to the same gateway, of which one is cut: what comes by the other shows that the worker has gone on.
      yield* startWorker({ ...shared, CHAT_GATEWAYS: `${throughGate},${internalUrl}` })
      annPeer.send(chatFrame("m0", bob, "before"))
      yield* annPeer.answer("m0")
      yield* Effect.promise(() => gate.close())
      annPeer.send(chatFrame("m1", bob, "first"))
      yield* annPeer.answer("m1")
      annPeer.send(chatFrame("m2", bob, "second"))
      yield* annPeer.answer("m2")
      assert.deepStrictEqual(seqsOf(bobPeer), [1, 2, 3])
      assert.strictEqual(bobPeer.frames.filter(isCall).length, 0)
      yield* Effect.promise(() => gate.open())
      yield* bobPeer.find(isCall)
    })
  )
})
