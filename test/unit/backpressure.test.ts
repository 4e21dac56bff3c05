/** Sockets whose peers do not read (protocol.md section 3). */
import { Duplex } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { CloseEvent, make } from "effect/socket/Socket"
import { TestClock } from "effect/testing"
import { withBackpressure } from "../../src/http/rpc/Backpressure.ts"

const chunk = "x".repeat(1024 * 1024 + 1)

/** The server's end of a connection; its peer reads what is there when it is told to. */
class Connection extends Duplex {
  private parked: (() => void) | undefined

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    this.parked = done
  }

  readByPeer(): void {
    this.parked?.()
  }
}

/** The data that the platform writes. */
const ticks = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/** A socket like Effect's own: it waits for nobody, and holds for ever what is written after the end. */
const started = Effect.gen(function* () {
  const stream = new Connection({ highWaterMark: 1 })
  const seen = { written: 0, pulled: 0, closed: 0 }
  let isOpen = true
  const write = (data: Uint8Array | string | CloseEvent) =>
    Effect.suspend(() => {
      if (!isOpen) return Effect.never
      if (typeof data === "string") {
        seen.written += 1
        stream.write(data)
      } else seen.closed += 1
      return Effect.void
    })
  const end = Effect.sync(() => {
    isOpen = false
  })
  const pull = Effect.sync(() => {
    seen.pulled += 1
    return ["frame"] as const
  })
  const plain = make({
    reader: Effect.as(
      Effect.addFinalizer(() => end),
      { pull, upgrade: () => Effect.void }
    ),
    writer: Effect.succeed({ write, writeAll: ([first]) => write(first) })
  })
  const { socket, overdue } = withBackpressure(plain, stream)
  const scope = yield* Scope.make()
  const reader = yield* Scope.provide(socket.reader, scope)
  const writer = yield* Scope.provide(socket.writer, scope)
  return { stream, seen, overdue, scope, pull: reader.pull, write: writer.write }
})

describe("a socket whose peer does not read", () => {
  it.effect("takes one write more than fits, and waits with the next ones and with reading", () =>
    Effect.gen(function* () {
      const { stream, seen, pull, write } = yield* started
      const waiting = yield* Effect.forkChild(
        Effect.all([write(chunk), write(chunk), write(chunk), pull], { concurrency: "unbounded" })
      )
      yield* ticks
      assert.deepStrictEqual(seen, { written: 1, pulled: 0, closed: 0 })
      stream.readByPeer()
      yield* ticks
      assert.deepStrictEqual(seen, { written: 2, pulled: 0, closed: 0 })
      assert.strictEqual(stream.listenerCount("drain"), 1)
      yield* write(new CloseEvent(4004))
      assert.strictEqual(seen.closed, 1)
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(stream.listenerCount("drain"), 0)
    })
  )

  it.effect("is overdue after 10 s, not when it reads now and then", () =>
    Effect.gen(function* () {
      const { stream, seen, overdue, write } = yield* started
      const late = yield* Effect.forkChild(overdue)
      yield* Effect.forkChild(Effect.forever(write(chunk)))
      yield* ticks
      for (let round = 1; round <= 3; round++) {
        assert.strictEqual(seen.written, round)
        yield* TestClock.adjust(9_999)
        stream.readByPeer()
        yield* ticks
      }
      yield* TestClock.adjust(9_999)
      assert.isUndefined(late.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* Fiber.join(late)
    })
  )

  it.effect("lets go, when it has ended, of those who wait and cannot be interrupted", () =>
    Effect.gen(function* () {
      const { stream, seen, scope, write } = yield* started
      yield* write(chunk)
      const waiting = yield* Effect.forkChild(Effect.uninterruptible(Effect.all([write("1"), write("2")])))
      yield* ticks
      yield* Scope.close(scope, Exit.void)
      stream.destroy()
      yield* Fiber.join(waiting)
      assert.strictEqual(seen.written, 1)
    })
  )
})
