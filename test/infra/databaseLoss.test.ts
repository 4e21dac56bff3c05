/** A database that goes away under load and comes back (protocol.md sections 1.2 and 4). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { databaseUrl } from "../../infra/addresses.ts"
import { scratch } from "../support/Backend.ts"
import { couple, texts } from "../support/Couple.ts"
import { until } from "../support/Eventually.ts"
import { ask, assertKept, historyOf } from "../support/Kept.ts"
import { refused } from "../support/Peer.ts"
import { start } from "../support/ServerProcess.ts"
import { lockStore } from "../support/StoreLock.ts"
import { gateTo } from "../support/TcpGate.ts"
import { refusalOf, type Writer, writerOf } from "../support/Writer.ts"

/** Frames without an answer that a writer under load keeps. */
const loadMax = 32

/** A server that reaches its database through a gate, and three devices of one user that write to another. */
const behindGate = (transfer: "embedded" | "kafka") =>
  Effect.gen(function* () {
    const gate = yield* gateTo({ host: databaseUrl.hostname, port: Number(databaseUrl.port) })
    const { settings, database } = yield* scratch
    const url = new URL(settings["CHAT_DATABASE_URL"] ?? "")
    url.port = String(gate.port)
    const { server, ...address } = yield* start({
      ...settings,
      CHAT_DATABASE_URL: url.href,
      CHAT_TRANSFER: transfer
    })
    const { ann, bob, writer, reader, conversationID } = yield* couple(address)
    const others = yield* Effect.forEach(["second", "third"], (name) => writerOf(address, name, ann, bob))
    return { gate, server, address, database, ann, writers: [writer, ...others], reader, conversationID }
  })

/** Writes for as long as it runs, never with more than {@link loadMax} frames without an answer. */
const load = (writer: Writer): Effect.Effect<never> =>
  Effect.forever(
    Effect.andThen(
      until("room for more", () => writer.pending < loadMax, 60_000),
      Effect.sync(() => writer.write(`text ${writer.written.size}`))
    )
  )

const underLoad = (writers: ReadonlyArray<Writer>) =>
  Effect.forkScoped(Effect.all(writers.map(load), { concurrency: "unbounded" }))

const acked = (writers: ReadonlyArray<Writer>): number =>
  writers.reduce((sum, { last, refused }) => sum + last.size - refused.length, 0)

/** Waits until so many more messages have been acked. */
const progress = (writers: ReadonlyArray<Writer>, more: number) =>
  Effect.suspend(() => {
    const wanted = acked(writers) + more
    return until(
      () => `${wanted} acks; there are ${acked(writers)}`,
      () => acked(writers) >= wanted
    )
  })

/** Every refusal is one that says when to come again; no message was given up. */
const assertRefusals = (writers: ReadonlyArray<Writer>, codes: ReadonlyArray<number>) => {
  for (const { answers } of writers) {
    for (const frame of [...answers.values()].flat().filter(({ frameType }) => frameType === 9)) {
      const refusal = refusalOf(frame)
      assert.include(codes, refusal.code, JSON.stringify(refusal))
      assert.isAbove(refusal.retryAfter ?? 0, 0)
    }
  }
}

const faults = {
  embedded: [100003, 100009],
  kafka: [100009]
} as const

for (const transfer of ["embedded", "kafka"] as const) {
  describe(`a database behind the ${transfer} pipeline`, () => {
    it.live("is cut off under load, three times: everything is stored once when it is back, in order", () =>
      Effect.gen(function* () {
        const { gate, server, address, ann, writers, reader, conversationID } = yield* behindGate(transfer)
        const writing = yield* underLoad(writers)
        for (const round of [1, 2, 3]) {
          yield* progress(writers, 100)
          yield* Effect.promise(() => gate.close())
          const page = yield* ask(reader.peer, "conversation.history", { conversationID })
          assert.deepInclude(page.data as object, { code: 100003 }, `round ${round}`)
          const upgrade = yield* refused(address.chatUrl, { headers: { authorization: ann.token } })
          assert.deepInclude(upgrade, { status: 503 })
          assert.deepInclude(upgrade.body as object, { code: 100003 })
          assert.isAbove(Number(upgrade.headers["retry-after"]), 0)
          yield* Effect.promise(() => gate.open())
        }
        yield* progress(writers, 100)
        yield* Fiber.interrupt(writing)
        yield* Effect.all(
          writers.map((writer) => writer.persist()),
          { concurrency: "unbounded" }
        )
        assertRefusals(writers, faults[transfer])
        assertKept(yield* historyOf(reader.peer, conversationID), writers)
        assert.isTrue(server.isRunning)
      })
    )

    it.live("hangs under load and goes on: everything is stored once, in order", () =>
      Effect.gen(function* () {
        const { gate, server, writers, reader, conversationID } = yield* behindGate(transfer)
        const writing = yield* underLoad(writers)
        yield* progress(writers, 100)
        yield* Effect.promise(() => gate.hang())
        // As far as they go without an answer.
        yield* until("no answers", () => writers.every(({ pending }) => pending === loadMax))
        reader.peer.send({ id: "p", frameType: 1 })
        yield* until("a ping is answered", () => reader.peer.frames.some(({ id }) => id === "p"))
        yield* Effect.promise(() => gate.open())
        yield* progress(writers, 100)
        yield* Fiber.interrupt(writing)
        yield* Effect.all(
          writers.map((writer) => writer.persist()),
          { concurrency: "unbounded" }
        )
        assertRefusals(writers, faults[transfer])
        assertKept(yield* historyOf(reader.peer, conversationID), writers)
        assert.isTrue(server.isRunning)
      })
    )

    it.live("hangs and is then cut off: what hung is stored once, in order, when it is back", () =>
      Effect.gen(function* () {
        const { gate, server, writers, reader, conversationID } = yield* behindGate(transfer)
        const writer = writers[0]!
        writer.write(...texts(10))
        yield* writer.answered()
        yield* Effect.promise(() => gate.hang())
        writer.write(...texts(10, 10))
        yield* until("a statement that hangs", () => gate.heldBytes > 0)
        yield* Effect.promise(() => gate.close())
        yield* Effect.promise(() => gate.open())
        yield* writer.persist()
        assertRefusals([writer], faults[transfer])
        assertKept(yield* historyOf(reader.peer, conversationID), [writer])
        assert.isTrue(server.isRunning)
      })
    )

    it.live("loses its connection in the middle of a transaction: the message is none that cannot be stored", () =>
      Effect.gen(function* () {
        const { gate, server, database, writers, reader, conversationID } = yield* behindGate(transfer)
        const writer = writers[0]!
        writer.write("before")
        yield* writer.answered()
        const lock = yield* lockStore(database)
        writer.write("in the middle")
        yield* lock.isWaitedFor
        yield* Effect.promise(() => gate.close())
        yield* lock.release
        yield* Effect.promise(() => gate.open())
        yield* writer.persist()
        assertRefusals([writer], faults[transfer])
        assertKept(yield* historyOf(reader.peer, conversationID), [writer])
        assert.notInclude(server.output(), "dead-letters")
      })
    )
  })
}
