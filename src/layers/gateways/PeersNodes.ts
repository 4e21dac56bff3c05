/** {@link Peers} through the gateways that the settings name. */
import { Effect, Layer, Queue } from "effect"
import type { EphemeralEvent } from "../../domain/cluster/EphemeralEvents.ts"
import { nodeBatchMax } from "../../domain/cluster/NodeRpc.ts"
import { Peers } from "../../domain/cluster/Peers.ts"
import type { SessionRevocation } from "../../domain/cluster/SessionRevocations.ts"
import { Ids } from "../../domain/shared/Ids.ts"
import { Settings } from "../settings/Settings.ts"
import { type NodeClient, NodeClients } from "./NodeClients.ts"
import { makeRevocationQueue } from "./RevocationQueue.ts"

/** Events that wait for a peer; past that the oldest is dropped. */
const eventsMax = 10_000
/** A revocation is kept so much longer than a token lives: clocks differ, and a token may be made a moment later. */
const marginMillis = 60_000

/** Events are tried once, a batch at a time; revocations are kept. Neither waits for the other. */
const makePeer = Effect.fnUntraced(function* (node: NodeClient, nodeId: string) {
  const events = yield* Queue.sliding<EphemeralEvent>(eventsMax)
  const relayNext = Effect.flatMap(Queue.takeBetween(events, 1, nodeBatchMax), (batch) =>
    Effect.catchTag(node.relayEvents({ nodeId, events: batch }), "CallLost", (lost) =>
      Effect.logDebug(`${batch.length} events were dropped for ${node.url}`, lost)
    )
  )
  yield* Effect.forkScoped(Effect.forever(relayNext))

  const { tokenTtlMillis } = yield* Settings
  const revocations = yield* makeRevocationQueue(
    (batch) => node.revokeSessions({ revocations: batch }),
    tokenTtlMillis + marginMillis
  )
  return {
    relay: (event: EphemeralEvent): void => void Queue.offerUnsafe(events, event),
    revoke: (revocation: SessionRevocation): void => revocations.put(revocation)
  }
})

export const layer = Layer.effect(
  Peers,
  Effect.gen(function* () {
    const self = (yield* Ids).uniqueId()
    const nodes = yield* NodeClients
    const peers = yield* Effect.forEach(nodes, (node) => makePeer(node, self))
    return Peers.of({
      relay: (event) => {
        for (const peer of peers) peer.relay(event)
      },
      revoke: (revocation) => {
        for (const peer of peers) peer.revoke(revocation)
      },
      isSelf: (nodeId) => nodeId === self
    })
  })
)
