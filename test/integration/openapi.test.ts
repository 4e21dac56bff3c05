/** The OpenAPI document and the page that shows it (protocol.md section 2). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { HttpApi } from "effect/http-api"
import { Api } from "../../src/domain/Api.ts"
import * as TestServer from "../support/TestServer.ts"
import { register, request } from "../support/Users.ts"

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

  it.effect("is a page that a browser can show", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer.TestServer
      const page = yield* Effect.promise(() => fetch(`${url}/docs`))
      assert.strictEqual(page.status, 200)
      assert.include(page.headers.get("content-type") ?? "", "text/html")
      assert.include(yield* Effect.promise(() => page.text()), "Fiberchat")
    })
  )
})
