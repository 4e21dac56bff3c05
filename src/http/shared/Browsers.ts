/** The headers that browsers need from every route (protocol.md section 2.1). */
import { Effect, Layer } from "effect"
import { HttpMiddleware, HttpRouter, HttpServerResponse } from "effect/http"
import { Settings } from "../../layers/settings/Settings.ts"

/** How long a browser may remember the answer to a preflight, in seconds: two hours, the most that Chromium takes. */
const preflightSeconds = 7_200

/** Pages of the allowed origins may read responses. Without a list browsers keep to their rule: the server's own pages. */
const crossOrigin = Layer.unwrap(
  Effect.map(Settings, ({ allowedOrigins }) =>
    allowedOrigins.length === 0
      ? Layer.empty
      : HttpRouter.middleware(
          HttpMiddleware.cors({
            allowedOrigins: (origin) => allowedOrigins.includes("*") || allowedOrigins.includes(origin),
            allowedMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
            allowedHeaders: ["authorization", "content-type"],
            exposedHeaders: ["retry-after"],
            maxAge: preflightSeconds
          }),
          { global: true }
        )
  )
)

/** Responses are what their content type says; only documents may be kept, and never tokens or messages. */
const protective = HttpRouter.middleware(
  (handler) =>
    Effect.map(handler, (response) =>
      HttpServerResponse.setHeaders(response, {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        ...(response.headers["cache-control"] === undefined ? { "cache-control": "no-store" } : {})
      })
    ),
  { global: true }
)

export const layer = Layer.mergeAll(crossOrigin, protective)
