import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import { ConnectionRegistry } from "../../src/actors/connections/ConnectionRegistry.ts"
import { Connections } from "../../src/actors/connections/Connections.ts"
import type { LoginPolicy } from "../../src/domain/connection/GatewayPolicy.ts"
import { FrameType } from "../../src/domain/protocol/Frame.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { frame, layer, type Started, settle, start } from "../support/ActorHarness.ts"

const tellFrame = ({ connection }: Started, changes: Parameters<typeof frame>[0]) =>
  Effect.andThen(
    Effect.sync(() => connection.tell({ _tag: "FrameReceived", frame: frame(changes) })),
    settle
  )

describe("a connection actor", () => {
  it.effect("says who it is and how long it lives in its first frame", () =>
    Effect.gen(function* () {
      const { transport, connection } = yield* start({ userId: "7", deviceId: "phone" })
      assert.deepInclude(transport.frames[0], { id: "", frameType: 0, method: "session.ready", fromID: "root" })
      assert.deepInclude(transport.frames[0]?.data as object, {
        userId: "7",
        deviceId: "phone",
        connectionId: connection.connectionId,
        ack: "once",
        heartbeatInterval: 20,
        idleTimeout: 0,
        maxLifetime: 0
      })
    }).pipe(Effect.provide(layer({ heartbeatIntervalMillis: 20 })))
  )

  it.effect("answers a ping frame with the same id, a command with an ack, a query with data", () =>
    Effect.gen(function* () {
      const started = yield* start()
      yield* tellFrame(started, { id: "p", frameType: FrameType.ping })
      yield* tellFrame(started, { id: "c", method: "do", data: 1 })
      yield* tellFrame(started, { id: "q", method: "ask", data: 2 })
      const [, ping, ack, data] = started.transport.frames
      assert.deepStrictEqual(ping, { id: "p", frameType: 1 })
      assert.deepInclude(ack, { id: "c", frameType: 2, ackSeq: 1, data: 1 })
      assert.deepInclude(data, { id: "q", frameType: 0, method: "ask", data: 2 })
    }).pipe(Effect.provide(layer({})))
  )

  describe("beyond its rate of 10 a second", () => {
    const limited = layer({ rateLimit: { count: 10, windowMillis: 1_000 } })
    const answers = ({ transport }: Started) => transport.frames.flatMap(({ id }) => (id === "" ? [] : [Number(id)]))
    const flood = ({ connection }: Started, count: number) =>
      Effect.andThen(
        Effect.sync(() => {
          for (let id = 1; id <= count; id++)
            connection.tell({ _tag: "TextReceived", text: `{"id":"${id}","frameType":1}` })
        }),
        settle
      )
    const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

    it.effect("holds back what came with the same read, and handles it in order when it is paid for", () =>
      Effect.gen(function* () {
        const started = yield* start()
        yield* flood(started, 30)
        assert.deepStrictEqual(answers(started), upTo(11))
        assert.isTrue(started.transport.paused)
        yield* TestClock.adjust("1 second")
        yield* settle
        assert.deepStrictEqual(answers(started), upTo(21))
        yield* TestClock.adjust("2 seconds")
        yield* settle
        assert.deepStrictEqual(answers(started), upTo(30))
        yield* TestClock.adjust("1 second")
        yield* settle
        assert.isFalse(started.transport.paused)
      }).pipe(Effect.provide(limited))
    )

    it.effect("handles all that a peer had sent before it closed the socket", () =>
      Effect.gen(function* () {
        const started = yield* start()
        yield* flood(started, 30)
        started.connection.tell({ _tag: "SocketClosed" })
        yield* settle
        assert.deepStrictEqual(answers(started), upTo(30))
      }).pipe(Effect.provide(limited))
    )

    it.effect("goes on pushing, and closes when it is told to, whatever is held back", () =>
      Effect.gen(function* () {
        const started = yield* start()
        yield* flood(started, 30)
        started.connection.tell({ _tag: "Notified", encoded: new TextEncoder().encode('{"id":"77","frameType":1}') })
        yield* settle
        assert.deepStrictEqual(answers(started), [...upTo(11), 77])
        started.connection.tell({ _tag: "CloseAsked", close: "Replaced" })
        yield* settle
        assert.strictEqual(started.transport.closed?.code, 4003)
        assert.lengthOf(answers(started), 12)
      }).pipe(Effect.provide(limited))
    )
  })

  it.effect("writes the frames of one turn together, and keeps those that come after a full socket for the next", () =>
    Effect.gen(function* () {
      const { connection, transport } = yield* start()
      const ping = (id: string) =>
        connection.tell({ _tag: "FrameReceived", frame: frame({ id, frameType: FrameType.ping }) })
      for (let index = 0; index < 10; index++) ping(`${index}`)
      yield* settle
      assert.deepStrictEqual([transport.frames.length, transport.writes], [11, 2])
      transport.room = 14
      for (let index = 10; index < 20; index++) ping(`${index}`)
      yield* settle
      assert.lengthOf(transport.frames, 14)
      transport.room = Number.POSITIVE_INFINITY
      transport.drain()
      yield* settle
      assert.deepStrictEqual(
        transport.frames.slice(1).map(({ id }) => id),
        Array.from({ length: 20 }, (_, index) => `${index}`)
      )
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("says in its first frame how long it will live, from now on", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust(5_000_000)
      const { transport } = yield* start()
      const ready = transport.frames.map(({ data }) => data as { maxLifetime: number; serverTime: number })
      const [{ maxLifetime, serverTime } = { maxLifetime: 0, serverTime: 0 }] = ready
      assert.isTrue(maxLifetime >= 900 && maxLifetime <= 1_000, `${maxLifetime}`)
      assert.strictEqual(serverTime, 5_000_000)
      yield* TestClock.adjust(maxLifetime - 1)
      yield* settle
      const closeOf = () => transport.closed?.code
      assert.isUndefined(closeOf())
      yield* TestClock.adjust(1)
      yield* settle
      assert.strictEqual(closeOf(), 4002)
    }).pipe(Effect.provide(layer({ maxLifetimeMillis: 1_000 })))
  )

  it.effect("closes with 1001 and in silence when its node ends; a crash is logged once", () =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
      const transports = yield* Effect.gen(function* () {
        const [calm, broken] = [yield* start(), yield* start()]
        yield* tellFrame(broken, { method: "crash" })
        assert.deepStrictEqual(logged.length, 1)
        assert.include(logged[0], "a connection actor failed")
        return [calm.transport, broken.transport]
      }).pipe(Effect.provide(layer({})), Effect.provide(logger))
      assert.deepStrictEqual(
        transports.map(({ closed }) => closed?.code),
        [1001, 1011]
      )
      assert.lengthOf(logged, 1)
    })
  )

  it.effect("answers an unknown method and a query's defect with err frames, and lives on", () =>
    Effect.gen(function* () {
      const started = yield* start()
      yield* tellFrame(started, { id: "u", method: "nope" })
      yield* tellFrame(started, { id: "f", method: "fail" })
      yield* tellFrame(started, { id: "c", method: "do" })
      const [, unknown, failed, done] = started.transport.frames
      assert.deepInclude(unknown?.data as object, { code: 100006 })
      assert.deepInclude(failed?.data as object, { code: 100001, msg: "server error", method: "fail" })
      assert.deepInclude(done, { id: "c", frameType: FrameType.ack })
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("closes its own socket with 1011 when it crashes, leaves the registry and takes nobody with it", () =>
    Effect.gen(function* () {
      const registry = yield* ConnectionRegistry
      const [broken, other] = [yield* start({ userId: "1" }), yield* start({ userId: "2" })]
      broken.connection.tell({ _tag: "FrameReceived", frame: frame({ id: "before", frameType: FrameType.ping }) })
      yield* tellFrame(broken, { method: "crash" })
      assert.isDefined(broken.transport.frames.find((frame) => frame.id === "before"))
      assert.strictEqual(broken.transport.closed?.code, 1011)
      assert.isFalse(registry.isOnline("1" as UserId))
      yield* tellFrame(other, { id: "c" })
      assert.isDefined(other.transport.frames.find((frame) => frame.id === "c"))
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("cuts off with 4008 a peer that does not read within ten seconds what waits for it", () =>
    Effect.gen(function* () {
      const started = yield* start()
      started.transport.room = 2
      yield* tellFrame(started, { id: "1" })
      yield* tellFrame(started, { id: "2" })
      yield* TestClock.adjust(9_999)
      yield* settle
      assert.strictEqual((yield* ConnectionRegistry).size(), 1)
      yield* TestClock.adjust(1)
      yield* settle
      assert.strictEqual(started.transport.closed?.code, 4008)
      assert.strictEqual((yield* ConnectionRegistry).size(), 0)
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("waits for a peer that reads slowly, and goes on where it was", () =>
    Effect.gen(function* () {
      const started = yield* start()
      started.transport.room = 3
      for (let index = 0; index < 6; index++) {
        started.connection.tell({ _tag: "FrameReceived", frame: frame({ id: String(index) }) })
      }
      yield* settle
      assert.strictEqual(started.transport.frames.length, 3)
      yield* TestClock.adjust(9_000)
      started.transport.room = Number.POSITIVE_INFINITY
      started.transport.drain()
      yield* settle
      const ids = started.transport.frames.slice(1).map((frame) => frame.id)
      assert.deepStrictEqual(ids, ["0", "1", "2", "3", "4", "5"])
      assert.strictEqual((yield* ConnectionRegistry).size(), 1)
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("pauses the socket while its mailbox is over the high-water mark", () =>
    Effect.gen(function* () {
      const { connection, transport } = yield* start()
      for (let index = 0; index < 300; index++) connection.tell({ _tag: "PeerSeen" })
      assert.isTrue(transport.paused)
      yield* settle
      assert.isFalse(transport.paused)
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("keeps the socket paused past its rate until the frames are paid for, and reads on by itself", () =>
    Effect.gen(function* () {
      const started = yield* start()
      for (let round = 0; round < 3; round++) {
        for (let index = 0; index < 5; index++) yield* tellFrame(started, { frameType: 1 })
        assert.isTrue(started.transport.paused)
        yield* TestClock.adjust(2_999)
        assert.isTrue(started.transport.paused)
        yield* TestClock.adjust(1)
        yield* settle
        assert.isFalse(started.transport.paused)
        yield* TestClock.adjust(2_000)
      }
      assert.strictEqual(started.transport.frames.length, 1 + 15)
    }).pipe(Effect.provide(layer({ rateLimit: { count: 2, windowMillis: 2_000 } })))
  )

  it.effect("keeps the socket paused while too many requests are in flight", () =>
    Effect.gen(function* () {
      const started = yield* start()
      for (let index = 0; index < 3; index++) yield* tellFrame(started, { method: "later" })
      assert.isTrue(started.transport.paused)
    }).pipe(Effect.provide(layer({ inFlightMax: 3 })))
  )

  it.effect("closes with 4008 and goes when its mailbox overflows", () =>
    Effect.gen(function* () {
      const { connection, transport } = yield* start()
      for (let index = 0; index < 12_000; index++) connection.tell({ _tag: "PeerSeen" })
      assert.strictEqual(transport.closed?.code, 4008)
      yield* settle
      assert.strictEqual((yield* ConnectionRegistry).size(), 0)
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("leaves the registry at once when its socket is gone", () =>
    Effect.gen(function* () {
      const registry = yield* ConnectionRegistry
      const { connection } = yield* start({ userId: "1" })
      connection.tell({ _tag: "SocketClosed" })
      yield* settle
      assert.isFalse(registry.isOnline("1" as UserId))
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("is asked to come back at a random moment of the drain window when the node drains", () =>
    Effect.gen(function* () {
      const started = yield* Effect.all([start(), start(), start()])
      yield* (yield* Connections).drain
      for (const { transport } of started) {
        assert.strictEqual(transport.closed?.code, 1001)
        const retryAfter = /^going-away; retryAfter=(\d+)$/.exec(transport.closed?.reason ?? "")?.[1]
        assert.isTrue(Number(retryAfter) >= 0 && Number(retryAfter) <= 1_000)
      }
      assert.strictEqual((yield* ConnectionRegistry).size(), 0)
    }).pipe(Effect.provide(layer({})))
  )
})

describe("the login policy", () => {
  const first = { userId: "1", deviceId: "phone", platform: "ios" }
  const newcomers = {
    sameDevice: first,
    samePlatform: { ...first, deviceId: "tablet" },
    otherPlatform: { ...first, deviceId: "laptop", platform: "web" },
    otherUser: { ...first, userId: "2" }
  }
  const replaced: Record<LoginPolicy, ReadonlyArray<keyof typeof newcomers>> = {
    single: ["sameDevice", "samePlatform", "otherPlatform"],
    perPlatform: ["sameDevice", "samePlatform"],
    perDevice: ["sameDevice"],
    multi: []
  }
  for (const policy of Object.keys(replaced) as ReadonlyArray<LoginPolicy>) {
    for (const newcomer of Object.keys(newcomers) as ReadonlyArray<keyof typeof newcomers>) {
      const goes = replaced[policy].includes(newcomer)
      it.effect(`${policy}: the older connection ${goes ? "is replaced by" : "stays beside"} one of ${newcomer}`, () =>
        Effect.gen(function* () {
          const registry = yield* ConnectionRegistry
          const older = yield* start(first)
          const newer = yield* start(newcomers[newcomer])
          assert.strictEqual(older.transport.closed?.code, goes ? 4003 : undefined)
          assert.isUndefined(newer.transport.closed)
          // The older one's end must never hide the newer one.
          assert.include(registry.ofUser(newer.connection.userId), newer.connection)
          assert.strictEqual(registry.size(), goes ? 1 : 2)
        }).pipe(Effect.provide(layer({}, policy)))
      )
    }
  }

  it.effect("lets no user have more connections than the limit: the oldest is replaced", () =>
    Effect.gen(function* () {
      const started = yield* Effect.all(Array.from({ length: 7 }, (_, index) => start({ deviceId: String(index) })))
      assert.deepStrictEqual(
        started.map(({ transport }) => transport.closed?.code),
        [4003, 4003, undefined, undefined, undefined, undefined, undefined]
      )
    }).pipe(Effect.provide(layer({}, "multi")))
  )
})
