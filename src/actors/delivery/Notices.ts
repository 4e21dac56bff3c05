/** Tells the connections that a notice concerns, on this node and on the others. */
import { Context, Effect, Layer } from "effect"
import { EphemeralEvents } from "../../domain/cluster/EphemeralEvents.ts"
import { type Notice, NoticeRelay } from "../../domain/cluster/Notice.ts"
import { SessionRevocations } from "../../domain/cluster/SessionRevocations.ts"
import { dataFrame } from "../../domain/connection/Frame.ts"
import type { ConnectionId } from "../../domain/shared/Ids.ts"
import { ConnectionRegistry } from "../connections/ConnectionRegistry.ts"
import { Delivery } from "./Delivery.ts"

export class Notices extends Context.Service<
  Notices,
  {
    /** Tells connections here and elsewhere, but not the one that caused it. */
    readonly tell: (notice: Notice, origin?: ConnectionId) => void
    /** Tells connections here of what another gateway has said. */
    readonly hear: (gateway: string, notices: ReadonlyArray<Notice>) => void
  }
>()("fiberchat/actors/Notices") {
  static readonly layer = Layer.effect(
    Notices,
    Effect.gen(function* () {
      const delivery = yield* Delivery
      const registry = yield* ConnectionRegistry
      const relay = yield* NoticeRelay

      const tellHere = (notice: Notice, origin: ConnectionId | undefined): void => {
        switch (notice._tag) {
          case "Read": {
            const { conversationID, userId, seq, onlyOwn } = notice
            const frame = dataFrame("", "conversation.read", userId, { conversationID, userId, seq })
            return delivery.notify(conversationID, frame, { userId, origin, onlyOwn })
          }
          case "Typing": {
            const { conversationID, userId } = notice
            const frame = dataFrame("", "typing", userId, { conversationID, userId })
            return delivery.notify(conversationID, frame, { userId, origin })
          }
          case "LoggedOut":
            return registry.logOut(notice.userId, notice.sessionId)
        }
      }

      return Notices.of({
        tell: (notice, origin) => {
          tellHere(notice, origin)
          relay.relay(notice)
        },
        hear: (gateway, notices) => {
          if (relay.isOwn(gateway)) return
          for (const notice of notices) tellHere(notice, undefined)
        }
      })
    })
  )
}

/** The ports through which use cases tell. */
export const portsLayer = Layer.mergeAll(
  Layer.effect(
    EphemeralEvents,
    Effect.map(Notices, ({ tell }) => EphemeralEvents.of({ publish: tell }))
  ),
  Layer.effect(
    SessionRevocations,
    Effect.map(Notices, ({ tell }) =>
      SessionRevocations.of({ announce: ({ userId, sessionId }) => tell({ _tag: "LoggedOut", userId, sessionId }) })
    )
  )
)
