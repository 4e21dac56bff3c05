/** The three clocks, token expiry and pings, by random scripts around the real actor (protocol.md section 1.3). */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { closeCodes } from "../../src/domain/protocol/CloseCode.ts"
import { FrameType } from "../../src/domain/protocol/Frame.ts"
import type { SessionReady } from "../../src/domain/protocol/SessionReady.ts"
import { frame, layer, message, pushOf, type Started, settle, start } from "../support/ActorHarness.ts"
import { occurrences } from "../support/Occurrences.ts"

/** Small, and not multiples of each other, so that scripts of a few steps meet every clock. */
const limits = { heartbeatIntervalMillis: 30, heartbeatGraceMillis: 5, idleTimeoutMillis: 90, maxLifetimeMillis: 260 }

const Action = Schema.Literals(["data", "noAck", "ping", "pong", "push", "ackOfPush", "ackOfNothing", "nonsense"])
type Action = typeof Action.Type
const Wait = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 45 }))
const Script = Schema.Array(Schema.Tuple([Action, Wait])).check(Schema.isBetweenLength(0, 24))
/** Which clocks are on, and after how long the token ends: 0 is never, 35 and 90 are also the ends of other clocks. */
const Setup = Schema.Struct({
  heartbeat: Schema.Boolean,
  idle: Schema.Boolean,
  lifetime: Schema.Boolean,
  token: Schema.Union([Schema.Literals([0, 35, 90]), Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 }))])
})

const perform = (action: Action, { connection }: Started, model: Model) => {
  switch (action) {
    case "data":
      return connection.tell({ _tag: "FrameReceived", frame: frame({ id: "a" }) })
    case "noAck":
      return connection.tell({ _tag: "FrameReceived", frame: frame({ frameType: FrameType.noAck }) })
    case "ping":
      return connection.tell({ _tag: "FrameReceived", frame: frame({ frameType: FrameType.ping }) })
    case "pong":
      return connection.tell({ _tag: "PeerSeen" })
    case "push":
      return connection.tell(pushOf(message(model.pushed + 1)))
    case "ackOfPush": {
      const { messageId } = message(model.acked + 1)
      return connection.tell({ _tag: "FrameReceived", frame: frame({ id: messageId, frameType: FrameType.ack }) })
    }
    case "ackOfNothing":
      return connection.tell({ _tag: "FrameReceived", frame: frame({ id: "x", frameType: FrameType.ack }) })
    case "nonsense":
      return connection.tell({ _tag: "BadFrameReceived", bad: { id: "", problem: "not JSON", size: 8 } })
  }
}

/** The clocks of protocol.md, written in another way than in the machine. */
class Model {
  heard: number
  active: number
  pushed = 0
  acked = 0
  private readonly ends: number
  private readonly setup: typeof Setup.Type
  private readonly tokenEnds: number

  constructor(now: number, maxLifetime: number, setup: typeof Setup.Type) {
    this.heard = now
    this.active = now
    this.ends = setup.lifetime ? now + maxLifetime : Number.POSITIVE_INFINITY
    this.tokenEnds = setup.token === 0 ? Number.POSITIVE_INFINITY : now + setup.token
    this.setup = setup
  }

  act(action: Action, now: number): void {
    if (action === "push") {
      this.pushed += 1
      return
    }
    this.heard = now
    const acknowledges = action === "ackOfPush" && this.acked < this.pushed
    if (acknowledges) this.acked += 1
    if (acknowledges || action === "data" || action === "noAck") this.active = now
  }

  /** When the connection closes, and with which codes it may: more than one when two clocks end together. */
  close(): { readonly at: number; readonly codes: ReadonlyArray<number> } {
    const clocks = [
      [this.setup.heartbeat ? this.heard + 35 : Number.POSITIVE_INFINITY, closeCodes.HeartbeatTimeout.code],
      [this.setup.idle ? this.active + 90 : Number.POSITIVE_INFINITY, closeCodes.IdleTimeout.code],
      [this.ends, closeCodes.LifetimeExceeded.code],
      [this.tokenEnds, closeCodes.TokenExpired.code]
    ] as const
    const at = Math.min(...clocks.map(([end]) => end))
    return { at, codes: clocks.flatMap(([end, code]) => (end === at ? [code] : [])) }
  }
}

const seen = occurrences("the clocks", {
  HeartbeatTimeout: 50,
  IdleTimeout: 20,
  LifetimeExceeded: 12,
  TokenExpired: 50,
  "two ended together": 5,
  "an ack of a push kept it open": 10,
  "no clock was on": 5
})

describe("the clocks of a connection", () => {
  it.effect.prop(
    "close it exactly when and with the code that the earliest deadline says, for any script",
    [Script, Setup],
    ([script, setup]) =>
      Effect.gen(function* () {
        seen.run()
        seen.saw("no clock was on", !setup.heartbeat && !setup.idle && !setup.lifetime && setup.token === 0)
        const opened = yield* Clock.currentTimeMillis
        const started = yield* start({
          expiresAt: setup.token === 0 ? Number.POSITIVE_INFINITY : opened + setup.token
        })
        const { transport } = started
        const ready = transport.frames[0]?.data as SessionReady
        if (setup.lifetime) assert.isTrue(ready.maxLifetime >= 234 && ready.maxLifetime <= 260)
        const model = new Model(opened, ready.maxLifetime, setup)

        // The last wait is long enough for any clock that is on.
        for (const [action, wait] of [...script, ["nonsense", 400] as const]) {
          const now = yield* Clock.currentTimeMillis
          perform(action, started, model)
          yield* settle
          const { acked } = model
          model.act(action, now)
          seen.saw("an ack of a push kept it open", setup.idle && model.acked > acked)
          yield* TestClock.adjust(wait)
          yield* settle
          const expected = model.close()
          if (expected.at <= now + wait) {
            assert.strictEqual(transport.closed?.at, expected.at)
            assert.include(expected.codes, transport.closed?.code)
            seen.saw("two ended together", expected.codes.length > 1)
            for (const name of ["HeartbeatTimeout", "IdleTimeout", "LifetimeExceeded", "TokenExpired"] as const)
              seen.saw(name, transport.closed?.code === closeCodes[name].code)
            return
          }
          assert.isUndefined(transport.closed)
        }
      }).pipe(
        Effect.provide(
          layer({
            heartbeatIntervalMillis: setup.heartbeat ? limits.heartbeatIntervalMillis : 0,
            heartbeatGraceMillis: limits.heartbeatGraceMillis,
            idleTimeoutMillis: setup.idle ? limits.idleTimeoutMillis : 0,
            maxLifetimeMillis: setup.lifetime ? limits.maxLifetimeMillis : 0,
            badFramesMax: 1_000
          })
        )
      ),
    { arbitrary: { runs: 1_000 } }
  )
  seen.check()

  it.effect("pings the peer every heartbeat interval, whatever else is going on", () =>
    Effect.gen(function* () {
      const started = yield* start()
      const model = new Model(0, 0, { heartbeat: true, idle: false, lifetime: false, token: 0 })
      for (let step = 1; step <= 20; step++) {
        perform("data", started, model)
        yield* TestClock.adjust(10)
        yield* settle
      }
      assert.deepStrictEqual(started.transport.pingTimes, [30, 60, 90, 120, 150, 180])
    }).pipe(Effect.provide(layer({ heartbeatIntervalMillis: 30, heartbeatGraceMillis: 5 })))
  )
})
