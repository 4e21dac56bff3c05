/** The user service over HTTP (protocol.md sections 2.1 to 2.3). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { connect } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { type Answer, chatFrame, freshPhone, password, register, request, showToContacts } from "../support/Users.ts"

const live = { excludeTestServices: true }

const isFailure = (answer: Answer, status: number, code: number) => {
  assert.strictEqual(answer.status, status)
  assert.deepInclude(answer.body, { code, data: null })
  assert.isString(answer.body.msg)
  assert.sameMembers(Object.keys(answer.body), ["code", "msg", "data"])
}

const login = (body: unknown) => request("POST", "/v1/user/login", { body })

layer(TestServer.layer({ CHAT_PHONE_REGION: "FR" }), live)("an account", (it) => {
  it.effect("is registered, logged in to, shown, changed and found", () =>
    Effect.gen(function* () {
      const phone = freshPhone()
      const registration = yield* request("POST", "/v1/user/register", {
        body: { phone, password, nickname: "Zoë 动物", sex: 2, avatar: "https://a.example/z.png" }
      })
      assert.deepInclude(registration.body, { code: 200, msg: "Success" })
      const inTwoHours = Date.now() / 1000 + 7200
      assert.closeTo(registration.body.data.expire, inTwoHours, 5)

      const { token } = (yield* login({ phone, password, deviceId: "laptop", platform: "web" })).body.data
      const { body } = yield* request("GET", "/v1/user/user", { token })
      const info = { mobile: phone, nickname: "Zoë 动物", sex: 2, avatar: "https://a.example/z.png" }
      assert.deepInclude(body.data.info, info)
      assert.match(body.data.info.id, /^[1-9][0-9]{10,19}$/)

      const changed = yield* request("PATCH", "/v1/user/user", { token, body: { nickname: "Zed", sex: 0 } })
      assert.deepInclude(changed.body.data.info, { ...info, nickname: "Zed", sex: 0 })
      const unchanged = yield* request("PATCH", "/v1/user/user", { token, body: {} })
      assert.deepStrictEqual(unchanged.body, changed.body)
      const found = yield* request("GET", "/v1/user/find?name=zE", { token })
      assert.deepStrictEqual(found.body.data.users, [changed.body.data.info])
    })
  )

  it.effect("has one phone, whether written in E.164, nationally or with blanks", () =>
    Effect.gen(function* () {
      const phone = freshPhone()
      yield* register(phone)
      const national = phone.replace("+33", "0")
      for (const same of [phone, national, national.replace(/(..)/g, "$1 "), phone.replace("+", "00")]) {
        const again = yield* request("POST", "/v1/user/register", { body: { phone: same, password, nickname: "n" } })
        isFailure(again, 409, 200001)
        assert.strictEqual((yield* login({ phone: same, password })).status, 200)
      }
    })
  )

  it.effect("is not opened by a wrong password, and an unknown phone gets the same answer", () =>
    Effect.gen(function* () {
      const user = yield* register()
      const wrong = yield* login({ phone: user.phone, password: "wrong password" })
      const unknown = yield* login({ phone: freshPhone(), password: "wrong password" })
      isFailure(wrong, 401, 200002)
      assert.deepStrictEqual(wrong.body, unknown.body)
    })
  )

  it.effect("shows its phone to contacts only, where it wants that", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const [ann, bob] = yield* Effect.all([register(), register()])
      yield* showToContacts(bob)
      const find = Effect.map(
        request("GET", `/v1/user/find?ids=${bob.id},404`, { token: ann.token }),
        ({ body }) => body.data.users
      )
      assert.deepStrictEqual(
        (yield* find).map((user: object) => Object.keys(user)),
        [["id", "nickname", "sex", "avatar"]]
      )
      const [annPeer, bobPeer] = [yield* connect(chatUrl, ann.token), yield* connect(chatUrl, bob.token)]
      annPeer.send(chatFrame("a", bob, "hello"))
      yield* annPeer.answer("a")
      assert.isUndefined((yield* find)[0].mobile)
      bobPeer.send(chatFrame("b", ann, "hello"))
      yield* bobPeer.answer("b")
      assert.strictEqual((yield* find)[0].mobile, bob.phone)
      const byPhone = yield* request("GET", `/v1/user/find?phone=${encodeURIComponent(bob.phone)}`, {
        token: ann.token
      })
      assert.strictEqual(byPhone.body.data.users[0].id, bob.id)
    })
  )

  it.effect("is known by a phone and a password however they are pasted or composed", () =>
    Effect.gen(function* () {
      const phone = freshPhone()
      const composed = "p\u00E4ssw\u00F6rd 12"
      const registered = yield* request("POST", "/v1/user/register", {
        body: { phone, password: composed, nickname: "  n  " }
      })
      assert.strictEqual(registered.status, 200)
      const fullWidth = [...phone].map((sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0)).join("")
      for (const pasted of [` ${phone} `, `tel:${phone}`, `\u202A${phone}\u202C`, fullWidth]) {
        const answer = yield* login({ phone: pasted, password: composed.normalize("NFD").replace(" ", "\u00A0") })
        assert.strictEqual(answer.status, 200, pasted)
      }
      isFailure(yield* login({ phone, password: "half \ud800 surrogate" }), 400, 100002)
    })
  )

  it.effect(
    "stays logged in by refreshes, of which two may come at once, or one again after its response was lost",
    () =>
      Effect.gen(function* () {
        const user = yield* register()
        const refresh = (refreshToken: string) => request("POST", "/v1/user/refresh", { body: { refreshToken } })
        const second = yield* refresh(user.refreshToken)
        assert.strictEqual(second.status, 200)
        const [again, atOnce] = yield* Effect.all([refresh(user.refreshToken), refresh(user.refreshToken)], {
          concurrency: 2
        })
        for (const { status, body } of [again, atOnce]) {
          assert.deepStrictEqual([status, body.data.refreshToken], [200, second.body.data.refreshToken])
          assert.strictEqual((yield* request("GET", "/v1/user/user", { token: body.data.token })).status, 200)
        }
        const third = yield* refresh(second.body.data.refreshToken)
        assert.strictEqual((yield* request("GET", "/v1/user/user", { token: third.body.data.token })).status, 200)

        isFailure(yield* refresh("no such token"), 401, 200005)
        assert.strictEqual((yield* request("GET", "/v1/user/user", { token: third.body.data.token })).status, 200)
      })
  )

  it.effect("is logged out everywhere on that login when a refresh token comes again after its next one was used", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const sql = yield* SqlClient.SqlClient
      const user = yield* register()
      const other = (yield* login({ phone: user.phone, password })).body.data
      const { data } = (yield* request("POST", "/v1/user/refresh", { body: { refreshToken: user.refreshToken } })).body
      yield* request("POST", "/v1/user/refresh", { body: { refreshToken: data.refreshToken } })
      const peer = yield* connect(chatUrl, data.token)
      // The grace has passed since the first use.
      yield* sql`UPDATE refresh_tokens SET used_at = used_at - 30001 WHERE user_id = ${user.id}`
      isFailure(yield* request("POST", "/v1/user/refresh", { body: { refreshToken: user.refreshToken } }), 401, 200005)
      assert.deepStrictEqual(yield* peer.closed(), { code: 4004, reason: "revoked" })
      for (const token of [user.token, data.token])
        isFailure(yield* request("GET", "/v1/user/user", { token }), 401, 100004)
      isFailure(yield* request("POST", "/v1/user/refresh", { body: { refreshToken: data.refreshToken } }), 401, 200005)
      assert.strictEqual((yield* request("GET", "/v1/user/user", { token: other.token })).status, 200)
    })
  )

  it.effect("has fifty logins at most: the oldest is revoked, and its sockets close with 4004", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const user = yield* register()
      const peer = yield* connect(chatUrl, user.token)
      for (let count = 0; count < 50; count++) yield* login({ phone: user.phone, password })
      assert.deepStrictEqual(yield* peer.closed(), { code: 4004, reason: "revoked" })
      isFailure(yield* request("GET", "/v1/user/user", { token: user.token }), 401, 100004)
    })
  )

  it.effect("closes its sockets with 4004 when it logs out, and only those of that login", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const user = yield* register()
      const other = (yield* login({ phone: user.phone, password, deviceId: "other" })).body.data
      const [leaving, staying] = [yield* connect(chatUrl, user.token), yield* connect(chatUrl, other.token)]
      assert.strictEqual((yield* request("POST", "/v1/user/logout", { token: user.token })).status, 200)
      assert.deepStrictEqual(yield* leaving.closed(), { code: 4004, reason: "revoked" })
      isFailure(yield* request("GET", "/v1/user/user", { token: user.token }), 401, 100004)
      isFailure(yield* request("POST", "/v1/user/refresh", { body: { refreshToken: user.refreshToken } }), 401, 200005)
      staying.send({ id: "p", frameType: 1 })
      yield* staying.answer("p")
    })
  )
})

layer(TestServer.layer(), live)("a bad request", (it) => {
  const good = { phone: "+33612345678", password, nickname: "n" }
  const bodies: Record<string, readonly [body: unknown, code: number]> = {
    "that is malformed JSON": ["{", 100002],
    "without a body": [undefined, 100002],
    "that is an array": [[], 100002],
    "without a password": [{ ...good, password: undefined }, 100002],
    "with a password of 7 characters": [{ ...good, password: "1234567" }, 100002],
    "with a password of 129 characters": [{ ...good, password: "x".repeat(129) }, 100002],
    "with an empty nickname": [{ ...good, nickname: "" }, 100002],
    "with a nickname of 65 letters": [{ ...good, nickname: "界".repeat(65) }, 100002],
    "with a sex of 3": [{ ...good, sex: 3 }, 100002],
    "with a phone that is a number": [{ ...good, phone: 33612345678 }, 100002],
    "with a phone that cannot exist": [{ ...good, phone: "+331" }, 200004],
    "with a national phone and no region configured": [{ ...good, phone: "0612345678" }, 200004],
    "with a phone that is an injection": [{ ...good, phone: "' OR 1=1 --" }, 200004],
    "with a device id that has blanks": [{ ...good, deviceId: "a b" }, 100002]
  }
  it.effect("that is not UTF-8 is answered with 100002: no two passwords become one", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer.TestServer
      const bytes = Buffer.from(
        JSON.stringify({ ...good, phone: freshPhone(), password: "secret \u00ff\u00fe!" }),
        "latin1"
      )
      for (const path of ["register", "login"]) {
        const response = yield* Effect.promise(() =>
          fetch(`${url}/v1/user/${path}`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: bytes
          })
        )
        assert.deepStrictEqual(
          [response.status, yield* Effect.promise(() => response.json())],
          [400, { code: 100002, msg: "the body is not UTF-8", data: null }]
        )
      }
    })
  )

  for (const [what, [body, code]] of Object.entries(bodies)) {
    it.effect(`${what} is answered with ${code} in the envelope`, () =>
      Effect.gen(function* () {
        isFailure(yield* request("POST", "/v1/user/register", { body }), 400, code)
      })
    )
  }

  it.effect("is answered in the envelope wherever it goes", () =>
    Effect.gen(function* () {
      isFailure(yield* request("GET", "/nothing/here"), 404, 100006)
      isFailure(yield* request("POST", "/v2/user/login", { body: {} }), 404, 100006)
      const wrongMethod = yield* request("DELETE", "/v1/user/user")
      isFailure(wrongMethod, 405, 100011)
      assert.strictEqual(wrongMethod.headers.get("allow"), "GET, PATCH")
      isFailure(
        yield* request("POST", "/v1/user/login", { body: "<a/>", headers: { "content-type": "text/xml" } }),
        415,
        100012
      )
      isFailure(yield* request("POST", "/v1/user/login", { body: "x".repeat(65 * 1024) }), 413, 100010)
      const { token } = yield* register()
      isFailure(yield* request("GET", "/v1/user/find", { token }), 400, 100002)
      isFailure(yield* request("GET", `/v1/user/find?ids=${"1,".repeat(101)}`, { token }), 400, 100002)
      isFailure(yield* request("GET", "/v1/im/chatlog?conversationId=1_2&count=201", { token }), 400, 100002)
      isFailure(yield* request("GET", "/v1/im/chatlog?conversationId=x", { token }), 404, 300001)
      isFailure(yield* request("POST", "/v1/social/block", { token, body: { userId: "404" } }), 404, 200003)
    })
  )

  it.effect("without a token, or with one of no user, is answered with 401 on every private route", () =>
    Effect.gen(function* () {
      for (const [method, path] of [
        ["GET", "/v1/user/user"],
        ["PATCH", "/v1/user/user"],
        ["GET", "/v1/user/find?name=a"],
        ["POST", "/v1/user/logout"],
        ["GET", "/v1/im/chatlog?conversationId=1_2"],
        ["POST", "/v1/social/block"],
        ["DELETE", "/v1/social/block?userId=1"]
      ] as const) {
        isFailure(yield* request(method, path), 401, 100004)
        isFailure(yield* request(method, path, { token: "garbage" }), 401, 100004)
      }
    })
  )
})

layer(TestServer.layer({ CHAT_AUTH_RATE_LIMIT: "3/hour" }), live)("the rate of attempts", (it) => {
  it.effect("is limited per address: the fourth in the window is told when to come back", () =>
    Effect.gen(function* () {
      for (let attempt = 0; attempt < 3; attempt++) {
        isFailure(yield* login({ phone: freshPhone(), password }), 401, 200002)
      }
      for (const path of ["login", "register", "refresh"]) {
        const body = { phone: freshPhone(), password, nickname: "n", refreshToken: "r" }
        const answer = yield* request("POST", `/v1/user/${path}`, { body })
        isFailure(answer, 429, 100008)
        const retryAfter = Number(answer.headers.get("retry-after"))
        assert.isTrue(retryAfter > 3_500 && retryAfter <= 3_600)
      }
    })
  )
})

layer(TestServer.layer({ CHAT_AUTH_RATE_LIMIT: "3/hour", CHAT_TRUST_PROXY: "127.0.0.0/8" }), live)(
  "behind a trusted proxy the rate of attempts",
  (it) => {
    const attempt = (phone: string, address: string, word: string = password) =>
      request("POST", "/v1/user/login", { body: { phone, password: word }, headers: { "x-forwarded-for": address } })

    it.effect("counts the network that the proxy saw: an IPv4 address, and all addresses of an IPv6 subscriber", () =>
      Effect.gen(function* () {
        for (let index = 0; index < 3; index++) isFailure(yield* attempt(freshPhone(), "203.0.113.1"), 401, 200002)
        for (const address of ["203.0.113.1", "::ffff:203.0.113.1"])
          isFailure(yield* attempt(freshPhone(), address), 429, 100008)
        isFailure(yield* attempt(freshPhone(), "203.0.113.2"), 401, 200002)
        for (const host of [":1", "2:3:4:5", "ffff::"])
          isFailure(yield* attempt(freshPhone(), `2001:db8:0:1:${host}`), 401, 200002)
        isFailure(yield* attempt(freshPhone(), "2001:db8:0:1:9::"), 429, 100008)
        isFailure(yield* attempt(freshPhone(), "2001:db8:0:2::1"), 401, 200002)
      })
    )

    it.effect("does not keep an owner out elsewhere, and is not used up by right logins", () =>
      Effect.gen(function* () {
        const { phone } = yield* register()
        for (let index = 0; index < 3; index++) {
          isFailure(yield* attempt(phone, "203.0.113.9", "a wrong password"), 401, 200002)
        }
        isFailure(yield* attempt(phone, "203.0.113.9"), 429, 100008)
        for (let index = 0; index < 5; index++) {
          assert.strictEqual((yield* attempt(phone, "203.0.113.10")).status, 200)
        }
        // Wrong ones still count there.
        for (let index = 0; index < 3; index++) {
          isFailure(yield* attempt(phone, "203.0.113.10", "a wrong password"), 401, 200002)
        }
        isFailure(yield* attempt(phone, "203.0.113.10"), 429, 100008)
      })
    )
  }
)
