/** {@link AckService} from the settings, with its counters among Effect's metrics. */
import { Effect, Layer, Metric } from "effect"
import { AckService, type AckTrouble, ackTroubles } from "../../domain/connection/AckService.ts"
import { Settings } from "./Settings.ts"

/** `fiberchat_ack_troubles_total`, by the attribute `trouble`. */
const counterOf = (trouble: AckTrouble) =>
  Metric.counter("fiberchat_ack_troubles_total", {
    description: "Acks and pushes that were repeated, given up, or left to sync",
    incremental: true,
    attributes: { trouble }
  })

export const layer = Layer.effect(
  AckService,
  Effect.gen(function* () {
    const { ackMode, ackLimits } = yield* Settings
    const context = yield* Effect.context<never>()
    const counters = new Map(ackTroubles.map((trouble) => [trouble, counterOf(trouble)]))
    return AckService.of({
      mode: ackMode,
      limits: ackLimits,
      count: (trouble) => counters.get(trouble)?.updateUnsafe(1, context)
    })
  })
)
