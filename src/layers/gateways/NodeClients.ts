/**
 * One RPC client for each gateway that the settings name, shared by all calls of this process to it. A call is one HTTP
 * request with a token of its own: there is no connection to keep alive, and no token that can expire on it.
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Context, Data, Effect, Layer } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { RpcClient, RpcSerialization } from "effect/rpc"
import { Auth } from "../../domain/accounts/Auth.ts"
import { NodeRpcs } from "../../domain/cluster/NodeRpc.ts"
import { Settings } from "../settings/Settings.ts"

/** The path of the node protocol on the internal listener. */
export const nodesPath = "/nodes"

/** A call without a response within this time is lost: it may have taken effect or not. */
const callMillis = 4_000

/** A failed call, because of the network or the other node. It may have taken effect. */
export class CallLost extends Data.TaggedError("CallLost")<{ readonly cause: unknown }> {}

type Call = Effect.Effect<void, CallLost>

export interface NodeClient {
  readonly url: string
  readonly deliver: (payload: DeliverPayload) => Call
  readonly resync: Call
  readonly relayEvents: (payload: RelayEventsPayload) => Call
  readonly revokeSessions: (payload: RevokeSessionsPayload) => Call
}

type Client = RpcClient.FromGroup<typeof NodeRpcs>
type DeliverPayload = Parameters<Client["Deliver"]>[0]
type RelayEventsPayload = Parameters<Client["RelayEvents"]>[0]
type RevokeSessionsPayload = Parameters<Client["RevokeSessions"]>[0]

const makeClient = Effect.fnUntraced(function* (url: string, auth: Auth["Service"]) {
  const protocol = RpcClient.layerProtocolHttp({
    url: `${url}${nodesPath}`,
    transformClient: HttpClient.mapRequestEffect((request) =>
      Effect.map(auth.issueInternal("system"), (token) => HttpClientRequest.bearerToken(request, token))
    )
  })
  const client = yield* RpcClient.make(NodeRpcs).pipe(Effect.provide(yield* Layer.build(protocol)))
  const call = (response: Effect.Effect<void, unknown>): Call =>
    response.pipe(
      Effect.timeout(callMillis),
      Effect.mapError((cause) => new CallLost({ cause })),
      // Something else may listen there, whose response cannot be decoded.
      Effect.catchDefect((cause) => Effect.fail(new CallLost({ cause })))
    )
  const node: NodeClient = {
    url,
    deliver: (payload) => call(client.Deliver(payload)),
    resync: call(client.Resync()),
    relayEvents: (payload) => call(client.RelayEvents(payload)),
    revokeSessions: (payload) => call(client.RevokeSessions(payload))
  }
  return node
})

export class NodeClients extends Context.Service<NodeClients, ReadonlyArray<NodeClient>>()(
  "fiberchat/layers/NodeClients"
) {
  static readonly layer = Layer.effect(
    NodeClients,
    Effect.gen(function* () {
      const { gatewayUrls } = yield* Settings
      const auth = yield* Auth
      return yield* Effect.forEach(gatewayUrls, (url) => makeClient(url, auth))
    })
  ).pipe(Layer.provide([NodeHttpClient.layerNodeHttpOptions({ keepAlive: true }), RpcSerialization.layerNdjson]))
}
