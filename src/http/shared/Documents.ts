/**
 * The documents under `/docs`: they do not change while the process lives, so that each is made and compressed once, and a
 * browser that has one gets it no second time.
 */
import { createHash } from "node:crypto"
import { promisify } from "node:util"
import { brotliCompress, constants, gzip } from "node:zlib"
import { Effect, Semaphore } from "effect"
import { HttpBody, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { tidyPath } from "./SharedServer.ts"

const documents: ReadonlySet<string> = new Set(["/docs", "/docs/openapi.json", "/docs/asyncapi.json"])
/** The page is built by scripts and styles within it. It loads nothing from elsewhere. */
const policy = [
  "default-src 'none'",
  "script-src 'unsafe-inline'",
  "style-src 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")
/** How long a browser need not ask again. */
const cacheSeconds = 300

interface Document {
  readonly contentType: string
  readonly etag: string
  readonly bytes: { readonly identity: Uint8Array; readonly gzip: Uint8Array; readonly br: Uint8Array }
}
type Encoding = keyof Document["bytes"]

const compressed = async (identity: Uint8Array): Promise<Document["bytes"]> => ({
  identity,
  gzip: await promisify(gzip)(identity),
  br: await promisify(brotliCompress)(identity, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })
})

const documentOf = (response: HttpServerResponse.HttpServerResponse): Effect.Effect<Document | undefined> => {
  const { body } = response
  if (response.status !== 200 || body._tag !== "Uint8Array") return Effect.succeed(undefined)
  const etag = `"${createHash("sha256").update(body.body).digest("base64url").slice(0, 22)}"`
  return Effect.map(
    Effect.promise(() => compressed(body.body)),
    (bytes) => ({ contentType: body.contentType, etag, bytes })
  )
}

/** The best encoding that a browser takes; one that it gives a weight of 0 does not count. */
const encodingFor = (accepted: string): Encoding => {
  const names = accepted
    .split(",")
    .flatMap((item) => (/;\s*q=0(?:\.0*)?\s*$/.test(item) ? [] : item.split(";")[0]?.trim()))
  return names.includes("br") ? "br" : names.includes("gzip") ? "gzip" : "identity"
}

const respond = ({ contentType, etag, bytes }: Document, request: HttpServerRequest.HttpServerRequest) => {
  const encoding = encodingFor(request.headers["accept-encoding"] ?? "")
  const headers = {
    etag,
    vary: "accept-encoding",
    "cache-control": `public, max-age=${cacheSeconds}`,
    "content-security-policy": policy,
    ...(encoding === "identity" ? {} : { "content-encoding": encoding })
  }
  return request.headers["if-none-match"] === etag
    ? HttpServerResponse.empty({ status: 304, headers })
    : HttpServerResponse.setBody(
        HttpServerResponse.empty({ status: 200, headers }),
        HttpBody.uint8Array(bytes[encoding], contentType)
      )
}

export const layer = HttpRouter.middleware(
  Effect.sync(() => {
    const kept = new Map<string, Document>()
    // All that ask for a document before it is made wait for the one that makes it.
    const making = Semaphore.makeUnsafe(1)
    return <E, R>(handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
      HttpServerRequest.HttpServerRequest.use((request) => {
        const path = tidyPath(request.url)
        if (request.method !== "GET" || !documents.has(path)) return handler
        const known = kept.get(path)
        if (known !== undefined) return Effect.succeed(respond(known, request))
        const make = Effect.flatMap(handler, (response) =>
          Effect.map(documentOf(response), (document) => {
            if (document === undefined) return response
            kept.set(path, document)
            return respond(document, request)
          })
        )
        return making.withPermit(
          Effect.suspend(() => {
            const made = kept.get(path)
            return made === undefined ? make : Effect.succeed(respond(made, request))
          })
        )
      })
  }),
  { global: true }
)
