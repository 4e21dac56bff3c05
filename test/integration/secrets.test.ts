/** A server that logs everything logs no secret. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SignJWT } from "jose"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { backendSettings } from "../support/Backend.ts"
import { connect, refused } from "../support/Peer.ts"
import { client } from "../support/RpcClients.ts"
import { end, jwtSecret, start } from "../support/ServerProcess.ts"
import { TestServer, temporaryDirectory } from "../support/TestServer.ts"
import { chatFrame, password, register, request } from "../support/Users.ts"

/** A token of a service or a node, as `pnpm sign-token` makes it. */
const internalToken = (audience: string) => {
  const nowSeconds = Math.floor(Date.now() / 1_000)
  const claims = { iss: "fiberchat", aud: audience, sub: "root", jti: "1", iat: nowSeconds, exp: nowSeconds + 300 }
  return Effect.promise(() =>
    new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(new TextEncoder().encode(jwtSecret))
  )
}

describe("the log of a server at its lowest level", () => {
  it.live("has no password, token, signing secret or content of a message in it, whatever goes wrong", () =>
    Effect.gen(function* () {
      const backend = yield* backendSettings
      const { server, ...address } = yield* start({
        ...backend,
        CHAT_DATA_DIR: yield* temporaryDirectory,
        CHAT_LOG_LEVEL: "trace"
      })
      const secrets = yield* Effect.gen(function* () {
        const [ann, bob] = yield* Effect.all([register(), register()])
        const login = yield* request("POST", "/v1/user/login", { body: { phone: ann.phone, password } })
        const { token, refreshToken } = login.body.data
        const refreshed = yield* request("POST", "/v1/user/refresh", { body: { refreshToken } })
        // Refused in every way: used, unknown, wrong, garbled.
        yield* request("POST", "/v1/user/refresh", { body: { refreshToken } })
        yield* request("POST", "/v1/user/refresh", { body: { refreshToken: "an unknown refresh token" } })
        yield* request("POST", "/v1/user/login", { body: { phone: ann.phone, password: "a wrong password" } })
        yield* request("GET", "/v1/user/user", { token: `${token}x` })
        yield* request("POST", "/v1/user/login", { body: `{"phone": "${ann.phone}", "password": "half a body` })
        const peer = yield* connect(address.chatUrl, bob.token)
        peer.send(chatFrame("m", ann, "the content of a message"))
        yield* peer.answer("m")
        yield* request("POST", "/v1/user/logout", { token: bob.token })
        yield* peer.closed()
        // Over the subprotocols, as browsers do it: refused, because the login was revoked.
        yield* refused(address.chatUrl, {}, ["fiberchat.v1", `bearer.${bob.token}`])
        const service = yield* internalToken("fiberchat-rpc")
        const node = yield* internalToken("fiberchat-system")
        for (const good of [service, node]) {
          const rpc = yield* client(`Bearer ${good}`)
          yield* rpc.Login({ phone: ann.phone, password })
          yield* Effect.flip(rpc.Login({ phone: ann.phone, password: "a wrong password" }))
          const written = { messageType: 0, content: "the content of a message" } as const
          yield* rpc.SendMessage({
            sendId: ann.id as UserId,
            receiveId: bob.id as UserId,
            clientId: good.slice(-9),
            chatType: 1,
            message: written
          })
        }
        yield* Effect.exit(Effect.flatMap(client(`Bearer ${service}x`), (rpc) => rpc.Ping()))
        return [ann.token, bob.token, token, refreshToken, refreshed.body.data?.refreshToken, service, node]
      }).pipe(Effect.provideService(TestServer, address))
      yield* end(server, "SIGTERM")
      const log = server.output()
      // The log is there at all, and at this level: a refused token says why.
      assert.include(log, "a token was refused")
      const words = [
        password,
        "a wrong password",
        "half a body",
        "an unknown refresh token",
        "the content of a message"
      ]
      const databaseUrl = backend["CHAT_DATABASE_URL"]
      const ofDatabase = databaseUrl === undefined ? [] : [databaseUrl, `:${new URL(databaseUrl).password}@`]
      for (const secret of [...secrets, ...words, jwtSecret, ...ofDatabase]) {
        assert.isAbove(secret.length, 10)
        assert.isFalse(log.includes(secret), `the log has ${secret}`)
      }
    })
  )
})
