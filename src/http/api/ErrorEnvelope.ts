/** Every failure that no endpoint has answered gets the envelope and its number (protocol.md sections 2.1 and 2.3). */
import { ByteSize, Cause, Effect } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApi, HttpApiError } from "effect/http-api"
import { type AnyFailure, failure, isFailure } from "../../domain/shared/Failure.ts"
import { bodyBytesMax } from "../shared/SharedServer.ts"
import { Api } from "./Api.ts"
import { failureBody, retryHeaders } from "./Envelope.ts"

/** The methods that each path of the API has. */
const methodsByPath: ReadonlyMap<string, ReadonlyArray<string>> = (() => {
  const methods = new Map<string, Array<string>>()
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint }) => {
      methods.set(endpoint.path, [...(methods.get(endpoint.path) ?? []), endpoint.method])
    }
  })
  return methods
})()

const respond = (error: AnyFailure, headers: Record<string, string> = {}): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(failureBody(error), {
    status: error.status,
    headers: { ...retryHeaders(error), ...headers }
  })

/** Answers without an envelope come from Effect's HTTP layer: an unsupported content type, an unknown upgrade. */
const isBare = (response: HttpServerResponse.HttpServerResponse): boolean =>
  response.status >= 400 && response.headers["content-type"] !== "application/json"

const notFound = (request: HttpServerRequest.HttpServerRequest) => {
  const allowed = methodsByPath.get(request.url.split("?", 1)[0] ?? "")
  return allowed === undefined
    ? respond(failure("NotFound"))
    : respond(failure("MethodNotAllowed"), { allow: allowed.join(", ") })
}

/** The response to an expected failure; `undefined` for a defect. */
const responseTo = (cause: Cause.Cause<unknown>, request: HttpServerRequest.HttpServerRequest) => {
  for (const reason of cause.reasons) {
    const problem = reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined
    if (isFailure(problem)) return respond(problem)
    if (HttpApiError.HttpApiSchemaError.is(problem) && problem.kind !== "Body") {
      return respond(failure("BadParameters", { msg: problem.cause.message }))
    }
    if (HttpServerError.isHttpServerError(problem)) {
      if (problem.reason._tag === "RouteNotFound") return notFound(request)
      if (problem.reason._tag === "RequestParseError") {
        return problem.reason.reason === "BodyTooLarge"
          ? respond(failure("PayloadTooLarge", { msg: `a body has at most ${bodyBytesMax} bytes` }))
          : respond(failure("BadParameters", { msg: "the body cannot be read" }))
      }
    }
  }
  return undefined
}

const enveloped = <E, R>(
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
  HttpServerRequest.HttpServerRequest.use((request) =>
    handler.pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(bodyBytesMax)),
      Effect.map((response) =>
        isBare(response) ? respond(failure("UnsupportedMediaType", { msg: "unsupported content type" })) : response
      ),
      Effect.catchCause((cause) => {
        const response = responseTo(cause, request)
        if (response !== undefined) return Effect.succeed(response)
        if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
        return Effect.as(Effect.logError("a request failed unexpectedly", cause), respond(failure("ServerError")))
      })
    )
  )

export const layer = HttpRouter.middleware(enveloped, { global: true })
