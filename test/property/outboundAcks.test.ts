/** Acks of pushes, by random scripts over a link that loses, doubles and delays, around the real actor (protocol.md 1.5). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import type { ConnectionActor } from "../../src/actors/connections/ConnectionActor.ts"
import type { AckFailure } from "../../src/domain/connection/AckService.ts"
import { noneUnacked } from "../../src/domain/connection/OutboundAcks.ts"
import type { Message, WireMessage } from "../../src/domain/messages/Message.ts"
import { FrameType, type ServerFrame } from "../../src/domain/protocol/Frame.ts"
import { frame, layer, message, pushOf, settle, start } from "../support/ActorHarness.ts"
import { occurrences } from "../support/Occurrences.ts"

/** Small: a push is repeated 5 and 15 ms after it was sent, and given up after 35. */
const limits = { pushRetryMillis: 5, pushRetryCount: 2, unackedMax: 2, leftOutMax: 1 }
const repeatsAt = [5, 15]
const givenUpAt = 35

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
/** The client's reaction to a push: its ack may be lost (0 copies), doubled or late. */
const Reply = Schema.Struct({
  copies: between(0, 2),
  delay: between(0, 30),
  of: Schema.Literals(["id", "upTo", "both", "nothing"])
})
const Script = Schema.Struct({
  pushes: Schema.Array(Schema.Struct({ at: between(0, 40), conversation: between(1, 3) })).check(Schema.isMaxLength(8)),
  replies: Schema.Array(Reply).check(Schema.isMaxLength(5)),
  /** When the client asks for what it missed. */
  syncs: Schema.Array(between(0, 90)).check(Schema.isMaxLength(3)),
  ackMode: Schema.Literals(["once", "rigor", "none"])
})

interface Ack {
  readonly at: number
  readonly id: string
  readonly upTo: { readonly conversationID: string; readonly seq: number } | undefined
}

/** The frames that the server sends by protocol.md, tick by tick, in order. */
class Reference {
  readonly sent: Array<string> = []
  unacked: Array<{ message: Message; at: number }> = []
  told = new Set<string>()
  /** Messages that ended, and how. */
  readonly ended = new Map<string, "acknowledged" | "left out">()
  private readonly needsAck: boolean

  constructor(needsAck: boolean) {
    this.needsAck = needsAck
  }

  tick(now: number): void {
    this.unacked = this.unacked.filter(({ message, at }) => {
      const age = now - at
      if (repeatsAt.includes(age)) this.sent.push(`${message.messageId} again ${repeatsAt.indexOf(age) + 1}`)
      if (age < givenUpAt) return true
      this.leaveOut(message)
      return false
    })
  }

  push(message: Message, now: number): void {
    if (this.needsAck && this.unacked.length === 2) return this.leaveOut(message)
    this.sent.push(`${message.messageId} again 0`)
    if (this.needsAck) this.unacked.push({ message, at: now })
  }

  ack({ id, upTo }: Ack): void {
    this.unacked = this.unacked.filter(({ message: { messageId, conversationId: conversationID, seq } }) => {
      const isMeant = messageId === id || (conversationID === upTo?.conversationID && seq <= upTo.seq)
      if (isMeant) this.end(messageId, "acknowledged")
      return !isMeant
    })
  }

  private leaveOut({ messageId, conversationId: conversationID, seq }: Message): void {
    this.end(messageId, "left out")
    if (this.told.has(conversationID) || this.told.has("others")) return
    const isFirst = this.told.size === 0
    this.told.add(isFirst ? conversationID : "others")
    this.sent.push(isFirst ? `sync ${conversationID} ${seq}` : "sync others")
  }

  private end(id: string, how: "acknowledged" | "left out"): void {
    assert.isFalse(this.ended.has(id))
    this.ended.set(id, how)
  }
}

const brief = ({ id, method, ackErrCount, data }: ServerFrame): string => {
  if (method === "push") return `${id} again ${ackErrCount ?? 0}`
  const { conversationID, seq } = data as { conversationID?: string; seq?: number }
  return conversationID === undefined ? "sync others" : `sync ${conversationID} ${seq}`
}

const seen = occurrences("acks of pushes", {
  acknowledged: 150,
  "repeated once": 200,
  "repeated twice": 200,
  "given up for sync": 200,
  "the conversations that do not fit": 50,
  "more pushes than may wait": 50,
  "told again after a sync": 20
})

describe("the acks of pushes", () => {
  it.effect.prop(
    "end each push acknowledged, or left to sync after exactly so many repetitions, whatever is lost, doubled or late",
    [Script],
    ([{ pushes, replies, syncs, ackMode }]) => {
      const failures: Array<AckFailure> = []
      return Effect.gen(function* () {
        const { connection, transport } = yield* start({ ackMode })
        const actor = connection as ConnectionActor
        const reference = new Reference(ackMode !== "none")
        const acks: Array<Ack> = []
        const seqs = new Map<number, number>()
        let answered = 0
        let read = transport.frames.length
        const frames: Array<ServerFrame> = []
        for (let now = 0; now <= 130; now++) {
          reference.tick(now)
          for (const { conversation } of pushes.filter(({ at }) => at === now)) {
            const seq = (seqs.get(conversation) ?? 0) + 1
            seqs.set(conversation, seq)
            const pushed = message(seq, `1_${conversation + 1}`)
            reference.push(pushed, now)
            connection.tell(pushOf(pushed))
          }
          for (const ack of acks.filter(({ at }) => at === now)) {
            reference.ack(ack)
            connection.tell({
              _tag: "FrameReceived",
              frame: frame({ id: ack.id, frameType: FrameType.ack, ackSeq: 1, data: ack.upTo })
            })
          }
          if (syncs.includes(now)) {
            reference.told = new Set()
            connection.tell({ _tag: "FrameReceived", frame: frame({ id: "s", method: "conversation.sync" }) })
          }
          yield* settle
          assert.isAtMost(actor["state"].outbound.unacked.length, limits.unackedMax)
          assert.isAtMost(actor["state"].outbound.leftOut.size, limits.leftOutMax + 1)
          for (; read < transport.frames.length; read++) {
            const got = transport.frames[read]!
            // The harness has no such route: the answer to the question is an err frame.
            if (got.frameType === FrameType.err) continue
            frames.push(got)
            const reply = replies[answered++ % replies.length]
            if (got.method !== "push" || reply === undefined) continue
            const { conversationID, seq } = got.data as WireMessage
            for (let copy = 1; copy <= reply.copies; copy++) {
              acks.push({
                // Nothing comes back in the same millisecond.
                at: now + 1 + reply.delay * copy,
                id: reply.of === "id" || reply.of === "both" ? got.id : "unknown",
                upTo: reply.of === "upTo" || reply.of === "both" ? { conversationID, seq } : undefined
              })
            }
          }
          yield* TestClock.adjust(1)
          yield* settle
        }
        assert.deepStrictEqual(frames.map(brief), reference.sent)
        seen.run()
        const count = (pattern: RegExp) => reference.sent.filter((text) => pattern.test(text)).length
        const ends = [...reference.ended.values()]
        seen.saw("acknowledged", ends.includes("acknowledged"))
        seen.saw("repeated once", count(/again 1/) > 0)
        seen.saw("repeated twice", count(/again 2/) > 0)
        seen.saw("given up for sync", ends.includes("left out"))
        seen.saw("the conversations that do not fit", count(/sync others/) > 0)
        seen.saw("more pushes than may wait", ends.length > count(/again 0/))
        seen.saw("told again after a sync", count(/^sync \d/) > 1)
        assert.strictEqual(reference.ended.size, ackMode === "none" ? 0 : pushes.length)
        // The conversations of a `sync.required` stay until the client asks; nothing else does.
        connection.tell({ _tag: "FrameReceived", frame: frame({ method: "conversation.history" }) })
        yield* settle
        assert.strictEqual(actor["state"].outbound, noneUnacked)
        // The operator sees what did not go smoothly.
        const counted = (failure: AckFailure) => failures.filter((counted) => counted === failure).length
        assert.strictEqual(counted("SyncRequired"), reference.sent.filter((text) => text.startsWith("sync")).length)
        assert.strictEqual(counted("PushRepeated"), reference.sent.filter((text) => /again [12]$/.test(text)).length)
      }).pipe(Effect.provide(layer(limits, "multi", (failure) => failures.push(failure))))
    },
    { arbitrary: { runs: 1_000 } }
  )
  seen.check()
})
