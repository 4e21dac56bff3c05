/**
 * Refuses bodies that are compressed, and those that are not UTF-8, whose decoding would replace what cannot be read
 * (protocol.md section 2.1).
 */
import { isUtf8 } from "node:buffer"
import { Effect } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { failure } from "../../domain/shared/Failure.ts"

const encoded = failure("UnsupportedMediaType", { msg: "bodies are not compressed: no content-encoding" })
const notUtf8 = failure("BadParameters", { msg: "the body is not UTF-8" })

/** Its failures go past the endpoints to the envelope, as all do that no endpoint declares. */
export const layer = HttpRouter.middleware((handler) =>
  HttpServerRequest.HttpServerRequest.use((request) =>
    request.method === "GET"
      ? handler
      : (request.headers["content-encoding"] ?? "identity") !== "identity"
        ? Effect.die(encoded)
        : Effect.orDie(request.arrayBuffer).pipe(
            Effect.flatMap((bytes) => (isUtf8(bytes) ? handler : Effect.die(notUtf8)))
          )
  )
).layer
