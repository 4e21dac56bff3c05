/** {@link ResultFanOut} of a worker: to every gateway, each of which knows its own connections and the drafts that wait there. */
import { Clock, Effect, Layer, Metric } from "effect"
import { type AppendOutcome, ResultFanOut } from "../../domain/cluster/AppendOutcome.ts"
import { type DeliveryGap, DeliveryGaps } from "../../domain/cluster/DeliveryGaps.ts"
import { nodeBatchMax } from "../../domain/cluster/NodeRpc.ts"
import { monotonicMillis } from "../../domain/shared/MonotonicTime.ts"
import { backoff } from "../shared/Backoff.ts"
import { batchesOf } from "../shared/Batches.ts"
import { type NodeClient, NodeClients } from "./NodeClients.ts"

/** Bytes of one call at most; a gateway takes bodies up to 1 MiB. */
const callBytesMax = 900 * 1024
/** How long outcomes wait for a gateway that is not reached: then they are skipped, so that other gateways need not wait. */
const absentMillis = 3_000
/** How often workers look for gaps, their own and those of workers that have ended. */
const lookMillis = 1_000

/** More than the bytes of an outcome as JSON: each character may be escaped. */
const bytesOf = ({ result }: AppendOutcome): number =>
  1_000 +
  (result._tag === "Rejected"
    ? result.error.msg.length
    : result.message.content.length + result.message.clientId.length) *
    6

export const skipped = Metric.counter("fiberchat_fan_out_skipped_total", {
  description: "Results that could not be delivered to a gateway; its clients will sync",
  incremental: true
})

/** Whether a gateway is skipped at once: it was, and has not been told yet. */
interface Way {
  readonly node: NodeClient
  isAbsent: boolean
}

export const layer = Layer.effect(
  ResultFanOut,
  Effect.gen(function* () {
    const nodes = yield* NodeClients
    const gaps = yield* DeliveryGaps
    const clock = yield* Clock.Clock
    const ways: ReadonlyArray<Way> = nodes.map((node) => ({ node, isAbsent: false }))

    /** Returns when the gap is durable: from then on any worker tells it, and the drafts need not be read again. */
    const skip = Effect.fnUntraced(function* (way: Way, outcomes: ReadonlyArray<AppendOutcome>, why: unknown) {
      way.isAbsent = true
      yield* Metric.update(skipped, outcomes.length)
      yield* Effect.logWarning(`${outcomes.length} results were not brought to the gateway ${way.node.url}`, why)
      yield* gaps.open(way.node.url).pipe(
        Effect.tapError((error) => Effect.logWarning("a gap cannot be kept, trying again", error)),
        Effect.retry(backoff("100 millis")),
        Effect.orDie
      )
    })

    const deliver = (way: Way, outcomes: ReadonlyArray<AppendOutcome>): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (way.isAbsent) return skip(way, outcomes, "it is away")
        const endsAt = monotonicMillis(clock) + absentMillis
        // A lost call may have taken effect: a client that gets a push twice recognises it by its seq.
        return way.node.deliver({ outcomes }).pipe(
          Effect.retry({
            schedule: backoff("50 millis", "250 millis"),
            while: () => monotonicMillis(clock) < endsAt
          }),
          Effect.timeout(absentMillis),
          Effect.catch((lost) => skip(way, outcomes, lost))
        )
      })

    /**
     * Tells a gateway of its gap. What is skipped from here on opens it again, with another mark: the gateway's clients may
     * have synced before that was stored.
     */
    const tell = Effect.fnUntraced(function* (way: Way, gap: DeliveryGap) {
      yield* way.node.resync
      way.isAbsent = false
      yield* gaps.close(gap)
      yield* Effect.logInfo(`the gateway ${gap.gateway} is reached, and has its clients sync`)
    })

    const look = Effect.gen(function* () {
      const open = yield* gaps.list
      const told = ways.flatMap((way) => {
        const gap = open.find(({ gateway }) => gateway === way.node.url)
        // Another worker has told it.
        if (gap === undefined) way.isAbsent = false
        return gap === undefined ? [] : [tell(way, gap)]
      })
      const quietly = told.map(Effect.catch((lost) => Effect.logDebug("a gateway is not reached", lost)))
      yield* Effect.all(quietly, { concurrency: "unbounded", discard: true })
    }).pipe(Effect.catch((error) => Effect.logWarning("gaps cannot be looked for, trying again", error)))
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(look, Effect.sleep(lookMillis))))

    return ResultFanOut.of({
      fanOut: (outcomes) => {
        const batches = batchesOf(outcomes, bytesOf, callBytesMax, nodeBatchMax)
        return Effect.forEach(
          ways,
          (way) => Effect.forEach(batches, (batch) => deliver(way, batch), { discard: true }),
          {
            concurrency: "unbounded",
            discard: true
          }
        )
      }
    })
  })
)
