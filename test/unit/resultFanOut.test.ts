/** Outcomes on their way from a worker to gateways, of which one is away again and again (docs/decisions/0006). */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Metric } from "effect"
import { TestClock } from "effect/testing"
import { type AppendOutcome, appendOutcome, ResultFanOut } from "../../src/domain/cluster/AppendOutcome.ts"
import { DeliveryGaps } from "../../src/domain/cluster/DeliveryGaps.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import type { MessageId } from "../../src/domain/shared/Ids.ts"
import { CallLost, type NodeClient, NodeClients } from "../../src/layers/gateways/NodeClients.ts"
import * as ResultFanOutNodes from "../../src/layers/gateways/ResultFanOutNodes.ts"
import { message, settle } from "../support/ActorHarness.ts"
import { draft } from "../support/Drafts.ts"

class Gateway {
  isThere = true
  /** Takes everything, and never answers. */
  isSilent = false
  resyncs = 0
  readonly delivered: Array<string> = []
  /** The wait before the response to a call of resync. */
  answering: Effect.Effect<void> = Effect.void
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  get client(): NodeClient {
    const lost = Effect.fail(new CallLost({ cause: "away" }))
    return {
      url: this.url,
      deliver: ({ outcomes }) =>
        Effect.suspend(() => {
          if (this.isSilent) return Effect.never
          if (!this.isThere) return lost
          for (const { draftId } of outcomes) this.delivered.push(draftId)
          return Effect.void
        }),
      resync: Effect.suspend(() => {
        if (this.isSilent) return Effect.never
        if (!this.isThere) return lost
        this.resyncs += 1
        return this.answering
      }),
      relayEvents: () => Effect.void,
      revokeSessions: () => Effect.void
    }
  }
}

const outcomeOf = (id: string): AppendOutcome =>
  appendOutcome({ ...draft("1", "2", id), messageId: id as MessageId }, { _tag: "Stored", message: message(1) })

/** Lets time pass, and everybody do what is due. */
const pass = Effect.fnUntraced(function* (millis: number) {
  for (let passed = 0; passed < millis; passed += 50) {
    yield* TestClock.adjust(50)
    yield* settle
  }
})

/** Gaps as the store keeps them, whichever worker has opened them. */
class Gaps {
  readonly marks = new Map<string, string>()
  isAway = false
  private count = 0

  get service(): DeliveryGaps["Service"] {
    const inStore = <A>(use: () => A) =>
      Effect.suspend(() => (this.isAway ? Effect.fail(failure("DatabaseError")) : Effect.sync(use)))
    return {
      open: (gateway) =>
        inStore(() => {
          this.count += 1
          this.marks.set(gateway, String(this.count))
        }),
      list: inStore(() => [...this.marks].map(([gateway, mark]) => ({ gateway, mark }))),
      close: ({ gateway, mark }) =>
        inStore(() => {
          if (this.marks.get(gateway) === mark) this.marks.delete(gateway)
        })
    }
  }
}

const startWorker = Effect.fnUntraced(function* (gaps: Gaps, ...gateways: ReadonlyArray<Gateway>) {
  const nodes = Layer.succeed(
    NodeClients,
    gateways.map(({ client }) => client)
  )
  const kept = Layer.succeed(DeliveryGaps, gaps.service)
  const context = yield* Layer.build(ResultFanOutNodes.layer.pipe(Layer.provide([nodes, kept])))
  const { fanOut } = yield* Effect.provide(ResultFanOut, context)
  yield* settle
  return (...ids: ReadonlyArray<string>) => fanOut(ids.map(outcomeOf))
})

const begin = Effect.gen(function* () {
  const [near, far, gaps] = [new Gateway("http://near"), new Gateway("http://far"), new Gaps()]
  return { near, far, gaps, fanOut: yield* startWorker(gaps, near, far) }
})

const skippedSoFar = Effect.map(Metric.value(ResultFanOutNodes.skipped), ({ count }) => Number(count))

describe("outcomes for gateways", () => {
  it.effect("are brought to each of them, in their order; nobody has to sync for it", () =>
    Effect.gen(function* () {
      const { near, far, fanOut } = yield* begin
      yield* fanOut("1", "2")
      yield* fanOut("3")
      for (const { delivered, resyncs } of [near, far])
        assert.deepStrictEqual([delivered, resyncs], [["1", "2", "3"], 0])
    }).pipe(Effect.scoped)
  )

  it.effect("wait 3 s for one that is away, and no longer while it stays away; each skipped one is counted", () =>
    Effect.gen(function* () {
      const { near, far, fanOut } = yield* begin
      for (let round = 0; round < 3; round += 1) {
        const before = yield* skippedSoFar
        const { resyncs } = far
        far.isThere = false
        const bringing = yield* Effect.forkScoped(fanOut(`${round} a`, `${round} b`))
        yield* pass(2_900)
        assert.isUndefined(bringing.pollUnsafe(), `round ${round}`)
        // The last wait before another try is 300 ms at most.
        yield* pass(500)
        assert.isDefined(bringing.pollUnsafe(), `round ${round}`)
        yield* fanOut(`${round} c`)
        assert.strictEqual((yield* skippedSoFar) - before, 3)
        far.isThere = true
        yield* pass(4_000)
        assert.isAbove(far.resyncs, resyncs, `round ${round}`)
        yield* fanOut(`${round} d`)
      }
      const all = (kinds: string) => [0, 1, 2].flatMap((round) => [...kinds].map((kind) => `${round} ${kind}`))
      assert.deepStrictEqual(near.delivered, all("abcd"))
      assert.deepStrictEqual(far.delivered, all("d"))
    }).pipe(Effect.scoped)
  )

  it.effect("are covered by a call to resync that begins after they were skipped, not by one under way", () =>
    Effect.gen(function* () {
      const { far, fanOut } = yield* begin
      far.isThere = false
      const bringing = yield* Effect.forkScoped(fanOut("a"))
      yield* pass(5_600)
      assert.isDefined(bringing.pollUnsafe())
      const answered = yield* Deferred.make<void>()
      far.answering = Deferred.await(answered)
      far.isThere = true
      yield* pass(3_000)
      // The clients are told to sync by now; the worker does not know it yet, and skips what is stored meanwhile.
      yield* fanOut("b")
      const { resyncs } = far
      far.answering = Effect.void
      yield* Deferred.succeed(answered, undefined)
      yield* pass(3_000)
      assert.strictEqual(far.resyncs, resyncs + 1)
      yield* fanOut("c")
      assert.deepStrictEqual(far.delivered, ["c"])
    }).pipe(Effect.scoped)
  )

  it.effect("that a worker has skipped are told of by another one, when the first has ended for good", () =>
    Effect.gen(function* () {
      const [near, far, gaps] = [new Gateway("http://near"), new Gateway("http://far"), new Gaps()]
      // It runs all the time, and has skipped nothing itself.
      const other = yield* startWorker(gaps, near, far)
      far.isThere = false
      yield* Effect.scoped(
        Effect.gen(function* () {
          const fanOut = yield* startWorker(gaps, near, far)
          const bringing = yield* Effect.forkScoped(fanOut("a"))
          yield* pass(3_500)
          assert.isDefined(bringing.pollUnsafe())
        })
      )
      yield* pass(2_000)
      assert.strictEqual(far.resyncs, 0)
      far.isThere = true
      yield* pass(2_000)
      assert.deepStrictEqual([near.resyncs, far.resyncs], [0, 1])
      yield* other("b")
      yield* pass(2_000)
      assert.deepStrictEqual([far.delivered, far.resyncs], [["b"], 1])
    }).pipe(Effect.scoped)
  )

  it.effect("are not done with before their gap is kept, however long the store is away", () =>
    Effect.gen(function* () {
      const { far, gaps, fanOut } = yield* begin
      far.isThere = false
      gaps.isAway = true
      const bringing = yield* Effect.forkScoped(fanOut("a"))
      yield* pass(20_000)
      assert.isUndefined(bringing.pollUnsafe())
      gaps.isAway = false
      yield* pass(3_000)
      assert.isDefined(bringing.pollUnsafe())
      far.isThere = true
      yield* pass(2_000)
      assert.strictEqual(far.resyncs, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("wait for no longer than 3 s for one that takes them and never answers", () =>
    Effect.gen(function* () {
      const { far, fanOut } = yield* begin
      far.isSilent = true
      const bringing = yield* Effect.forkScoped(fanOut("a"))
      yield* pass(3_100)
      assert.isDefined(bringing.pollUnsafe())
      const next = yield* Effect.forkScoped(fanOut("b"))
      yield* pass(100)
      assert.isDefined(next.pollUnsafe())
    }).pipe(Effect.scoped)
  )
})
