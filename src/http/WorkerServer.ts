/** The outside of a process without connections: health and metrics. */
import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { WorkerApi } from "../domain/Api.ts"
import { Settings } from "../layers/Settings.ts"
import * as ErrorEnvelope from "./ErrorEnvelope.ts"
import * as HealthHandlers from "./HealthHandlers.ts"

const routes = Layer.mergeAll(
  HttpApiBuilder.layer(WorkerApi).pipe(Layer.provide(HealthHandlers.layerWorker)),
  PrometheusMetrics.layerHttp()
).pipe(Layer.provide(ErrorEnvelope.layer))

const listening = Layer.unwrap(
  Effect.map(Settings, ({ host, port }) => NodeHttpServer.layer(createServer, { host, port }))
)

/** Serves until the layer is released. */
export const layer = HttpRouter.serve(routes, { disableLogger: true }).pipe(Layer.provideMerge(listening))
