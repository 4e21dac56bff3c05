/** A connection's mailbox: its bounds, and the socket that it slows down (`docs/architecture.md`, "Limits"). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Scheduler } from "effect"
import { eventOf, Mailbox, type MailboxEvent } from "../../src/actors/connections/Mailbox.ts"
import type { Transport } from "../../src/actors/connections/Transport.ts"

/** The bounds of `docs/architecture.md`. */
const [highWater, capacity, pushesMax] = [256, 11_179, 1_024]

const seen: MailboxEvent = { _tag: "PeerSeen" }
const notified: MailboxEvent = { _tag: "Notified", encoded: new Uint8Array() }
const pushed = { _tag: "MessagePushed" } as unknown as MailboxEvent

/** A mailbox and, in order, what its socket was told. */
const stage = () => {
  const told: Array<string> = []
  const transport = {
    pause: () => void told.push("pause"),
    resume: () => void told.push("resume"),
    close: (code: number, reason: string) => void told.push(`close ${code} ${reason}`)
  } as unknown as Transport
  const mailbox = new Mailbox(transport, new Scheduler.MixedScheduler().makeDispatcher())
  const fill = (event: MailboxEvent, count: number) => {
    for (let index = 0; index < count; index += 1) mailbox.tell(event)
  }
  return { mailbox, told, fill }
}

describe("a mailbox", () => {
  it.effect("pauses the socket at 256 events, and resumes it when it is told that all are handled", () =>
    Effect.gen(function* () {
      const { mailbox, told, fill } = stage()
      fill(seen, highWater - 1)
      assert.deepStrictEqual(told, [])
      fill(seen, 3)
      assert.deepStrictEqual(told, ["pause"])
      assert.strictEqual((yield* mailbox.take()).length, highWater + 2)
      mailbox.release()
      mailbox.release()
      assert.deepStrictEqual(told, ["pause", "resume"])
      // Below the mark it has nothing to give back.
      fill(seen, 1)
      yield* mailbox.take()
      mailbox.release()
      assert.deepStrictEqual(told, ["pause", "resume"])
      fill(seen, highWater)
      assert.deepStrictEqual(told, ["pause", "resume", "pause"])
    })
  )

  it.effect("pauses the socket at 256 Ki of texts, which parsed may take twenty times as much", () =>
    Effect.gen(function* () {
      const { mailbox, told, fill } = stage()
      const large = { _tag: "TextReceived", text: "x".repeat(64 * 1024) } as const
      for (let round = 0; round < 3; round += 1) {
        told.length = 0
        fill(large, 3)
        fill(seen, 5)
        assert.deepStrictEqual(told, [])
        fill(large, 1)
        assert.deepStrictEqual(told, ["pause"])
        const events = yield* mailbox.take()
        mailbox.release()
        assert.deepStrictEqual(told, ["pause", "resume"])
        // What is given back counts again.
        mailbox.giveBack(events.slice(1))
        fill(large, 1)
        assert.deepStrictEqual(told, ["pause", "resume", "pause"])
        yield* mailbox.take()
        mailbox.release()
      }
    })
  )

  it.effect("takes frames up to its capacity; one more closes the socket, and is the end", () =>
    Effect.gen(function* () {
      const { mailbox, told, fill } = stage()
      fill(seen, capacity)
      assert.deepStrictEqual(told, ["pause"])
      fill(seen, 1)
      assert.deepStrictEqual(told, ["pause", "close 4008 slow-consumer"])
      const events = yield* mailbox.take()
      assert.deepStrictEqual(
        [events.length, events.at(-1)],
        [capacity + 1, { _tag: "CloseAsked", close: "SlowConsumer" }]
      )
    })
  )

  for (const [what, event] of [
    ["pushes", pushed],
    ["events", notified]
  ] as const) {
    it(`takes ${what} for a peer that does not read up to the 1 024th event`, () => {
      const { told, fill } = stage()
      fill(event, pushesMax)
      assert.deepStrictEqual(told, ["pause"])
      // Frames that the socket has read already have room.
      fill(seen, 1)
      assert.deepStrictEqual(told, ["pause"])
      fill(event, 1)
      assert.deepStrictEqual(told, ["pause", "close 4008 slow-consumer"])
    })
  }

  it.effect("wakes its one reader, and gives back unhandled events before those that came since", () =>
    Effect.gen(function* () {
      const { mailbox } = stage()
      const reading = yield* Effect.forkChild(mailbox.take(), { startImmediately: true })
      mailbox.tell(seen)
      mailbox.tell(notified)
      assert.deepStrictEqual(yield* Fiber.join(reading), [seen, notified])
      mailbox.tell(pushed)
      mailbox.giveBack([notified, seen])
      assert.deepStrictEqual(yield* mailbox.take(), [notified, seen, pushed])
    })
  )
})

describe("a text", () => {
  const read = (text: string) => {
    const event = eventOf({ _tag: "TextReceived", text }, () => "new")
    return event._tag === "FrameReceived" ? event.frame.id : event._tag
  }

  it("with a command and without an id gets one; nothing else does", () => {
    assert.strictEqual(read('{"method":"conversation.chat"}'), "new")
    assert.strictEqual(read('{"id":"","frameType":3,"method":"message.recall"}'), "new")
    assert.strictEqual(read('{"id":"own","method":"conversation.chat"}'), "own")
    assert.strictEqual(read('{"method":"user.online"}'), "")
    assert.strictEqual(read('{"frameType":2,"method":"conversation.chat"}'), "")
    assert.strictEqual(read("nonsense"), "BadFrameReceived")
  })
})
