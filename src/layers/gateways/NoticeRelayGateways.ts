/** {@link NoticeRelay} to every gateway that the settings name; to nobody where they name none. */
import { Effect, Layer, Queue } from "effect"
import { Auth } from "../../domain/accounts/Auth.ts"
import { type Notice, NoticeRelay, noticesMax } from "../../domain/cluster/Notice.ts"
import { methods } from "../../domain/connection/ClientProtocol.ts"
import { Ids } from "../../domain/shared/Ids.ts"
import { Settings } from "../settings/Settings.ts"
import { makeGatewayLink } from "./GatewayLink.ts"
import { makeLogoutQueue } from "./LogoutQueue.ts"

/** Notices of reading and typing that wait for a gateway; past that the oldest is forgotten. */
const waitingMax = 10_000
/** How much longer than a token lives a logout is kept: for clocks that differ, and tokens made a moment later. */
const marginMillis = 60_000

/**
 * Brings what is for one gateway there. Logouts and the rest share a connection and do not wait for each other: the rest
 * is tried once, a frame at a time.
 */
const makeWay = Effect.fnUntraced(function* (url: string, gateway: string) {
  const link = yield* makeGatewayLink(url, yield* Auth, () => Effect.void)
  const bring = (notices: ReadonlyArray<Notice>) => link.call(methods.notices, { gateway, notices })

  const queue = yield* Queue.sliding<Notice>(waitingMax)
  const bringNext = Effect.flatMap(Queue.takeBetween(queue, 1, noticesMax), (notices) => Effect.ignore(bring(notices)))
  yield* Effect.forkScoped(Effect.forever(bringNext))

  const { tokenTtlMillis } = yield* Settings
  const logouts = yield* makeLogoutQueue(
    (logouts) => Effect.andThen(link.connected, bring(logouts)),
    tokenTtlMillis + marginMillis
  )

  return (notice: Notice): void => {
    if (notice._tag === "LoggedOut") logouts.put(notice)
    else Queue.offerUnsafe(queue, notice)
  }
})

export const layer = Layer.effect(
  NoticeRelay,
  Effect.gen(function* () {
    const { gatewayUrls } = yield* Settings
    const own = (yield* Ids).uniqueId()
    const ways = yield* Effect.forEach(gatewayUrls, (url) => makeWay(url, own))
    return NoticeRelay.of({
      relay: (notice) => {
        for (const put of ways) put(notice)
      },
      isOwn: (gateway) => gateway === own
    })
  })
)
