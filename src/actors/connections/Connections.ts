/** The supervisor of this node's connection actors. */
import { Clock, Context, Effect, FiberMap, Layer, Random } from "effect"
import { StoreIdentity } from "../../domain/cluster/StoreIdentity.ts"
import { AckService } from "../../domain/connection/AckService.ts"
import { Budgets } from "../../domain/connection/Budgets.ts"
import { GatewayPolicy } from "../../domain/connection/GatewayPolicy.ts"
import { Presence } from "../../domain/contacts/Presence.ts"
import { Asker } from "../../domain/shared/Asker.ts"
import { type ConnectionId, Ids } from "../../domain/shared/Ids.ts"
import { ConnectionActor, type Node, type Opening } from "./ConnectionActor.ts"
import { type ConnectionHandle, ConnectionRegistry } from "./ConnectionRegistry.ts"
import { Deadlines } from "./Deadlines.ts"
import { Router } from "./Router.ts"
import type { Transport } from "./Transport.ts"

export class Connections extends Context.Service<
  Connections,
  {
    /** Starts the actor of an accepted socket. The socket's driver sends it the events of the socket. */
    readonly start: (opening: Opening, transport: Transport) => Effect.Effect<ConnectionHandle>
    /** Closes every connection (1001, protocol.md section 1.8) and waits until all are gone. */
    readonly drain: Effect.Effect<void>
  }
>()("fiberchat/actors/Connections") {
  static readonly layer = Layer.effect(
    Connections,
    Effect.gen(function* () {
      const { limits, drainWindowMillis } = yield* GatewayPolicy
      const registry = yield* ConnectionRegistry
      const ids = yield* Ids
      const acks = yield* AckService
      const node: Node = {
        limits: { ...limits, ...acks.limits },
        acks,
        budgets: yield* Budgets,
        registry,
        presence: yield* Presence,
        store: yield* StoreIdentity,
        deadlines: yield* Deadlines,
        router: yield* Router,
        newId: ids.uniqueId,
        clock: yield* Clock.Clock,
        dispatcher: yield* Effect.withFiber((fiber) => Effect.succeed(fiber.currentDispatcher))
      }
      const fibers = yield* FiberMap.make<ConnectionId, void, never>()

      const start = Effect.fnUntraced(function* (opening: Opening, transport: Transport) {
        const actor = new ConnectionActor(node, ids.connectionId(), opening, transport, yield* Random.next)
        actor.enter()
        yield* FiberMap.run(fibers, actor.connectionId, Effect.provideService(actor.run(), Asker, actor))
        return actor
      })

      const drain = Effect.gen(function* () {
        for (const connection of registry.all()) {
          const retryAfter = Math.round((yield* Random.next) * drainWindowMillis)
          connection.tell({ _tag: "CloseAsked", close: "GoingAway", retryAfter })
        }
        yield* FiberMap.awaitEmpty(fibers)
      })

      return Connections.of({ start, drain })
    })
  )
}
