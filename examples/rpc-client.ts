/**
 * A service that chats for its users over RPC (protocol.md section 3), with the types of the server's own schemas:
 * `FIBERCHAT_TOKEN=$(pnpm -s sign-token service example) node examples/rpc-client.ts`
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Random, Stream } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { RpcClient, RpcSerialization } from "effect/rpc"
import { ServiceRpcs } from "../src/http/rpc/ServiceRpc.ts"

const { FIBERCHAT_URL = "http://127.0.0.1:5556", FIBERCHAT_TOKEN } = process.env
if (FIBERCHAT_TOKEN === undefined) throw new Error("FIBERCHAT_TOKEN is missing: it is a service token")

/** Fails with the status of a refused request, such as 401, and says so: the RPC client would only miss a response. */
const http = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(HttpClient.HttpClient, (client) =>
    HttpClient.tapError(HttpClient.filterStatusOk(client), (error) => Console.error(error.message))
  )
).pipe(Layer.provide(FetchHttpClient.layer))

const protocol = RpcClient.layerProtocolHttp({
  url: `${FIBERCHAT_URL}/rpc`,
  transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(FIBERCHAT_TOKEN))
}).pipe(Layer.provide([http, RpcSerialization.layerNdjson]))

Effect.gen(function* () {
  const chat = yield* RpcClient.make(ServiceRpcs)
  const register = (nickname: string) =>
    Effect.flatMap(Random.nextIntBetween(10_000_000, 29_999_999), (digits) =>
      chat.Register({ phone: `+336${digits}`, password: "correct horse", nickname })
    )
  const ann = yield* register("Ann")
  const bob = yield* register("Bob")
  const { conversationId } = yield* chat.SetUpUserConversation({ sendId: ann.id, recvId: bob.id, chatType: 1 })
  const say = (sendId: typeof ann.id, receiveId: typeof ann.id, clientId: string, content: string) =>
    chat.SendMessage({ sendId, receiveId, clientId, chatType: 1, message: { messageType: 0, content } })

  yield* say(ann.id, bob.id, "1", "Hello Bob")
  const [last] = yield* chat.GetChatLog({ conversationId, count: 1 })
  yield* Console.log(`the last message is ${last?.seq}: ${last?.msgContent}`)
  // Stored messages come first, then new ones.
  yield* Effect.forkChild(say(bob.id, ann.id, "1", "Hello Ann"))
  yield* chat.Messages({ conversationId, afterSeq: 0 }).pipe(
    Stream.take(2),
    Stream.runForEach(({ seq, content }) => Console.log(`${seq}: ${content}`))
  )
}).pipe(Effect.scoped, Effect.provide(protocol), NodeRuntime.runMain)
