/** The connection machine on its own, as a pure function (protocol.md sections 1.2 to 1.4). */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { ConnectionLimits } from "../../src/domain/connection/ConnectionLimits.ts"
import {
  type ConnectionCommand,
  type ConnectionEvent,
  type ConnectionState,
  deadline,
  isReading,
  open,
  step
} from "../../src/domain/connection/ConnectionMachine.ts"
import type { Outcome, Request } from "../../src/domain/connection/Outcome.ts"
import type { AckMode } from "../../src/domain/protocol/AckMode.ts"
import { FrameType } from "../../src/domain/protocol/Frame.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import { frame, message, pushOf, quiet } from "../support/ActorHarness.ts"
import { occurrences } from "../support/Occurrences.ts"

const opened = (limits: ConnectionLimits, ackMode: AckMode = "once") =>
  open(0, limits, { ackMode, tokenExpiresAt: Number.POSITIVE_INFINITY, lifetimeJitter: 0 })

/** Runs events, each with the time at which it happens. */
const run = (
  state: ConnectionState,
  events: ReadonlyArray<readonly [ConnectionEvent, number]>,
  limits: ConnectionLimits
) => {
  const commands: Array<ConnectionCommand> = []
  let current = state
  for (const [event, now] of events) {
    const [next, wanted] = step(current, event, now, limits, now)
    current = next
    commands.push(...wanted)
  }
  return { state: current, commands }
}

const framesOf = (commands: ReadonlyArray<ConnectionCommand>) =>
  commands.flatMap((command) => (command._tag === "SendFrame" ? [command.frame] : []))
const received = (id: string, frameType: 0 | 3 = FrameType.data): ConnectionEvent => ({
  _tag: "FrameReceived",
  frame: frame({ id, frameType, ackSeq: 4 })
})
const bad: ConnectionEvent = { _tag: "BadFrameReceived", bad: { id: "x", problem: "not JSON", size: 8 } }

const Outcomes = Schema.Literals(["Done", "Answered", "Failed"])
const outcomeOf = (tag: typeof Outcomes.Type): Outcome =>
  tag === "Failed" ? { _tag: "Failed", error: failure("Blocked") } : { _tag: tag, data: 7 }

const seen = occurrences("the connection machine", {
  "a Failed request": 100,
  "a noAck request": 100,
  "more requests than may be in flight": 100,
  paused: 100,
  "resumed after a pause": 50,
  "ten bad frames within ten seconds": 50,
  "ten bad frames in a longer time": 5,
  "read again when the debt was paid": 100,
  "sent more before it was slowed down": 100
})

describe("the connection machine", () => {
  it.prop(
    "blames the clock that ended first, however late the timer is",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))
    ],
    ([heartbeat, idle, lifetime, token]) => {
      const limits = {
        ...quiet,
        heartbeatIntervalMillis: heartbeat,
        heartbeatGraceMillis: 0,
        idleTimeoutMillis: idle,
        maxLifetimeMillis: lifetime
      }
      const state = open(0, limits, { ackMode: "once", tokenExpiresAt: token, lifetimeJitter: 0 })
      const [, commands] = step(state, { _tag: "DeadlineReached" }, 1_000, limits, 1_000)
      const ends = { HeartbeatTimeout: heartbeat, IdleTimeout: idle, LifetimeExceeded: lifetime, TokenExpired: token }
      const first = Math.min(heartbeat, idle, lifetime, token)
      const [command] = commands
      if (command?._tag !== "Close") return assert.fail("it did not close")
      assert.strictEqual(ends[command.close as keyof typeof ends], first)
    },
    { arbitrary: { runs: 1_000 } }
  )

  it.prop(
    "answers every request once and in its mode: ack, data or err",
    [
      Schema.Array(Schema.Tuple([Schema.Boolean, Outcomes])).check(Schema.isMaxLength(12)),
      Schema.Literals(["none", "once"])
    ],
    ([requests, ackMode]) => {
      const limits = { ...quiet, inFlightMax: 3 }
      seen.run()
      seen.saw(
        "a Failed request",
        requests.some(([, outcome]) => outcome === "Failed")
      )
      seen.saw(
        "a noAck request",
        requests.some(([noAck]) => noAck)
      )
      seen.saw("more requests than may be in flight", requests.length > limits.inFlightMax)
      const arrivals = requests.map(([noAck], index) => [received(String(index), noAck ? 3 : 0), index] as const)
      const { state, commands } = run(opened(limits, ackMode), arrivals, limits)
      const dispatched = commands.flatMap((command) => (command._tag === "Dispatch" ? [command.request] : []))
      assert.deepStrictEqual(
        dispatched.map((request) => request.id),
        requests.map((_, index) => String(index))
      )
      const settled = dispatched.map(
        (request, index) => [{ _tag: "RequestSettled", request, outcome: outcomeOf(requests[index]![1]) }, 100] as const
      )
      const after = run(state, settled, limits)
      assert.strictEqual(after.state.inFlight, 0)
      assert.isTrue(isReading(after.state))
      const expected = requests.flatMap(([noAck, outcome], index) => {
        if (outcome === "Done")
          return noAck || ackMode === "none" ? [] : [{ id: String(index), frameType: 2, ackSeq: 5 }]
        return [{ id: String(index), frameType: outcome === "Failed" ? 9 : 0 }]
      })
      const frames = framesOf(after.commands)
      assert.strictEqual(frames.length, expected.length)
      for (const [index, answer] of expected.entries()) assert.deepInclude(frames[index] as object, answer)
    },
    { arbitrary: { runs: 1_000 } }
  )

  it.prop(
    "is paused from the limit of requests in flight until half of them are settled",
    [Schema.Array(Schema.Boolean).check(Schema.isMaxLength(40))],
    ([arrivals]) => {
      const limits = { ...quiet, inFlightMax: 4 }
      let state = opened(limits)
      let paused = false
      const waiting: Array<Request> = []
      for (const isArrival of arrivals) {
        const request = isArrival ? undefined : waiting.shift()
        if (!isArrival && request === undefined) continue
        const event: ConnectionEvent =
          request === undefined
            ? received("a")
            : { _tag: "RequestSettled", request, outcome: { _tag: "Done", data: undefined } }
        const [next, commands] = step(state, event, 0, limits, 0)
        state = next
        for (const command of commands) {
          if (command._tag === "Dispatch") waiting.push(command.request)
          if (command._tag === "Pause") paused = true
          if (command._tag === "Resume") paused = false
          seen.saw("paused", command._tag === "Pause")
          seen.saw("resumed after a pause", command._tag === "Resume")
        }
        assert.strictEqual(state.inFlight, waiting.length)
        if (waiting.length >= 4) assert.isTrue(paused)
        if (waiting.length <= 2) assert.isFalse(paused)
      }
    },
    { arbitrary: { runs: 1_000 } }
  )

  it.prop(
    "closes with 1008 at the tenth bad frame within ten seconds, and answers those before it",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_500 }))).check(Schema.isMaxLength(30))],
    ([waits]) => {
      let now = 0
      const times: Array<number> = []
      let state = opened(quiet)
      for (const wait of waits) {
        now += wait
        times.push(now)
        const [next, commands] = step(state, bad, now, quiet, now)
        state = next
        const recent = times.filter((time) => time > now - 10_000)
        seen.saw("ten bad frames in a longer time", times.length === 10 && recent.length < 10)
        if (recent.length >= 10) {
          seen.saw("ten bad frames within ten seconds")
          assert.deepInclude(commands[0], { _tag: "Close", close: "Abuse" })
          return
        }
        assert.deepInclude(framesOf(commands)[0], { id: "x", frameType: 9 })
      }
      assert.isFalse(state.closed)
    },
    { arbitrary: { runs: 1_000 } }
  )

  it.prop(
    "slows a client past its rate, refuses nothing, and reads again exactly when the debt is paid",
    [
      Schema.Array(
        Schema.Struct({
          wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
          /** Whether the frame was read already when the socket was paused. */
          isRead: Schema.Boolean,
          size: Schema.Literals([0, 100, 4_096, 4_097])
        })
      ).check(Schema.isMaxLength(60))
    ],
    ([frames]) => {
      const limits = { ...quiet, rateLimit: { count: 3, windowMillis: 60 } }
      let now = 0
      let state = opened(limits)
      const handled: Array<{ readonly at: number; readonly cost: number }> = []
      for (const { wait, isRead, size } of frames) {
        now += wait
        if (!isReading(state) && (deadline(state, limits) <= now || !isRead)) {
          const paidAt = deadline(state, limits)
          assert.deepStrictEqual(step(state, { _tag: "DeadlineReached" }, paidAt - 1, limits, paidAt - 1)[1], [])
          const [next, commands] = step(state, { _tag: "DeadlineReached" }, paidAt, limits, paidAt)
          assert.deepStrictEqual(commands, [{ _tag: "Resume" }])
          state = next
          now = Math.max(now, paidAt)
          seen.saw("read again when the debt was paid")
        }
        const wasReading = isReading(state)
        seen.saw("sent more before it was slowed down", !wasReading)
        const event: ConnectionEvent = { _tag: "FrameReceived", frame: frame({ id: "a", method: "m", size }) }
        const [next, commands] = step(state, event, now, limits, now)
        assert.deepStrictEqual(
          commands.map(({ _tag }) => _tag),
          wasReading && !isReading(next) ? ["Dispatch", "Pause"] : ["Dispatch"]
        )
        state = next
        // A bucket of 3, refilled by 3 per 60 ms, was paid for when the socket was read.
        for (const [index, { at }] of wasReading ? handled.entries() : []) {
          const costs = handled.slice(index).reduce((sum, { cost }) => sum + cost, 0)
          assert.isAtMost(costs, 3 + ((now - at) * 3) / 60 + 1e-9)
        }
        handled.push({ at: now, cost: size > 4_096 ? 2 : 1 })
      }
    },
    { arbitrary: { runs: 1_000 } }
  )

  seen.check()

  it("counts every frame but acks of pushes, and loses no credit when the clock is set back", () => {
    const limits = { ...quiet, rateLimit: { count: 2, windowMillis: 1_000 } }
    for (const frameType of [FrameType.data, FrameType.noAck, FrameType.ping, FrameType.ack, FrameType.err]) {
      const event: ConnectionEvent = { _tag: "FrameReceived", frame: frame({ id: "a", frameType }) }
      const { state, commands } = run(
        opened(limits),
        [
          [event, 0],
          [event, 0],
          [event, 0]
        ],
        limits
      )
      assert.strictEqual(commands.at(-1)?._tag, "Pause")
      assert.strictEqual(deadline(state, limits), 500)
    }
    const back = run(
      opened(limits),
      [
        [received("a"), 0],
        [received("b"), -60_000]
      ],
      limits
    )
    assert.strictEqual(back.commands.filter((command) => command._tag === "Dispatch").length, 2)
  })

  it("counts acks that acknowledge nothing, and those that do not", () => {
    const limits = { ...quiet, rateLimit: { count: 3, windowMillis: 1_000 } }
    const acked = (id: string, ackSeq: number): ConnectionEvent => ({
      _tag: "FrameReceived",
      frame: frame({ id, frameType: FrameType.ack, ackSeq })
    })
    const sent = (id: string): ConnectionEvent => ({
      _tag: "FrameReceived",
      frame: frame({ id, method: "conversation.chat" })
    })
    // "a" holds "b" back, so that b's confirmation can come twice; the second one confirms nothing.
    const events = [
      sent("a"),
      sent("b"),
      acked("b", 2),
      acked("b", 2),
      pushOf(message(1)),
      acked(message(1).messageId, 1)
    ]
    const at = (all: ReadonlyArray<ConnectionEvent>) => all.map((event) => [event, 0] as const)
    const { state } = run(opened(limits, "rigor"), at(events), limits)
    const credits = state.budget.credit / 1_000
    assert.strictEqual(credits, 0)
    assert.isTrue(isReading(state))
    assert.isFalse(isReading(run(state, at([acked("b", 2)]), limits).state))
  })

  it("takes an ack of a push with its id alone, and refuses data in it that cannot be read", () => {
    const acked = (data: unknown): ConnectionEvent => ({
      _tag: "FrameReceived",
      frame: frame({ id: message(1).messageId, frameType: FrameType.ack, ackSeq: 1, data })
    })
    const acknowledgedWith = (data: unknown) =>
      run(
        opened(quiet),
        [
          [pushOf(message(1)), 0],
          [acked(data), 1]
        ],
        quiet
      )
    for (const data of [undefined, null]) {
      const { state, commands } = acknowledgedWith(data)
      assert.strictEqual(state.outbound.unacked.length, 0)
      assert.deepStrictEqual(framesOf(commands), [])
    }
    const { state, commands } = acknowledgedWith({ conversationID: 5 })
    assert.strictEqual(state.outbound.unacked.length, 1)
    assert.deepStrictEqual(
      framesOf(commands).map(({ id, data }) => [id, (data as { readonly code: number }).code]),
      [[message(1).messageId, 100002]]
    )
  })

  it("lets a command take effect at once in every mode but rigor", () => {
    const sent: ConnectionEvent = { _tag: "FrameReceived", frame: frame({ id: "a", method: "conversation.chat" }) }
    const firstIn = (mode: AckMode) => run(opened(quiet, mode), [[sent, 0]], quiet).commands[0]?._tag
    assert.deepStrictEqual([firstIn("none"), firstIn("once"), firstIn("rigor")], ["Dispatch", "Dispatch", "SendFrame"])
  })

  it("repeats no more pushes in one step than the outbound bound allows, and the others right after", () => {
    const large = (seq: number) => pushOf({ ...message(seq), content: "x".repeat(16 * 1024) })
    const pushes = Array.from({ length: 10 }, (_, index) => [large(index + 1), 0] as const)
    let { state } = run(opened(quiet), pushes, quiet)
    const repeated: Array<ReadonlyArray<string>> = []
    for (let steps = 0; steps < 3; steps++) {
      assert.strictEqual(deadline(state, quiet), 2_000)
      const [next, commands] = step(state, { _tag: "DeadlineReached" }, 2_000, quiet, 2_000)
      state = next
      repeated.push(framesOf(commands).map(({ id }) => id))
    }
    assert.deepStrictEqual(
      repeated.map(({ length }) => length),
      [4, 4, 2]
    )
    assert.strictEqual(new Set(repeated.flat()).size, 10)
    assert.strictEqual(deadline(state, quiet), 6_000)
  })

  it("is not closed by the heartbeat while the socket is not read, and waits for it anew afterwards", () => {
    const limits = {
      ...quiet,
      heartbeatIntervalMillis: 1_000,
      heartbeatGraceMillis: 500,
      rateLimit: { count: 1, windowMillis: 1_000 }
    }
    const sent = [0, 1, 2, 3].map(() => [received("a"), 0] as const)
    const indebted = run(opened(limits), sent, limits).state
    const at = (state: ConnectionState, now: number) => run(state, [[{ _tag: "DeadlineReached" }, now]], limits)
    const silent = at(indebted, 2_999)
    assert.isFalse(silent.state.closed)
    const read = at(silent.state, 3_000)
    assert.isTrue(isReading(read.state))
    assert.isFalse(at(read.state, 4_499).state.closed)
    assert.deepInclude(at(read.state, 4_500).commands.at(-1), { _tag: "Close", close: "HeartbeatTimeout" })
  })

  it("is read only when neither debt nor requests in flight forbid it, and is told so once", () => {
    const limits = { ...quiet, inFlightMax: 2, rateLimit: { count: 1, windowMillis: 1_000 } }
    const full = run(
      opened(limits),
      ["a", "b", "c"].map((id) => [received(id), 0] as const),
      limits
    )
    const told = (commands: ReadonlyArray<ConnectionCommand>) =>
      commands.flatMap(({ _tag }) => (_tag === "Pause" || _tag === "Resume" ? [_tag] : []))
    assert.deepStrictEqual(told(full.commands), ["Pause"])
    const settled = full.commands.flatMap((command) =>
      command._tag === "Dispatch"
        ? [[{ _tag: "RequestSettled", request: command.request, outcome: outcomeOf("Done") }, 1] as const]
        : []
    )
    const paid: ReadonlyArray<readonly [ConnectionEvent, number]> = [[{ _tag: "DeadlineReached" }, 2_000]]
    for (const order of [
      [settled, paid],
      [paid, settled]
    ] as const) {
      const first = run(full.state, order[0], limits)
      assert.deepStrictEqual(told(first.commands), [])
      const second = run(first.state, order[1], limits)
      assert.deepStrictEqual(told(second.commands), ["Resume"])
      assert.isTrue(isReading(second.state))
    }
  })

  it("wants no deadline and does nothing once it is closed", () => {
    const limits = { ...quiet, heartbeatIntervalMillis: 1, idleTimeoutMillis: 1, maxLifetimeMillis: 1 }
    for (const end of [{ _tag: "CloseAsked", close: "Replaced" }, { _tag: "SocketClosed" }] as const) {
      const { state } = run(opened(limits), [[end, 0]], limits)
      assert.strictEqual(deadline(state, limits), Number.POSITIVE_INFINITY)
      for (const event of [received("a"), bad, { _tag: "DeadlineReached" }] as const) {
        assert.deepStrictEqual(step(state, event, 10, limits, 10), [state, []])
      }
    }
  })
})
