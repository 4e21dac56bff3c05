/** {@link Handover} of a worker: to every gateway, each of which knows who is connected to it and waits there. */
import { Effect, Layer, Metric } from "effect"
import { Auth } from "../../domain/accounts/Auth.ts"
import { Handover, type Outgoing, outgoingMax } from "../../domain/cluster/Handover.ts"
import { methods } from "../../domain/connection/ClientProtocol.ts"
import { Settings } from "../settings/Settings.ts"
import { backoff } from "../shared/Backoff.ts"
import { batchesOf } from "../shared/Batches.ts"
import { type GatewayLink, makeGatewayLink } from "./GatewayLink.ts"

/** Bytes of one frame at most: what a gateway takes from the system is 1 MiB. */
const frameBytesMax = 900 * 1024
/** How often a frame is brought again that may have been lost with its connection. */
const repetitions = 5

/** More than the bytes of a result as JSON: each character may be escaped. */
const bytesOf = ({ result }: Outgoing): number =>
  1_000 +
  (result._tag === "Rejected"
    ? result.error.msg.length
    : result.message.content.length + result.message.clientId.length) *
    6

const skipped = Metric.counter("fiberchat_handover_skipped_total", {
  description: "Results that a gateway was not there for; it will call on its clients to sync",
  incremental: true
})

/** A gateway, and how it gets what is handed over. */
const makeWay = Effect.fnUntraced(function* (url: string, auth: Auth["Service"]) {
  /** Whether the gateway may lack something: what was skipped, by this worker or by one that is no more. */
  let hasGap = true
  const tellOfGap = (call: GatewayLink["call"]) =>
    Effect.suspend(() => {
      if (!hasGap) return Effect.void
      hasGap = false
      return Effect.tapError(call(methods.missed, {}), () =>
        Effect.sync(() => {
          hasGap = true
        })
      )
    })
  const link = yield* makeGatewayLink(url, auth, (call) => Effect.ignore(tellOfGap(call)))

  return (results: ReadonlyArray<Outgoing>): Effect.Effect<void> =>
    Effect.andThen(tellOfGap(link.call), link.call(methods.push, { results })).pipe(
      // It may have been taken: a client that gets a push twice knows it by its seq.
      Effect.retry({ while: ({ _tag }) => _tag === "LinkLost", times: repetitions, schedule: backoff("50 millis") }),
      Effect.catch((error) => {
        hasGap = true
        return Effect.andThen(
          Metric.update(skipped, results.length),
          Effect.logWarning(`${results.length} results were not brought to the gateway ${url}`, error)
        )
      })
    )
})

export const layer = Layer.effect(
  Handover,
  Effect.gen(function* () {
    const { gatewayUrls } = yield* Settings
    const auth = yield* Auth
    const ways = yield* Effect.forEach(gatewayUrls, (url) => makeWay(url, auth))
    return Handover.of({
      handOver: (results) => {
        const frames = batchesOf(results, bytesOf, frameBytesMax, outgoingMax)
        return Effect.forEach(ways, (bring) => Effect.forEach(frames, bring, { discard: true }), {
          concurrency: "unbounded",
          discard: true
        })
      }
    })
  })
)
