/** The OpenAPI document and the page that shows it (protocol.md section 2). */
import { readFileSync } from "node:fs"
import { request as rawRequest } from "node:http"
import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { HttpApi } from "effect/http-api"
import { Api } from "../../src/http/api/Api.ts"
import { glossary } from "../../src/http/shared/Glossary.ts"
import * as TestServer from "../support/TestServer.ts"
import { register, request } from "../support/Users.ts"

interface Field {
  readonly type?: string
  readonly pattern?: string
  readonly enum?: ReadonlyArray<unknown>
  readonly description?: string
  readonly examples?: ReadonlyArray<unknown>
}
interface Part {
  readonly properties?: Readonly<Record<string, Field>>
  readonly in?: string
  readonly name?: string
  readonly schema?: Field
  readonly description?: string
  readonly example?: unknown
}

const typeOf = (value: unknown): string =>
  Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value

/** Whether an example is a value of its schema, as far as type, pattern and enum say. */
const fits = (example: unknown, { type, pattern, enum: values }: Field): boolean =>
  (type === undefined || typeOf(example) === type) &&
  (pattern === undefined || new RegExp(pattern, "u").test(String(example))) &&
  (values === undefined || values.includes(example))

layer(TestServer.layer(), { excludeTestServices: true })("the documentation", (it) => {
  it.effect("has every route, and refuses no unknown fields", () =>
    Effect.gen(function* () {
      const { status, body } = yield* request("GET", "/docs/openapi.json")
      assert.strictEqual(status, 200)
      const described = Object.entries(body.paths).flatMap(([path, methods]) =>
        Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`)
      )
      const served: Array<string> = []
      HttpApi.reflect(Api, {
        onGroup: () => {},
        onEndpoint: ({ endpoint }) => {
          served.push(`${endpoint.method} ${endpoint.path}`)
        }
      })
      assert.sameMembers(described, served)
      assert.notInclude(JSON.stringify(body), '"additionalProperties":false')
      const { token } = yield* register()
      const changed = yield* request("PATCH", "/v1/user/user", { token, body: { nickname: "Zed", shoeSize: 42 } })
      assert.strictEqual(changed.status, 200)
    })
  )

  it.effect("says what each route is for, what it takes, and what each status means", () =>
    Effect.gen(function* () {
      const { body } = yield* request("GET", "/docs/openapi.json")
      const operations = Object.entries(body.paths).flatMap(([path, methods]) =>
        Object.entries(methods as object).map(([method, operation]) => ({ at: `${method} ${path}`, operation }))
      )
      const { version, license } = JSON.parse(readFileSync("package.json", "utf8"))
      assert.deepInclude(body.info, { version, license: { name: license, identifier: license } })
      assert.isTrue(body.tags.every(({ description = "" }) => description !== ""))
      for (const { at, operation } of operations) {
        assert.isAbove(operation.summary?.length ?? 0, 0, at)
        assert.isAbove(operation.description?.length ?? 0, 0, at)
        if (at.endsWith("/health/live")) continue
        const statuses = Object.keys(operation.responses)
        assert.includeMembers(statuses, ["200", "400", "413", "500", "503"], at)
        const isGuarded = !/\/(register|login|refresh|ready)$/.test(at)
        if (isGuarded) assert.include(operation.responses["401"]?.description, "100004 unauthenticated", at)
        assert.include(operation.responses["413"].description, "100010 payload too large")
      }
      const { parameters } = body.paths["/v1/im/chatlog"].get
      const count = parameters.find(({ name }: { name: string }) => name === "count")
      assert.deepStrictEqual(count.schema, { type: "integer", format: "int64", minimum: 0 })
      assert.includeMembers(Object.keys(body.components.schemas), ["ChatLog", "GroupEntry", "FriendRequest"])
    })
  )

  it.effect("has a meaning for each field and parameter, with an example that is one", () =>
    Effect.gen(function* () {
      const { body } = yield* request("GET", "/docs/openapi.json")
      const described: Array<{ readonly at: string; readonly description?: string; readonly example?: unknown }> = []
      const problems: Array<string> = []
      const look = (part: unknown, at: string): void => {
        if (typeof part !== "object" || part === null) return
        const { properties, in: place, name, schema, description, example } = part as Part
        for (const [field, of] of Object.entries(properties ?? {})) {
          if ("$ref" in of) continue
          const [first] = of.examples ?? []
          described.push({ at: `${at}.${field}`, ...of })
          if (first !== undefined && !fits(first, of)) problems.push(`${at}.${field}: ${first}`)
        }
        if (place === "query") {
          described.push({ at: `${at}?${name}`, ...(description === undefined ? {} : { description }) })
          if (!fits(example, schema ?? {})) problems.push(`${at}?${name}: ${example}`)
        }
        for (const [key, inner] of Object.entries(part)) look(inner, `${at}/${key}`)
      }
      look(body, "")
      assert.deepStrictEqual(problems, [])
      const without = described.filter(({ description = "" }) => description === "").map(({ at }) => at)
      assert.deepStrictEqual(without, [])
      const used = new Set(described.map(({ description }) => description))
      assert.deepStrictEqual(
        glossary.filter(([meaning]) => !used.has(meaning)),
        []
      )
    })
  )

  it.effect("lists the errors that each route has, and no others", () =>
    Effect.gen(function* () {
      const { body } = yield* request("GET", "/docs/openapi.json")
      const codesOf = (method: string, path: string) =>
        Object.values(body.paths[path][method].responses as Record<string, { readonly description: string }>)
          .flatMap(({ description }) => description.match(/[123]0\d{4}/g) ?? [])
          .map(Number)
          .sort()
      const everywhere = [100001, 100002, 100003, 100008, 100010, 100012]
      const sorted = (...codes: ReadonlyArray<number>) => [...everywhere, ...codes].sort()
      assert.deepStrictEqual(codesOf("post", "/v1/user/login"), sorted(100009, 200002, 200004))
      assert.deepStrictEqual(codesOf("post", "/v1/user/refresh"), sorted(200005))
      assert.deepStrictEqual(codesOf("get", "/v1/im/chatlog/readRecords"), sorted(100004, 300011))
      assert.deepStrictEqual(codesOf("delete", "/v1/social/friend"), sorted(100004))
    })
  )

  it.effect("is a page that a browser can show", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer.TestServer
      const page = yield* Effect.promise(() => fetch(`${url}/docs`))
      assert.strictEqual(page.status, 200)
      assert.include(page.headers.get("content-type") ?? "", "text/html")
      const text = yield* Effect.promise(() => page.text())
      assert.include(text, "Fiberchat")
      // Nothing is loaded from elsewhere, fonts least of all.
      assert.include(text, '"withDefaultFonts":false')
      assert.include(page.headers.get("content-security-policy") ?? "", "default-src 'none'")
    })
  )

  it.effect("and the page are compressed once, kept by browsers, and not sent again to who has them", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer.TestServer
      const get = (path: string, headers: Record<string, string>) =>
        Effect.callback<{
          readonly status: number
          readonly headers: NodeJS.Dict<string | string[]>
          readonly body: Buffer
        }>((resume) => {
          rawRequest(`${url}${path}`, { headers }, (response) => {
            const chunks: Array<Buffer> = []
            response.on("data", (chunk: Buffer) => chunks.push(chunk))
            response.once("end", () =>
              resume(
                Effect.succeed({
                  status: response.statusCode ?? 0,
                  headers: response.headers,
                  body: Buffer.concat(chunks)
                })
              )
            )
          }).end()
        })
      for (const path of ["/docs", "/docs/openapi.json", "/docs/asyncapi.json"]) {
        const plain = yield* get(path, {})
        assert.notProperty(plain.headers, "content-encoding")
        const etag = String(plain.headers["etag"])
        for (const [accepted, encoding, decode] of [
          ["gzip", "gzip", gunzipSync],
          ["gzip, br;q=0.5", "br", brotliDecompressSync],
          ["br;q=0, gzip", "gzip", gunzipSync]
        ] as const) {
          const answer = yield* get(path, { "accept-encoding": accepted })
          assert.deepInclude(answer.headers, { "content-encoding": encoding, etag, vary: "accept-encoding" })
          assert.match(String(answer.headers["cache-control"]), /^public, max-age=/)
          assert.isBelow(answer.body.length, plain.body.length / 2)
          assert.isTrue(decode(answer.body).equals(plain.body))
        }
        const again = yield* get(path, { "if-none-match": etag })
        assert.deepStrictEqual([again.status, again.body.length], [304, 0])
        assert.strictEqual((yield* get(path, { "if-none-match": '"other"' })).status, 200)
      }
      // Another way to write the path makes no other copy.
      const tidy = yield* get("//docs//", { "accept-encoding": "br" })
      assert.deepInclude(tidy.headers, { "content-encoding": "br" })
    })
  )
})
