/** Mode rigor, by random scripts over a link that loses, doubles and delays, around the real actor (protocol.md 1.4). */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import type { ConnectionActor } from "../../src/actors/connections/ConnectionActor.ts"
import type { AckFailure } from "../../src/domain/connection/AckService.ts"
import { noneWaiting } from "../../src/domain/connection/InboundAcks.ts"
import { FrameType, type ServerFrame } from "../../src/domain/protocol/Frame.ts"
import { frame, layer, settle, start } from "../support/ActorHarness.ts"
import { occurrences } from "../support/Occurrences.ts"

/** Small: a server ack is repeated 3, 9 and 21 ms after the frame, which is forgotten after 30. */
const limits = { ackRetryMillis: 3, ackTimeoutMillis: 30, unconfirmedMax: 2 }
const repeatsAt = [3, 9, 21]
const forgottenAt = 30

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
/** The link's treatment of one frame: 0 copies is a loss. */
const Fate = { copies: between(0, 2), delay: between(0, 12) }
/** A frame of the client's; ids come again, sometimes with another content. */
const Sending = Schema.Struct({
  ...Fate,
  at: between(0, 40),
  id: Schema.Literals(["a", "b", "c", "d"]),
  content: Schema.Literals(["x", "x", "x", "y"]),
  noAck: Schema.Literals([false, false, false, true])
})
/** The client's reaction to an ack of the server: `2` confirms. */
const Reply = Schema.Struct({
  ...Fate,
  ackSeq: Schema.Literals([2, 2, 2, 1]),
  unknown: Schema.Literals([false, false, true])
})
const Script = Schema.Struct({
  sendings: Schema.Array(Sending).check(Schema.isMaxLength(8)),
  replies: Schema.Array(Reply).check(Schema.isMaxLength(6))
})

/** A frame on its way to the server. */
type Arrival =
  | { readonly kind: "data"; readonly id: string; readonly content: string; readonly noAck: boolean }
  | { readonly kind: "ack"; readonly id: string; readonly ackSeq: number }

/** The frames that the server sends by protocol.md, tick by tick, in order. */
class Reference {
  readonly sent: Array<string> = []
  /** How often a confirmed frame was not yet the first. */
  waits = 0
  waiting: Array<{ id: string; content: string; noAck: boolean; at: number; repeats: number; confirmed: boolean }> = []

  tick(now: number): void {
    this.waiting = this.waiting.filter((frame) => {
      const age = now - frame.at
      if (frame.confirmed) return true
      if (age === forgottenAt) this.sent.push(`${frame.id} err 300006`)
      else if (repeatsAt.includes(age)) this.sent.push(`${frame.id} ack 1 again ${++frame.repeats}`)
      return age < forgottenAt
    })
    this.takeTurns()
  }

  arrive(arrival: Arrival, now: number): void {
    const found = this.waiting.find(({ id }) => id === arrival.id)
    if (arrival.kind === "ack") {
      if (found !== undefined && arrival.ackSeq >= 2) found.confirmed = true
    } else if (found !== undefined) {
      if (found.content !== arrival.content) this.sent.push(`${arrival.id} err 100007`)
      else if (!arrival.noAck) {
        found.noAck = false
        this.sent.push(`${arrival.id} ack 1 again ${found.repeats}`)
      }
    } else if (this.waiting.length === 2) {
      this.sent.push(`${arrival.id} err 100009`)
    } else {
      this.waiting.push({ ...arrival, at: now, repeats: 0, confirmed: arrival.noAck })
      if (!arrival.noAck) this.sent.push(`${arrival.id} ack 1 again 0`)
    }
    this.takeTurns()
  }

  private takeTurns(): void {
    if (this.waiting[0]?.confirmed === false && this.waiting.some(({ confirmed }) => confirmed)) this.waits += 1
    while (this.waiting[0]?.confirmed) {
      const frame = this.waiting.shift()
      if (frame?.noAck === false) this.sent.push(`${frame.id} ack 3 ${frame.content}`)
    }
  }
}

const brief = ({ id, frameType, ackSeq, ackErrCount, data }: ServerFrame): string => {
  if (frameType === FrameType.err) return `${id} err ${(data as { code: number }).code}`
  return ackSeq === 1 ? `${id} ack 1 again ${ackErrCount ?? 0}` : `${id} ack ${ackSeq} ${data}`
}

const seen = occurrences("acks in mode rigor", {
  "a final ack": 150,
  "a repeated ack": 200,
  "forgotten without confirmation": 100,
  "an id with another content": 20,
  "too many unconfirmed": 50,
  "a confirmed frame waited for an earlier one": 20
})

describe("the acks of the client's frames in mode rigor", () => {
  it.effect.prop(
    "end each frame in one final ack or one err frame, in the order of arrival, whatever is lost, doubled or late",
    [Script],
    ([{ sendings, replies }]) => {
      const failures: Array<AckFailure> = []
      return Effect.gen(function* () {
        const { connection, transport } = yield* start({ ackMode: "rigor" })
        const actor = connection as ConnectionActor
        const opened = yield* Clock.currentTimeMillis
        const reference = new Reference()
        const arrivals: Array<Arrival & { readonly at: number }> = []
        const travel = (arrival: Arrival, now: number, { copies, delay }: { copies: number; delay: number }) => {
          for (let copy = 0; copy < copies; copy++) arrivals.push({ ...arrival, at: now + delay * (copy + 1) })
        }
        const delivered = new Map<string, number>()
        let answered = 0
        let read = transport.frames.length
        const first = read
        for (let now = 0; now <= 130; now++) {
          reference.tick(now)
          for (const sending of sendings) {
            if (sending.at === now) travel({ kind: "data", ...sending }, now, sending)
          }
          for (const arrival of arrivals.filter(({ at }) => at === now)) {
            reference.arrive(arrival, now)
            if (arrival.kind === "data") delivered.set(arrival.id, (delivered.get(arrival.id) ?? 0) + 1)
            connection.tell({
              _tag: "FrameReceived",
              frame:
                arrival.kind === "ack"
                  ? frame({ id: arrival.id, frameType: FrameType.ack, ackSeq: arrival.ackSeq })
                  : frame({
                      id: arrival.id,
                      frameType: arrival.noAck ? FrameType.noAck : FrameType.data,
                      method: "conversation.chat",
                      data: arrival.content
                    })
            })
          }
          yield* settle
          assert.isAtMost(actor["state"].inbound.waiting.length, limits.unconfirmedMax)
          for (; read < transport.frames.length; read++) {
            const { id, frameType, ackSeq } = transport.frames[read]!
            if (frameType !== FrameType.ack || ackSeq !== 1) continue
            const reply = replies[answered++ % replies.length]
            // Nothing comes back in the same millisecond.
            if (reply !== undefined) {
              travel({ kind: "ack", id: reply.unknown ? "z" : id, ackSeq: reply.ackSeq }, now + 1, reply)
            }
          }
          yield* TestClock.adjust(1)
          yield* settle
        }
        assert.strictEqual((yield* Clock.currentTimeMillis) - opened, 131)
        seen.run()
        const saw = (what: Parameters<typeof seen.saw>[0], pattern: RegExp) =>
          seen.saw(
            what,
            reference.sent.some((text) => pattern.test(text))
          )
        saw("a final ack", /ack 3/)
        saw("a repeated ack", /again [1-9]/)
        saw("forgotten without confirmation", /err 300006/)
        saw("an id with another content", /err 100007/)
        saw("too many unconfirmed", /err 100009/)
        seen.saw("a confirmed frame waited for an earlier one", reference.waits > 0)
        const sent = transport.frames.slice(first).map(brief)
        // Final acks come when the work is done, be it a frame later: their order is their own.
        for (const isFinal of [true, false]) {
          const own = (text: string) => text.includes("ack 3") === isFinal
          assert.deepStrictEqual(sent.filter(own), reference.sent.filter(own))
        }
        // In every case a frame that arrived has exactly one end.
        for (const [id, times] of delivered) {
          const ends = sent.filter((text) => text.startsWith(`${id} `) && !text.includes("ack 1")).length
          assert.isAtMost(ends, times)
          const wantsAck = sendings.every((sending) => sending.id !== id || !sending.noAck)
          if (times === 1 && wantsAck) assert.strictEqual(ends, 1)
        }
        assert.strictEqual(actor["state"].inbound, noneWaiting)
        assert.strictEqual(actor["state"].inFlight, 0)
        // The operator sees what did not go smoothly.
        const counted = (failure: AckFailure) => failures.filter((counted) => counted === failure).length
        assert.strictEqual(counted("Unconfirmed"), sent.filter((text) => text.endsWith("300006")).length)
        assert.strictEqual(counted("AckRepeated"), sent.filter((text) => /again [123]$/.test(text)).length)
      }).pipe(Effect.provide(layer(limits, "multi", (failure) => failures.push(failure))))
    },
    { arbitrary: { runs: 1_000 } }
  )
  seen.check()
})
