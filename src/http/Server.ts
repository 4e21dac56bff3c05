/** The outside of the system on one port: HTTP API and its page, RPC, and the chat socket. */
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpMiddleware, HttpRouter } from "effect/http"
import { HttpApiBuilder, HttpApiScalar } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { RpcSerialization } from "effect/rpc"
import { Connections } from "../actors/Connections.ts"
import { MessageSender } from "../actors/MessageSender.ts"
import { Api } from "../domain/Api.ts"
import { ApiError } from "../domain/ErrorTable.ts"
import { ImRpcs } from "../domain/ImRpc.ts"
import { UserRpcs } from "../domain/UserRpc.ts"
import { Settings } from "../layers/Settings.ts"
import { Accounts } from "./Accounts.ts"
import * as AuthorizationBearer from "./AuthorizationBearer.ts"
import * as ChatMethods from "./ChatMethods.ts"
import * as ErrorEnvelope from "./ErrorEnvelope.ts"
import * as Gateway from "./Gateway.ts"
import * as GroupHandlers from "./GroupHandlers.ts"
import * as HealthHandlers from "./HealthHandlers.ts"
import { Im } from "./Im.ts"
import * as ImHandlers from "./ImHandlers.ts"
import * as ImRpcHandlers from "./ImRpcHandlers.ts"
import * as RpcTransports from "./RpcTransports.ts"
import { bodyBytesMax, chatPath, SharedServer, socketOptions } from "./SharedServer.ts"
import * as SocialHandlers from "./SocialHandlers.ts"
import * as UserHandlers from "./UserHandlers.ts"
import * as UserRpcHandlers from "./UserRpcHandlers.ts"

const api = HttpApiBuilder.layer(Api, { openapiPath: "/docs/openapi.json" }).pipe(
  Layer.provide([UserHandlers.layer, ImHandlers.layer, SocialHandlers.layer, GroupHandlers.layer, HealthHandlers.layer])
)

const docs = HttpApiScalar.layer(Api, { path: "/docs" })

const rpcs = UserRpcs.merge(ImRpcs)

const rpc = Layer.mergeAll(RpcTransports.layerHttp(rpcs), RpcTransports.layerWebSocket(rpcs)).pipe(
  Layer.provide([UserRpcHandlers.layer, ImRpcHandlers.layer]),
  Layer.provide(AuthorizationBearer.serviceOnly),
  Layer.provide(RpcSerialization.layerNdjsonWith({ maxBufferSize: bodyBytesMax }))
)

/** What a plain GET of the chat socket's path is told; upgrades never come here. */
const chatHint = HttpRouter.add(
  "GET",
  chatPath,
  Effect.fail(ApiError.of("BadParameters", { msg: "this is a WebSocket: send an upgrade request" }))
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
  Layer.provide([AuthorizationBearer.layer, Accounts.layer, Im.layer, MessageSender.layer]),
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
