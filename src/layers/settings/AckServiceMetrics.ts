/** {@link AckService} from the settings, with its counters among Effect's metrics. */
import { Effect, Layer, Metric } from "effect"
import { type AckFailure, AckService, ackFailures } from "../../domain/connection/AckService.ts"
import { Settings } from "./Settings.ts"

/** `fiberchat_ack_failures_total`, by the attribute `failure`. */
const counterOf = (failure: AckFailure) =>
  Metric.counter("fiberchat_ack_failures_total", {
    description: "Acks and pushes that were repeated, given up, or left to sync",
    incremental: true,
    attributes: { failure }
  })

export const layer = Layer.effect(
  AckService,
  Effect.gen(function* () {
    const { ackMode, ackLimits } = yield* Settings
    const context = yield* Effect.context<never>()
    const counters = new Map(ackFailures.map((failure) => [failure, counterOf(failure)]))
    return AckService.of({
      mode: ackMode,
      limits: ackLimits,
      count: (failure) => counters.get(failure)?.updateUnsafe(1, context)
    })
  })
)
