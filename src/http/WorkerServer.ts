/** The outside of a process without connections: health and metrics. */
import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { Settings } from "../layers/settings/Settings.ts"
import { WorkerApi } from "./api/Api.ts"
import * as ErrorEnvelope from "./api/ErrorEnvelope.ts"
import * as HealthHandlers from "./api/handlers/HealthHandlers.ts"

const routes = Layer.mergeAll(
  HttpApiBuilder.layer(WorkerApi).pipe(Layer.provide(HealthHandlers.layerWorker)),
  PrometheusMetrics.layerHttp()
).pipe(Layer.provide(ErrorEnvelope.layer))

const listening = Layer.unwrap(
  Effect.map(Settings, ({ host, port }) => NodeHttpServer.layer(createServer, { host, port }))
)

/** Serves until the layer is released. */
export const layer = HttpRouter.serve(routes, { disableLogger: true }).pipe(Layer.provideMerge(listening))
