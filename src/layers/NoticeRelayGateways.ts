/** {@link NoticeRelay} to every gateway that the settings name; to nobody where they name none. */
import { Effect, Layer, Queue } from "effect"
import { Auth } from "../domain/Auth.ts"
import { Ids } from "../domain/Ids.ts"
import { methods } from "../domain/Methods.ts"
import { type Notice, NoticeRelay, noticesMax } from "../domain/Notice.ts"
import { makeGatewayLink } from "./GatewayLink.ts"
import { Settings } from "./Settings.ts"

/** Notices that wait for a gateway; past that the oldest is forgotten. */
const waitingMax = 10_000

/** Brings what waits for one gateway there, a frame at a time. What a gateway does not take is forgotten. */
const makeWay = Effect.fnUntraced(function* (url: string, gateway: string, auth: Auth["Service"]) {
  const queue = yield* Queue.sliding<Notice>(waitingMax)
  const link = yield* makeGatewayLink(url, auth, () => Effect.void)
  const bring = Effect.flatMap(Queue.takeBetween(queue, 1, noticesMax), (notices) =>
    Effect.ignore(link.call(methods.notices, { gateway, notices }))
  )
  yield* Effect.forkScoped(Effect.forever(bring))
  return queue
})

export const layer = Layer.effect(
  NoticeRelay,
  Effect.gen(function* () {
    const { gatewayUrls } = yield* Settings
    const auth = yield* Auth
    const own = (yield* Ids).uniqueId()
    const ways = yield* Effect.forEach(gatewayUrls, (url) => makeWay(url, own, auth))
    return NoticeRelay.of({
      relay: (notice) => {
        for (const queue of ways) Queue.offerUnsafe(queue, notice)
      },
      isOwn: (gateway) => gateway === own
    })
  })
)
