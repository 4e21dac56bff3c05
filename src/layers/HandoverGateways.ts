/** {@link Handover} of a worker: to every gateway, each of which knows who is connected to it and waits there. */
import { Effect, Layer, Metric } from "effect"
import { Auth } from "../domain/Auth.ts"
import { Handover, type Outgoing, outgoingMax } from "../domain/Handover.ts"
import { methods } from "../domain/Methods.ts"
import { type GatewayLink, makeGatewayLink } from "./GatewayLink.ts"
import { Settings } from "./Settings.ts"

/** Content of one frame, in UTF-16 units: as JSON it stays within what a gateway takes from the system (1 MiB). */
const frameContentMax = 128 * 1024

const skipped = Metric.counter("fiberchat_handover_skipped_total", {
  description: "Results that a gateway was not there for; it will call on its clients to sync",
  incremental: true
})

/** A gateway, and how it gets what is handed over. */
const makeWay = Effect.fnUntraced(function* (url: string, auth: Auth["Service"]) {
  /** Whether the gateway may lack something: what was skipped, by this worker or by one that is no more. */
  let hasGap = true
  const greet = (call: GatewayLink["call"]) =>
    Effect.suspend(() => {
      if (!hasGap) return Effect.void
      hasGap = false
      return Effect.tapError(call(methods.missed, {}), () =>
        Effect.sync(() => {
          hasGap = true
        })
      )
    })
  const link = yield* makeGatewayLink(url, auth, greet)

  return (results: ReadonlyArray<Outgoing>): Effect.Effect<void> =>
    link.call(methods.push, { results }).pipe(
      // It may have been taken: a client that gets a push twice knows it by its seq.
      Effect.retry({ while: (error) => error._tag === "LinkLost" }),
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
        const frames = framesOf(results)
        return Effect.forEach(ways, (bring) => Effect.forEach(frames, bring, { discard: true }), {
          concurrency: "unbounded",
          discard: true
        })
      }
    })
  })
)

/** Cuts results into frames that are not too large. */
const framesOf = (results: ReadonlyArray<Outgoing>): ReadonlyArray<ReadonlyArray<Outgoing>> => {
  const cut: Array<Array<Outgoing>> = []
  let room = 0
  for (const outgoing of results) {
    const length = outgoing.result._tag === "Rejected" ? 0 : outgoing.result.message.content.length
    const last = cut.at(-1)
    if (last === undefined || length > room || last.length === outgoingMax) {
      cut.push([outgoing])
      room = frameContentMax - length
    } else {
      last.push(outgoing)
      room -= length
    }
  }
  return cut
}
