/** A server that logs everything logs no secret. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { backendSettings } from "../support/Backend.ts"
import { connect } from "../support/Peer.ts"
import { jwtSecret, start } from "../support/ServerProcess.ts"
import { TestServer, temporaryDirectory } from "../support/TestServer.ts"
import { chatFrame, password, register, request } from "../support/Users.ts"

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
        return [ann.token, bob.token, token, refreshToken, refreshed.body.data?.refreshToken]
      }).pipe(Effect.provideService(TestServer, address))
      yield* server.stop("SIGTERM")
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
      for (const secret of [...secrets, ...words, jwtSecret]) {
        assert.isAbove(secret.length, 10)
        assert.isFalse(log.includes(secret), `the log has ${secret}`)
      }
    })
  )
})
