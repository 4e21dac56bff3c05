/**
 * Revoked logins on their way to one gateway (protocol.md section 2.2): kept, in order, and sent until the gateway has
 * acknowledged them.
 */
import { Clock, Effect, Metric, Queue, type Scope } from "effect"
import { nodeBatchMax } from "../../domain/cluster/NodeRpc.ts"
import type { SessionRevocation } from "../../domain/cluster/SessionRevocations.ts"
import { monotonicMillis } from "../../domain/shared/MonotonicTime.ts"
import { backoff } from "../shared/Backoff.ts"

/** Revocations that wait for a gateway, those of the call in flight not counted; past that the oldest is dropped. */
export const revocationsMax = 50_000

export interface RevocationQueue {
  /** Keeps a revocation, without waiting. */
  readonly put: (revocation: SessionRevocation) => void
}

export const dropped = Metric.counter("fiberchat_revocations_dropped_total", {
  description: "Revoked logins that were dropped because too many waited for a gateway",
  incremental: true
})

/**
 * Calls `send` with up to {@link nodeBatchMax} at a time until the scope ends; after a failure again, at most 2.4 s later.
 * A revocation that has waited for `keptMillis` is dropped: the tokens of its login have expired by then.
 */
export const makeRevocationQueue = <E>(
  send: (revocations: ReadonlyArray<SessionRevocation>) => Effect.Effect<void, E>,
  keptMillis: number
): Effect.Effect<RevocationQueue, never, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<never>()
    const clock = yield* Clock.Clock
    const queue = yield* Queue.sliding<{ readonly revocation: SessionRevocation; readonly endsAt: number }>(
      revocationsMax
    )

    const sendNext = Effect.gen(function* () {
      const next = yield* Queue.takeBetween(queue, 1, nodeBatchMax)
      const restMillis = Math.max(...next.map(({ endsAt }) => endsAt)) - monotonicMillis(clock)
      if (restMillis <= 0) return
      yield* send(next.map(({ revocation }) => revocation)).pipe(
        Effect.tapError((error) => Effect.logWarning(`${next.length} logouts will be sent again`, error)),
        Effect.retry(backoff("100 millis")),
        Effect.timeoutOption(restMillis)
      )
    })
    yield* Effect.forkScoped(Effect.forever(sendNext))

    return {
      put: (revocation) => {
        if (Queue.isFullUnsafe(queue)) dropped.updateUnsafe(1, context)
        Queue.offerUnsafe(queue, { revocation, endsAt: monotonicMillis(clock) + keptMillis })
      }
    }
  })
