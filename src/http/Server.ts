/** The public listener, for clients: the HTTP API with its page, and the chat socket. */
import { NodeHttpServer, NodeHttpServerRequest } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { HttpApiBuilder, HttpApiScalar } from "effect/http-api"
import { Connections } from "../actors/connections/Connections.ts"
import { Accounts } from "../domain/services/Accounts.ts"
import { ConversationService } from "../domain/services/ConversationService.ts"
import { GroupService } from "../domain/services/GroupService.ts"
import { MessageSender } from "../domain/services/MessageSender.ts"
import { failure } from "../domain/shared/Failure.ts"
import { Settings } from "../layers/settings/Settings.ts"
import { Api } from "./api/Api.ts"
import * as ErrorEnvelope from "./api/ErrorEnvelope.ts"
import * as AccountHandlers from "./api/handlers/AccountHandlers.ts"
import * as AuthorizationBearer from "./api/handlers/AuthorizationBearer.ts"
import * as ContactHandlers from "./api/handlers/ContactHandlers.ts"
import * as ConversationHandlers from "./api/handlers/ConversationHandlers.ts"
import * as GroupHandlers from "./api/handlers/GroupHandlers.ts"
import * as HealthHandlers from "./api/handlers/HealthHandlers.ts"
import * as Utf8Bodies from "./api/Utf8Bodies.ts"
import { Admission } from "./chat/Admission.ts"
import * as AsyncApi from "./chat/AsyncApi.ts"
import * as ChatMethods from "./chat/ChatMethods.ts"
import * as Gateway from "./chat/Gateway.ts"
import { answerBadRequests } from "./chat/RawResponse.ts"
import * as InternalServer from "./internal/InternalServer.ts"
import * as Browsers from "./shared/Browsers.ts"
import { cannotServe } from "./shared/cannotServe.ts"
import * as Documents from "./shared/Documents.ts"
import * as NetworkBudgets from "./shared/NetworkBudgets.ts"
import * as Proxies from "./shared/Proxies.ts"
import { chatPath, SharedServer } from "./shared/SharedServer.ts"

const api = HttpApiBuilder.layer(Api, { openapiPath: "/docs/openapi.json" }).pipe(
  Layer.provide([
    AccountHandlers.layer,
    ConversationHandlers.layer,
    ContactHandlers.layer,
    GroupHandlers.layer,
    HealthHandlers.layer
  ]),
  Layer.provide(Utf8Bodies.layer)
)

const docs = HttpApiScalar.layer(Api, { path: "/docs", scalar: { withDefaultFonts: false } })

/** A plain GET of the chat socket's path is refused as an upgrade would be. Upgrades never come here. */
const chatCheck = Layer.unwrap(
  Effect.map(Admission, ({ admit }) =>
    HttpRouter.add("GET", chatPath, (request) =>
      Effect.andThen(
        admit(NodeHttpServerRequest.toIncomingMessage(request)),
        Effect.fail(failure("BadParameters", { msg: "this is a WebSocket: send an upgrade request" }))
      )
    )
  )
)

/** A browser that opens the server sees what it can do. */
const home = HttpRouter.add("GET", "/", HttpServerResponse.redirect("/docs"))

const routes = Layer.mergeAll(api, docs, AsyncApi.layer, chatCheck, home).pipe(
  Layer.provide(AuthorizationBearer.layer),
  Layer.provide([Browsers.layer, ErrorEnvelope.layer, Proxies.layer, NetworkBudgets.layer, Documents.layer])
)

const listening = Layer.unwrap(
  Effect.gen(function* () {
    const { host, port } = yield* Settings
    const server = yield* SharedServer
    answerBadRequests(server)
    return NodeHttpServer.layer(() => server, { host, port, gracefulShutdownTimeout: "3 seconds" }).pipe(
      cannotServe("CHAT_HOST, CHAT_PORT")
    )
  })
)

/** Use cases that both listeners share. */
const useCases = Layer.mergeAll(Accounts.layer, ConversationService.layer, GroupService.layer).pipe(
  Layer.provideMerge(MessageSender.layer)
)

/** Serves until the layer is released; then the gateway drains first, while the server still answers. */
export const layer = Gateway.layer.pipe(
  Layer.provide(Connections.layer),
  Layer.provide(ChatMethods.layer),
  Layer.provideMerge(HttpRouter.serve(routes, { disableLogger: true })),
  Layer.provideMerge(listening),
  Layer.provide([Admission.layer, SharedServer.layer]),
  Layer.provideMerge(InternalServer.layer),
  Layer.provide(useCases)
)
