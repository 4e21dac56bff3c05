/** The outside of the system on one port: HTTP API and its page, RPC, and the chat socket. */
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpMiddleware, HttpRouter } from "effect/http"
import { HttpApiBuilder, HttpApiScalar } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { RpcSerialization } from "effect/rpc"
import { Connections } from "../actors/connections/Connections.ts"
import { MessageSender } from "../actors/delivery/MessageSender.ts"
import { failure } from "../domain/shared/Failure.ts"
import { Settings } from "../layers/settings/Settings.ts"
import { Accounts } from "./api/Accounts.ts"
import { Api } from "./api/Api.ts"
import { ConversationService } from "./api/ConversationService.ts"
import * as ErrorEnvelope from "./api/ErrorEnvelope.ts"
import * as AccountHandlers from "./api/handlers/AccountHandlers.ts"
import * as AuthorizationBearer from "./api/handlers/AuthorizationBearer.ts"
import * as ContactHandlers from "./api/handlers/ContactHandlers.ts"
import * as ConversationHandlers from "./api/handlers/ConversationHandlers.ts"
import * as GroupHandlers from "./api/handlers/GroupHandlers.ts"
import * as HealthHandlers from "./api/handlers/HealthHandlers.ts"
import * as ChatMethods from "./chat/ChatMethods.ts"
import * as Gateway from "./chat/Gateway.ts"
import { AccountRpcs } from "./rpc/AccountRpc.ts"
import * as AccountRpcHandlers from "./rpc/AccountRpcHandlers.ts"
import { ConversationRpcs } from "./rpc/ConversationRpc.ts"
import * as ConversationRpcHandlers from "./rpc/ConversationRpcHandlers.ts"
import * as RpcTransports from "./rpc/RpcTransports.ts"
import { bodyBytesMax, chatPath, SharedServer, socketOptions } from "./shared/SharedServer.ts"

const api = HttpApiBuilder.layer(Api, { openapiPath: "/docs/openapi.json" }).pipe(
  Layer.provide([
    AccountHandlers.layer,
    ConversationHandlers.layer,
    ContactHandlers.layer,
    GroupHandlers.layer,
    HealthHandlers.layer
  ])
)

const docs = HttpApiScalar.layer(Api, { path: "/docs" })

const rpcs = AccountRpcs.merge(ConversationRpcs)

const rpc = Layer.mergeAll(RpcTransports.layerHttp(rpcs), RpcTransports.layerWebSocket(rpcs)).pipe(
  Layer.provide([AccountRpcHandlers.layer, ConversationRpcHandlers.layer]),
  Layer.provide(AuthorizationBearer.serviceOnly),
  Layer.provide(RpcSerialization.layerNdjsonWith({ maxBufferSize: bodyBytesMax }))
)

/** What a plain GET of the chat socket's path is told; upgrades never come here. */
const chatHint = HttpRouter.add(
  "GET",
  chatPath,
  Effect.fail(failure("BadParameters", { msg: "this is a WebSocket: send an upgrade request" }))
)

/** Takes the caller's address from the proxies that the operator trusts. */
const forwarded = Layer.unwrap(
  Effect.map(Settings, ({ trustedProxies }) =>
    trustedProxies.length === 0
      ? Layer.empty
      : HttpRouter.middleware(HttpMiddleware.xForwardedHeaders({ trustedProxies }), { global: true })
  )
)

const routes = Layer.mergeAll(api, docs, rpc, chatHint, PrometheusMetrics.layerHttp()).pipe(
  Layer.provide([AuthorizationBearer.layer, Accounts.layer, ConversationService.layer, MessageSender.layer]),
  Layer.provide([ErrorEnvelope.layer, forwarded])
)

const listening = Layer.unwrap(
  Effect.gen(function* () {
    const { host, port } = yield* Settings
    const server = yield* SharedServer
    return NodeHttpServer.layer(() => server, {
      host,
      port,
      gracefulShutdownTimeout: "3 seconds",
      websocket: { ...socketOptions, maxPayload: bodyBytesMax }
    })
  })
)

/** Serves until the layer is released; then the gateway drains first, while the server still answers. */
export const layer = Gateway.layer.pipe(
  Layer.provide(Connections.layer),
  Layer.provide(ChatMethods.layer),
  Layer.provideMerge(HttpRouter.serve(routes, { disableLogger: true })),
  Layer.provideMerge(listening),
  Layer.provide(SharedServer.layer)
)
