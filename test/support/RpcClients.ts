/** Typed clients of the RPC groups, and tokens of services, for tests (protocol.md section 3). */
import { Effect, identity, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { RpcClient, RpcSerialization } from "effect/rpc"
import { Socket } from "effect/socket"
import { WebSocket } from "ws"
import { Auth } from "../../src/domain/accounts/Auth.ts"
import { ServiceRpcs } from "../../src/http/rpc/ServiceRpc.ts"
import { TestServer } from "./TestServer.ts"

export const serviceToken = Effect.flatMap(Auth, (auth) => auth.issueInternal("service", "bot"))

/** Fails with the status of a refused request, as `examples/rpc-client.ts` does. */
const http = Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, HttpClient.filterStatusOk)).pipe(
  Layer.provide(FetchHttpClient.layer)
)

/** A client that sends this authorization header with each call. */
export const client = (authorization: string | undefined) =>
  Effect.gen(function* () {
    const { internalUrl: url } = yield* TestServer
    const protocol = RpcClient.layerProtocolHttp({
      url: `${url}/rpc`,
      transformClient: HttpClient.mapRequest(
        authorization === undefined ? identity : HttpClientRequest.setHeader("authorization", authorization)
      )
    }).pipe(Layer.provide([http, RpcSerialization.layerNdjson]))
    return yield* RpcClient.make(ServiceRpcs).pipe(Effect.provide(yield* Layer.build(protocol)))
  })

/** A client of a service. */
export const serviceClient = Effect.flatMap(serviceToken, (token) => client(`Bearer ${token}`))

/** A client of a service, over one WebSocket. */
export const socketClient = Effect.gen(function* () {
  const { internalUrl: url } = yield* TestServer
  const authorization = `Bearer ${yield* serviceToken}`
  const sockets = Layer.succeed(
    Socket.WebSocketConstructor,
    (address) => new WebSocket(address, { headers: { authorization } }) as unknown as globalThis.WebSocket
  )
  const protocol = RpcClient.layerProtocolSocket().pipe(
    Layer.provide(Socket.layerWebSocket(`${url.replace("http", "ws")}/rpc`)),
    Layer.provide([sockets, RpcSerialization.layerNdjson])
  )
  return yield* RpcClient.make(ServiceRpcs).pipe(Effect.provide(yield* Layer.build(protocol)))
})
