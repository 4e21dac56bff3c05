/** {@link ResultFanOut} of a worker: to every gateway, each of which knows its own connections and the drafts that wait there. */
import { Clock, Effect, Layer, Metric } from "effect"
import { type AppendOutcome, ResultFanOut } from "../../domain/cluster/AppendOutcome.ts"
import { nodeBatchMax } from "../../domain/cluster/NodeRpc.ts"
import { monotonicMillis } from "../../domain/shared/MonotonicTime.ts"
import { backoff } from "../shared/Backoff.ts"
import { batchesOf } from "../shared/Batches.ts"
import { type CallLost, type NodeClient, NodeClients } from "./NodeClients.ts"

/** Bytes of one call at most; a gateway takes bodies up to 1 MiB. */
const callBytesMax = 900 * 1024
/** How long outcomes wait for a gateway that is not reached: then they are skipped, so that other gateways need not wait. */
const absentMillis = 3_000

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

/**
 * Delivers to one gateway. While the gateway may lack outcomes, skipped by this worker or by an earlier one, a fiber asks it
 * to resync until it answers; meanwhile outcomes are skipped at once.
 */
const makeDeliver = Effect.fnUntraced(function* (node: NodeClient) {
  const clock = yield* Clock.Clock
  let isAbsent = false
  /** Outcomes were skipped after the last call began: its clients may have synced before these were stored. */
  let hasSkippedSince = false
  const called = Effect.suspend(() => {
    hasSkippedSince = false
    return node.resync
  }).pipe(
    Effect.tapError((lost) => Effect.logDebug(`the gateway ${node.url} is not reached`, lost)),
    Effect.retry(backoff("100 millis")),
    Effect.andThen(
      Effect.sync(() => {
        isAbsent = hasSkippedSince
        return hasSkippedSince
      })
    )
  )
  const resync = called.pipe(
    Effect.repeat({ while: (isNeeded) => isNeeded }),
    Effect.andThen(Effect.logInfo(`connected to the gateway ${node.url}`))
  )
  // A new worker cannot know which outcomes the worker before it skipped.
  yield* Effect.forkScoped(resync)
  const scope = yield* Effect.scope

  const skip = (outcomes: ReadonlyArray<AppendOutcome>, why: string | CallLost) =>
    Effect.gen(function* () {
      hasSkippedSince = true
      yield* Metric.update(skipped, outcomes.length)
      yield* Effect.logWarning(`${outcomes.length} results were not brought to the gateway ${node.url}`, why)
      if (isAbsent) return
      isAbsent = true
      yield* Effect.forkIn(resync, scope)
    })

  return (outcomes: ReadonlyArray<AppendOutcome>): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (isAbsent) return skip(outcomes, "it is away")
      const endsAt = monotonicMillis(clock) + absentMillis
      // A lost call may have taken effect: a client that gets a push twice recognises it by its seq.
      return node.deliver({ outcomes }).pipe(
        Effect.retry({
          schedule: backoff("50 millis", "250 millis"),
          while: () => monotonicMillis(clock) < endsAt
        }),
        Effect.catchTag("CallLost", (lost) => skip(outcomes, lost))
      )
    })
})

export const layer = Layer.effect(
  ResultFanOut,
  Effect.gen(function* () {
    const nodes = yield* NodeClients
    const gateways = yield* Effect.forEach(nodes, makeDeliver)
    return ResultFanOut.of({
      fanOut: (outcomes) => {
        const batches = batchesOf(outcomes, bytesOf, callBytesMax, nodeBatchMax)
        return Effect.forEach(gateways, (deliver) => Effect.forEach(batches, deliver, { discard: true }), {
          concurrency: "unbounded",
          discard: true
        })
      }
    })
  })
)
