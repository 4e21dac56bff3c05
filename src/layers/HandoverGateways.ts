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
  description: "Results that a gateway was not there for; its clients find them by sync",
  incremental: true
})

export const layer = Layer.effect(
  Handover,
  Effect.gen(function* () {
    const { gatewayUrls } = yield* Settings
    const auth = yield* Auth
    const links = yield* Effect.forEach(gatewayUrls, (url) => makeGatewayLink(url, auth))

    const bring = (link: GatewayLink, results: ReadonlyArray<Outgoing>) =>
      link.call(methods.push, { results }).pipe(
        // It may have been taken: a client that gets a push twice knows it by its seq.
        Effect.retry({ while: (error) => error._tag === "LinkLost" }),
        Effect.catch((error) =>
          Effect.andThen(
            Metric.update(skipped, results.length),
            Effect.logWarning(`${results.length} results were not brought to the gateway ${link.url}`, error)
          )
        )
      )

    return Handover.of({
      handOver: (results) => {
        const frames = framesOf(results)
        return Effect.forEach(
          links,
          (link) => Effect.forEach(frames, (frame) => bring(link, frame), { discard: true }),
          {
            concurrency: "unbounded",
            discard: true
          }
        )
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
