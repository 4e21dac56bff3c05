/** Refusals of `/ws` before the upgrade, over real sockets (protocol.md section 1.1). */
import { createHmac } from "node:crypto"
import { connect as connectTcp } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SignJWT } from "jose"
import { WebSocket as WebSocketClient } from "ws"
import { hangMillis } from "../support/HangLimit.ts"
import { connect, refused } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { register, request } from "../support/Users.ts"

const secret = "a secret of at least thirty-two bytes"
const older = "an older secret that still verifies tokens"
const secretKey = new TextEncoder().encode(secret)
const anHourAgo = () => Math.floor(Date.now() / 1000) - 3600

interface Changes {
  readonly claims?: Record<string, unknown>
  readonly key?: Uint8Array
  readonly algorithm?: string
}

const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString())

/** A good token's claims, signed again with something changed. */
const forge = (good: string, { claims, key = secretKey, algorithm = "HS256" }: Changes = {}) =>
  new SignJWT({ ...claimsOf(good), ...claims }).setProtectedHeader({ alg: algorithm }).sign(key)

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")

/** The claims of a real token, under another header. */
const reheaded = (token: string, header: object) => `${base64url(header)}.${token.split(".")[1]}`

layer(TestServer.layer({ CHAT_JWT_SECRET: `${secret},${older}` }), { excludeTestServices: true })(
  "the upgrade",
  (it) => {
    const badTokens: Record<string, (good: string) => Promise<string> | string> = {
      garbage: () => "garbage",
      "an expired token": (good) => forge(good, { claims: { exp: anHourAgo() } }),
      "a token without an end": (good) => forge(good, { claims: { exp: undefined } }),
      "a token of another issuer": (good) => forge(good, { claims: { iss: "somebody" } }),
      "a token for another audience": (good) => forge(good, { claims: { aud: "something" } }),
      "a token for no audience": (good) => forge(good, { claims: { aud: undefined } }),
      "a token signed with another key": (good) => forge(good, { key: new Uint8Array(32) }),
      "a token signed with HS512": (good) => forge(good, { algorithm: "HS512" }),
      "a token of algorithm none": (good) => `${reheaded(good, { alg: "none" })}.`,
      "a token that says RS256 and is signed with the secret as its key": (good) => {
        const unsigned = reheaded(good, { alg: "RS256" })
        return `${unsigned}.${createHmac("sha256", secret).update(unsigned).digest("base64url")}`
      },
      "a token whose payload was changed": (good) => {
        const [header, , signature] = good.split(".")
        return `${header}.${base64url({ ...claimsOf(good), sub: "1" })}.${signature}`
      },
      "a service token": (good) => forge(good, { claims: { aud: "fiberchat-rpc" } }),
      "a token of a login that does not exist": (good) => forge(good, { claims: { sid: "404" } }),
      "a token of a user whose id is none": (good) => forge(good, { claims: { sub: "-5" } }),
      "a token of a device that is no text": (good) => forge(good, { claims: { deviceId: { $ne: "" } } }),
      "a token without a login": (good) => forge(good, { claims: { sid: undefined } }),
      "a token of 10 000 characters": () => "x".repeat(10_000)
    }
    for (const [what, make] of Object.entries(badTokens)) {
      it.effect(`answers ${what} with 401 and 100004`, () =>
        Effect.gen(function* () {
          const { chatUrl } = yield* TestServer.TestServer
          const { token } = yield* register()
          const bad = yield* Effect.promise(async () => make(token))
          const expected = { code: 100004, msg: "unauthenticated", data: null }
          for (const authorization of [bad, `Bearer ${bad}`]) {
            const answer = yield* refused(chatUrl, { headers: { authorization } })
            assert.deepInclude(answer, { status: 401, body: expected })
          }
          const http = yield* request("GET", "/v1/user/user", { token: bad })
          assert.deepInclude(http, { status: 401, body: expected })
        })
      )
    }

    it.effect("answers a missing token, and one in the query string, with 401", () =>
      Effect.gen(function* () {
        const { chatUrl } = yield* TestServer.TestServer
        const { token } = yield* register()
        for (const url of [chatUrl, `${chatUrl}?token=${token}&access_token=${token}`]) {
          assert.strictEqual((yield* refused(url)).status, 401)
        }
      })
    )

    it.effect("takes a good token bare, as a bearer, and from a browser's subprotocols", () =>
      Effect.gen(function* () {
        const { chatUrl } = yield* TestServer.TestServer
        const { token, id } = yield* register()
        const bare = yield* connect(chatUrl, token)
        const bearer = yield* connect(`${chatUrl}?deviceId=b`, `Bearer ${token}`)
        for (const peer of [bare, bearer]) {
          const ready = yield* peer.answer("")
          assert.deepInclude(ready.data as object, { userId: id })
        }
        const browser = new WebSocket(`${chatUrl}?deviceId=c`, ["fiberchat.v1", `bearer.${token}`])
        const protocol = yield* Effect.callback<string>((resume) => {
          browser.onopen = () => resume(Effect.succeed(browser.protocol))
          browser.onerror = () => resume(Effect.succeed("refused"))
        })
        browser.close()
        assert.strictEqual(protocol, "fiberchat.v1")
      })
    )

    it.effect("still takes tokens signed with an older secret of the list", () =>
      Effect.gen(function* () {
        const { token } = yield* register()
        for (const key of [secretKey, new TextEncoder().encode(older)]) {
          const signed = yield* Effect.promise(() => forge(token, { key }))
          assert.strictEqual((yield* request("GET", "/v1/user/user", { token: signed })).status, 200)
        }
      })
    )

    it.effect("answers bad query parameters with 400 and a foreign origin with 403", () =>
      Effect.gen(function* () {
        const { chatUrl, url } = yield* TestServer.TestServer
        const { token } = yield* register()
        const authorized = { authorization: token }
        for (const query of ["?ack=perhaps", "?deviceId=a%20b", `?deviceId=${"x".repeat(65)}`, "?platform=%00"]) {
          const answer = yield* refused(`${chatUrl}${query}`, { headers: authorized })
          assert.strictEqual(answer.status, 400)
          assert.deepInclude(answer.body as object, { code: 100002, data: null })
        }
        for (const origin of ["https://evil.example", "null", `${url}.evil.example`]) {
          const answer = yield* refused(chatUrl, { headers: { ...authorized, origin } })
          assert.strictEqual(answer.status, 403)
          assert.deepInclude(answer.body as object, { code: 100005 })
        }
        const same = yield* connect(chatUrl, token, { headers: { origin: url } })
        yield* same.answer("")
      })
    )

    it.effect("lets go of a socket that it refused, even if the peer never closes it", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer.TestServer
        const socket = connectTcp({ port: Number(new URL(url).port), host: "127.0.0.1", allowHalfOpen: true })
        socket.write("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        const cut = new Promise<void>((resolve) => socket.on("error", () => resolve()))
        // A write to a closed socket comes back as an error; a half-open socket swallows it.
        const knocking = setInterval(() => socket.write("?"), 50)
        yield* Effect.promise(() => cut).pipe(Effect.timeout(hangMillis))
        clearInterval(knocking)
      })
    )

    it.effect("ignores the wish to upgrade anywhere else, and answers as ever", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer.TestServer
        const answer = yield* refused(`${url.replace("http", "ws")}/nothing`)
        assert.deepInclude(answer, { status: 404, body: { code: 100006, msg: "not found", data: null } })
      })
    )

    it.effect(
      "refuses a plain GET of /ws as it would an upgrade, whose answer browsers hide; a good one learns what to do",
      () =>
        Effect.gen(function* () {
          const { token } = yield* register()
          const asked = (headers: Record<string, string>, path = "/ws") =>
            Effect.map(request("GET", path, { headers }), ({ status, body }) => [status, body.code])
          const authorization = `Bearer ${token}`
          assert.deepStrictEqual(yield* asked({}), [401, 100004])
          assert.deepStrictEqual(yield* asked({ authorization: "Bearer x.y.z" }), [401, 100004])
          assert.deepStrictEqual(yield* asked({ authorization, origin: "https://evil.example" }), [403, 100005])
          assert.deepStrictEqual(yield* asked({ authorization }, "/ws?ack=perhaps"), [400, 100002])
          assert.deepStrictEqual(yield* asked({ authorization }), [400, 100002])
        })
    )

    it.effect("forgives slashes too many, and a proxy's own Authorization beside a browser's token", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer.TestServer
        const { token } = yield* register()
        const socketUrl = url.replace("http", "ws")
        for (const [index, path] of ["/ws/", "//ws", "//ws//", "/ws/?platform=x"].entries()) {
          const query = path.includes("?") ? "&" : "?"
          const peer = yield* connect(`${socketUrl}${path}${query}deviceId=s${index}`, token)
          yield* peer.answer("")
        }
        for (const authorization of ["Basic YTpi", "Digest username=a", "Negotiate abc"]) {
          const socket = new WebSocketClient(`${socketUrl}/ws`, ["fiberchat.v1", `bearer.${token}`], {
            headers: { authorization }
          })
          const opened = yield* Effect.callback<string>((resume) => {
            socket.once("open", () => resume(Effect.succeed(socket.protocol)))
            socket.once("error", ({ message }) => resume(Effect.succeed(message)))
          })
          socket.terminate()
          assert.strictEqual(opened, "fiberchat.v1", authorization)
        }
        const answer = yield* refused(`${socketUrl}/ws`, { headers: { authorization: "Bearer not a token" } })
        assert.strictEqual(answer.status, 401)
      })
    )
  }
)

layer(TestServer.layer({ CHAT_MAX_CONNECTIONS: "2", CHAT_ALLOWED_ORIGINS: "https://app.example" }), {
  excludeTestServices: true
})("a full node", (it) => {
  it.effect("answers 503 and Retry-After, and lets the next one in when there is room again", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const { token } = yield* register()
      const open = (device: string, origin = "https://app.example") =>
        connect(`${chatUrl}?deviceId=${device}`, token, { headers: { origin } })
      const [first] = [yield* open("a"), yield* open("b")]
      const answer = yield* refused(`${chatUrl}?deviceId=c`, { headers: { authorization: token } })
      assert.strictEqual(answer.status, 503)
      assert.strictEqual(answer.headers["retry-after"], "5")
      assert.deepInclude(answer.body as object, { code: 100009 })
      first.socket.close()
      yield* first.closed()
      yield* open("d")
    })
  )

  it.effect("with a list of origins refuses even its own", () =>
    Effect.gen(function* () {
      const { chatUrl, url } = yield* TestServer.TestServer
      const answer = yield* refused(chatUrl, { headers: { origin: url } })
      assert.strictEqual(answer.status, 403)
    })
  )
})
