/** What browsers and proxies need of the HTTP API (protocol.md section 2.1). */
import { request as rawRequest } from "node:http"
import { gzipSync } from "node:zlib"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as TestServer from "../support/TestServer.ts"
import { freshPhone, password, register, request } from "../support/Users.ts"

const live = { excludeTestServices: true }
const app = "https://app.example"

/** The status and headers of a request; `fetch` would not send an `Origin`. */
const headersOf = (method: string, path: string, headers: Record<string, string> = {}, body: string | Buffer = "") =>
  Effect.flatMap(TestServer.TestServer, ({ url }) =>
    Effect.callback<{ readonly status: number; readonly headers: NodeJS.Dict<string | string[]> }>((resume) => {
      const sent = rawRequest(new URL(path, url), { method, headers }, (response) => {
        response.resume()
        response.once("end", () =>
          resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers }))
        )
      })
      sent.end(body)
    })
  )

layer(TestServer.layer({ CHAT_ALLOWED_ORIGINS: `${app}, https://other.example` }), live)(
  "with a list of origins",
  (it) => {
    it.effect("pages of these origins may call the API, and no others", () =>
      Effect.gen(function* () {
        const { token } = yield* register()
        const authorization = `Bearer ${token}`
        const allowed = yield* headersOf("GET", "/v1/user/user", { origin: app, authorization })
        assert.deepInclude(allowed, { status: 200 })
        assert.deepInclude(allowed.headers, {
          "access-control-allow-origin": app,
          "access-control-expose-headers": "retry-after",
          vary: "Origin"
        })
        const foreign = yield* headersOf("GET", "/v1/user/user", { origin: "https://evil.example", authorization })
        assert.notProperty(foreign.headers, "access-control-allow-origin")
        assert.include(foreign.headers["vary"] ?? "", "Origin")
        // Failures can be read as well, whatever layer they come from.
        for (const [method, path, status] of [
          ["GET", "/v1/user/user", 401],
          ["GET", "/v1/nothing", 404],
          ["PUT", "/v1/user/login", 405],
          ["POST", "/v1/user/login", 400],
          ["GET", "/ws", 401]
        ] as const) {
          const failed = yield* headersOf(method, path, { origin: app })
          assert.deepInclude(failed, { status })
          assert.strictEqual(failed.headers["access-control-allow-origin"], app, path)
        }
      })
    )

    it.effect("a preflight tells what may be sent, and is remembered", () =>
      Effect.gen(function* () {
        const asked = yield* headersOf("OPTIONS", "/v1/social/group", {
          origin: app,
          "access-control-request-method": "PATCH",
          "access-control-request-headers": "authorization,content-type"
        })
        assert.strictEqual(asked.status, 204)
        assert.deepInclude(asked.headers, {
          "access-control-allow-origin": app,
          "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
          "access-control-allow-headers": "authorization,content-type",
          "access-control-max-age": "7200"
        })
      })
    )
  }
)

layer(TestServer.layer(), live)("without a list of origins", (it) => {
  it.effect("no page of another origin may read a response", () =>
    Effect.gen(function* () {
      const answer = yield* headersOf("GET", "/health/live", { origin: app })
      assert.notProperty(answer.headers, "access-control-allow-origin")
    })
  )

  it.effect("no response is kept or taken for another type, tokens least of all", () =>
    Effect.gen(function* () {
      const body = JSON.stringify({ phone: freshPhone(), password, nickname: "n" })
      const answers = [
        yield* headersOf("POST", "/v1/user/register", { "content-type": "application/json" }, body),
        yield* headersOf("GET", "/v1/user/user"),
        yield* headersOf("GET", "/nothing")
      ]
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [200, 401, 404]
      )
      for (const { headers } of answers)
        assert.deepInclude(headers, {
          "x-content-type-options": "nosniff",
          "cache-control": "no-store",
          "referrer-policy": "no-referrer"
        })
    })
  )

  it.effect("the address of the server leads to its page", () =>
    Effect.gen(function* () {
      const answer = yield* headersOf("GET", "/")
      assert.deepInclude(answer, { status: 302 })
      assert.strictEqual(answer.headers["location"], "/docs")
    })
  )

  it.effect("a compressed body, and one of another type, is a 415", () =>
    Effect.gen(function* () {
      const json = JSON.stringify({ phone: "+4915112345678", password })
      for (const encoding of ["gzip", "br", "deflate"]) {
        const answer = yield* headersOf(
          "POST",
          "/v1/user/login",
          { "content-type": "application/json", "content-encoding": encoding },
          gzipSync(json)
        )
        assert.strictEqual(answer.status, 415, encoding)
      }
      const typed = yield* request("POST", "/v1/user/login", { body: json, headers: { "content-type": "text/xml" } })
      assert.deepInclude(typed.body, { code: 100012 })
      const plain = { "content-type": "application/json", "content-encoding": "identity" }
      const wrong = yield* headersOf("POST", "/v1/user/login", plain, json)
      assert.strictEqual(wrong.status, 401)
    })
  )

  it.effect("an idle connection is kept for longer than a proxy keeps it", () =>
    Effect.gen(function* () {
      const answer = yield* headersOf("GET", "/health/live", { connection: "keep-alive" })
      assert.strictEqual(answer.headers["keep-alive"], "timeout=75")
    })
  )
})
