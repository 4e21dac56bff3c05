/** The user service's RPC group through a typed client made from the same schemas (protocol.md section 3). */
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { RpcClient, RpcSerialization } from "effect/rpc"
import { Auth } from "../../src/domain/Auth.ts"
import { UserRpcs } from "../../src/domain/UserRpc.ts"
import * as TestServer from "../support/TestServer.ts"
import { freshPhone, password, register, request } from "../support/Users.ts"

/** A client that sends this authorization header. */
const client = (authorization: string | undefined) =>
  Effect.gen(function* () {
    const { url } = yield* TestServer.TestServer
    const protocol = RpcClient.layerProtocolHttp({
      url: `${url}/rpc`,
      transformClient: HttpClient.mapRequest(
        authorization === undefined ? (request) => request : HttpClientRequest.setHeader("authorization", authorization)
      )
    }).pipe(Layer.provide([FetchHttpClient.layer, RpcSerialization.layerJson]))
    return yield* RpcClient.make(UserRpcs).pipe(Effect.provide(yield* Layer.build(protocol)))
  })

layer(TestServer.layer(), { excludeTestServices: true })("the user service over RPC", (it) => {
  it.effect("pings, registers, logs in, shows and finds users for a service", () =>
    Effect.gen(function* () {
      const auth = yield* Auth
      for (const kind of ["service", "system"] as const) {
        const rpc = yield* client(`Bearer ${yield* auth.issueInternal(kind, "billing")}`)
        assert.strictEqual(yield* rpc.Ping(), "pong")
        const phone = freshPhone()
        const { id } = yield* rpc.Register({ phone, password, nickname: `by ${kind}` })
        assert.strictEqual((yield* rpc.Login({ phone, password })).id, id)
        const profile = yield* rpc.GetUserInfo({ id })
        assert.deepStrictEqual(profile, { id, mobile: phone, nickname: `by ${kind}`, sex: 0, avatar: "" })
        assert.deepStrictEqual(yield* rpc.FindUser({ phone }), [profile])
        assert.deepStrictEqual(yield* rpc.FindUser({ ids: [id], name: "BY" }), [profile])
        assert.deepStrictEqual(yield* rpc.FindUser({ ids: [] }), [])
      }
    })
  )

  it.effect("fails with the numbers of the one table", () =>
    Effect.gen(function* () {
      const auth = yield* Auth
      const rpc = yield* client(`Bearer ${yield* auth.issueInternal("service", "billing")}`)
      const { phone } = yield* register()
      const codes = yield* Effect.all([
        Effect.flip(rpc.Register({ phone, password, nickname: "n" })),
        Effect.flip(rpc.Login({ phone, password: "wrong password" })),
        Effect.flip(rpc.Login({ phone: "+331", password })),
        Effect.flip(rpc.FindUser({}))
      ])
      assert.deepStrictEqual(
        codes.map((error) => ("code" in error ? error.code : error)),
        [200001, 200002, 200004, 100002]
      )
    })
  )

  it.effect("is closed to users and to strangers, whatever they send", () =>
    Effect.gen(function* () {
      const user = yield* register()
      for (const body of ["null", "{", JSON.stringify({ _tag: "Request", id: "1", tag: "Ping", payload: null })]) {
        const strange = yield* request("POST", "/rpc", { body })
        assert.deepInclude(strange, { status: 401, body: { code: 100004, msg: "unauthenticated", data: null } })
        const garbage = yield* request("POST", "/rpc", { body, token: "garbage" })
        assert.strictEqual(garbage.status, 401)
        const asUser = yield* request("POST", "/rpc", { body, token: user.token })
        assert.deepInclude(asUser, { status: 403, body: { code: 100005, msg: "forbidden", data: null } })
      }
      const rpc = yield* client(user.token)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(rpc.Ping())))
    })
  )
})
