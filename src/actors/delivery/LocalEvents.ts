/** Tells ephemeral events and revoked logins: to the connections of this node, and through {@link Peers} to the others. */
import { Context, Effect, Layer } from "effect"
import { type EphemeralEvent, EphemeralEvents } from "../../domain/cluster/EphemeralEvents.ts"
import { Peers } from "../../domain/cluster/Peers.ts"
import { SessionRevocations } from "../../domain/cluster/SessionRevocations.ts"
import { events } from "../../domain/protocol/ServerEvents.ts"
import type { ConnectionId } from "../../domain/shared/Ids.ts"
import { ConnectionRegistry } from "../connections/ConnectionRegistry.ts"
import { Delivery } from "./Delivery.ts"

export class LocalEvents extends Context.Service<
  LocalEvents,
  {
    /** Sends the frame of an event to the connections of this node that it concerns, but not to its origin. */
    readonly tell: (event: EphemeralEvent, origin?: ConnectionId) => void
  }
>()("fiberchat/actors/LocalEvents") {
  static readonly layer = Layer.effect(
    LocalEvents,
    Effect.map(Delivery, (delivery) =>
      LocalEvents.of({
        tell: (event, origin) => {
          const { conversationId, userId } = event
          switch (event._tag) {
            case "Read": {
              const { seq, onlyOwn } = event
              const frame = events.conversationRead.frame({ conversationId, userId, seq }, { from: userId })
              return delivery.notify(conversationId, frame, { userId, origin, onlyOwn })
            }
            case "Typing": {
              const frame = events.typing.frame({ conversationId, userId }, { from: userId })
              return delivery.notify(conversationId, frame, { userId, origin })
            }
          }
        }
      })
    )
  )
}

const ephemeralEvents = Layer.effect(
  EphemeralEvents,
  Effect.gen(function* () {
    const local = yield* LocalEvents
    const peers = yield* Peers
    return EphemeralEvents.of({
      publish: (event, origin) => {
        local.tell(event, origin)
        peers.relay(event)
      }
    })
  })
)

const sessionRevocations = Layer.effect(
  SessionRevocations,
  Effect.gen(function* () {
    const registry = yield* ConnectionRegistry
    const peers = yield* Peers
    return SessionRevocations.of({
      announce: (revocation) => {
        registry.logOut(revocation.userId, revocation.sessionId)
        peers.revoke(revocation)
      }
    })
  })
)

/** The ports by which use cases publish. */
export const layer = Layer.merge(ephemeralEvents, sessionRevocations).pipe(Layer.provideMerge(LocalEvents.layer))
