/** The internal listener: other nodes, services and monitoring. Clients have no business here. */
import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { ByteSize, Context, Effect, Layer } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServer } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { RpcSerialization } from "effect/rpc"
import { NodeRpcs } from "../../domain/cluster/NodeRpc.ts"
import { nodesPath } from "../../layers/gateways/NodeClients.ts"
import { Settings } from "../../layers/settings/Settings.ts"
import { InternalApi } from "../api/Api.ts"
import * as ErrorEnvelope from "../api/ErrorEnvelope.ts"
import * as HealthHandlers from "../api/handlers/HealthHandlers.ts"
import * as AccountRpcHandlers from "../rpc/AccountRpcHandlers.ts"
import * as ConversationRpcHandlers from "../rpc/ConversationRpcHandlers.ts"
import * as GroupRpcHandlers from "../rpc/GroupRpcHandlers.ts"
import * as RpcTransports from "../rpc/RpcTransports.ts"
import { ServiceRpcs } from "../rpc/ServiceRpc.ts"
import { cannotServe } from "../shared/cannotServe.ts"
import { bodyBytesMax, rpcPath, serverOptions, socketOptions } from "../shared/SharedServer.ts"
import * as NodeHandlers from "./NodeHandlers.ts"
import { nodesOnly, servicesOnly } from "./TokenGuard.ts"

/** Bytes of one call between nodes: a whole batch of outcomes. */
const nodeBodyBytesMax = 1024 * 1024

/** The address of the internal listener, `http://host:port`. */
export class InternalAddress extends Context.Service<InternalAddress, string>()("fiberchat/http/InternalAddress") {}

const monitoring = Layer.mergeAll(
  HttpApiBuilder.layer(InternalApi).pipe(Layer.provide(HealthHandlers.layerInternal)),
  PrometheusMetrics.layerHttp()
)

const services = Layer.mergeAll(RpcTransports.layerHttp(ServiceRpcs), RpcTransports.layerWebSocket(ServiceRpcs)).pipe(
  Layer.provide([AccountRpcHandlers.layer, ConversationRpcHandlers.layer, GroupRpcHandlers.layer]),
  Layer.provide(servicesOnly),
  Layer.provide(RpcSerialization.layerNdjsonWith({ maxBufferSize: bodyBytesMax }))
)

const largeBodies = HttpRouter.middleware((handler) =>
  Effect.provideService(handler, HttpIncomingMessage.MaxBodySize, ByteSize.bytes(nodeBodyBytesMax))
).layer

const nodes = RpcTransports.layerHttp(NodeRpcs, nodesPath).pipe(
  Layer.provide(NodeHandlers.layer),
  Layer.provide(largeBodies),
  Layer.provide(nodesOnly),
  Layer.provide(RpcSerialization.layerNdjsonWith({ maxBufferSize: nodeBodyBytesMax }))
)

const listening = Layer.unwrap(
  Effect.map(Settings, ({ internalHost: host, internalPort: port }) =>
    NodeHttpServer.layer(() => createServer(serverOptions(rpcPath)), {
      host,
      port,
      gracefulShutdownTimeout: "3 seconds",
      websocket: { ...socketOptions, maxPayload: bodyBytesMax }
    }).pipe(cannotServe("CHAT_INTERNAL_HOST, CHAT_INTERNAL_PORT"))
  )
)

const address = Layer.effect(
  InternalAddress,
  Effect.gen(function* () {
    const url = HttpServer.formatAddress((yield* HttpServer.HttpServer).address)
    yield* Effect.logInfo(`Internal listener on ${url.replace("http://", "")}`)
    return url
  })
)

const serve = <A, E, R>(routes: Layer.Layer<A, E, R>, options: { readonly disableListenLog: boolean }) =>
  address.pipe(
    // Its router stays its own: a router that reaches the context of the public listener would be shared.
    Layer.provide(
      HttpRouter.serve(routes.pipe(Layer.provide(ErrorEnvelope.layer)), { disableLogger: true, ...options })
    ),
    Layer.provide(listening)
  )

/** Of a process with connections. */
export const layer = serve(Layer.mergeAll(monitoring, services, nodes), { disableListenLog: true })

/** Of a worker, whose only listener it is: health and metrics. */
export const layerWorker = serve(monitoring, { disableListenLog: false })
