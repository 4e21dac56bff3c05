/** The handlers of the protocol between nodes (protocol.md section 3.2). */
import { Effect } from "effect"
import { ConnectionRegistry } from "../../actors/connections/ConnectionRegistry.ts"
import { Delivery } from "../../actors/delivery/Delivery.ts"
import { LocalEvents } from "../../actors/delivery/LocalEvents.ts"
import { makeLocalFanOut } from "../../actors/delivery/LocalFanOut.ts"
import { NodeRpcs } from "../../domain/cluster/NodeRpc.ts"
import { Peers } from "../../domain/cluster/Peers.ts"

export const layer = NodeRpcs.toLayer(
  Effect.gen(function* () {
    const fanOut = yield* makeLocalFanOut
    const delivery = yield* Delivery
    const local = yield* LocalEvents
    const registry = yield* ConnectionRegistry
    const peers = yield* Peers
    return NodeRpcs.of({
      Deliver: ({ outcomes }) => Effect.sync(() => fanOut(outcomes)),
      Resync: () => Effect.sync(() => delivery.requestResync()),
      RelayEvents: ({ nodeId, events }) =>
        Effect.sync(() => {
          if (peers.isSelf(nodeId)) return
          for (const event of events) local.tell(event)
        }),
      RevokeSessions: ({ revocations }) =>
        Effect.sync(() => {
          for (const { userId, sessionId } of revocations) registry.logOut(userId, sessionId)
        })
    })
  })
)
