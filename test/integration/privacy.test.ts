/** Privacy as clients see it: what strangers learn of a user, and how users are found (protocol.md section 2.2). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { register, registerNewcomer, request, setPrivacy, type TestUser } from "../support/Users.ts"
import { acquaint, changesOf, toldOf, watch } from "../support/Watcher.ts"

const find = (user: TestUser, query: string) => request("GET", `/v1/user/find?${query}`, { token: user.token })
const phoneOf = ({ phone }: TestUser) => `phone=${encodeURIComponent(phone)}`
const idsIn = (answer: Effect.Success<ReturnType<typeof find>>): ReadonlyArray<string> =>
  answer.body.data.users.map(({ id }: { readonly id: string }) => id)

const befriend = (one: TestUser, other: TestUser) =>
  Effect.gen(function* () {
    for (const [from, to] of [
      [one, other],
      [other, one]
    ] as const) {
      yield* request("POST", "/v1/social/friend/putIn", { token: from.token, body: { userId: to.id } })
    }
  })

layer(TestServer.layer(), { excludeTestServices: true })("privacy", (it) => {
  it.effect("shows a stranger who got an answer neither phone nor presence", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const [ann, eve] = yield* Effect.all([register(), register()])
      const annPeer = yield* connect(chatUrl, ann.token)
      const evePeer = yield* connect(chatUrl, eve.token)
      yield* acquaint([eve, evePeer], [ann, annPeer])
      assert.deepStrictEqual(yield* watch(evePeer, ann), [])
      evePeer.send({ id: "online", method: "user.online" })
      assert.deepStrictEqual((yield* evePeer.answer("online")).data, [])
      for (const query of [`ids=${ann.id}`, phoneOf(ann)]) {
        const { body } = yield* find(eve, query)
        assert.deepStrictEqual(Object.keys(body.data.users[0]), ["id", "nickname", "sex", "avatar"])
      }
    })
  )

  it.effect("is opened and closed by its user, also while others watch", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const [ann, eve] = yield* Effect.all([register(), register()])
      yield* setPrivacy({ showPresence: "everyone", showPhone: "everyone" }, ann)
      const evePeer = yield* connect(chatUrl, eve.token)
      assert.deepStrictEqual(
        (yield* watch(evePeer, ann)).map(({ userId, online }) => [userId as string, online]),
        [[ann.id, false]]
      )
      assert.strictEqual((yield* find(eve, `ids=${ann.id}`)).body.data.users[0].mobile, ann.phone)
      const annPeer = yield* connect(chatUrl, ann.token)
      yield* toldOf(evePeer, ann, true)
      yield* setPrivacy({ showPresence: "contacts", showPhone: "contacts" }, ann)
      annPeer.socket.close()
      yield* annPeer.closed()
      // Another user's change comes later, so that this one would have come.
      const bob = yield* register()
      yield* setPrivacy({ showPresence: "everyone" }, bob)
      yield* watch(evePeer, ann, bob)
      yield* connect(chatUrl, bob.token)
      yield* toldOf(evePeer, bob, true)
      assert.lengthOf(changesOf(evePeer, ann), 1)
      assert.isUndefined((yield* find(eve, `ids=${ann.id}`)).body.data.users[0].mobile)
    })
  )

  it.effect("lets a user be found as they want, and always by friends and those they have written to", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const [ann, bob, cid, eve] = yield* Effect.all([register(), register(), register(), register()])
      yield* setPrivacy({ findByPhone: "nobody", findById: "nobody", findByName: "nobody" }, ann)
      yield* befriend(ann, bob)
      yield* acquaint([ann, yield* connect(chatUrl, ann.token)], [cid, yield* connect(chatUrl, cid.token)])
      const name = `name=${encodeURIComponent(`user of ${ann.phone}`)}`
      for (const [user, expected] of [
        [bob, [ann.id]],
        [cid, [ann.id]],
        [ann, [ann.id]],
        [eve, []]
      ] as const) {
        for (const query of [name, `ids=${ann.id}`, `${name}&ids=${ann.id}`]) {
          assert.deepStrictEqual(idsIn(yield* find(user, query)), expected, query)
        }
      }
      for (const user of [bob, cid, eve]) assert.deepStrictEqual(idsIn(yield* find(user, phoneOf(ann))), [])
      yield* setPrivacy({ findByPhone: "friends", findById: "everyone" }, ann)
      assert.deepStrictEqual(idsIn(yield* find(bob, phoneOf(ann))), [ann.id])
      assert.deepStrictEqual(idsIn(yield* find(cid, phoneOf(ann))), [])
      assert.deepStrictEqual(idsIn(yield* find(eve, `ids=${ann.id}`)), [ann.id])
      assert.deepStrictEqual(idsIn(yield* find(eve, `${name}&ids=${ann.id}`)), [])
    })
  )

  it.effect("refuses what is no setting, and keeps the others", () =>
    Effect.gen(function* () {
      const ann = yield* registerNewcomer()
      const change = (body: unknown) => request("PATCH", "/v1/user/privacy", { token: ann.token, body })
      for (const body of [{ showPhone: "all" }, { showPhone: 3 }, { addToGroups: null }, []]) {
        assert.strictEqual((yield* change(body)).body.code, 100002)
      }
      const { body } = yield* change({ addToGroups: "nobody", unknown: 1 })
      assert.deepStrictEqual(body.data, {
        privacy: {
          showPhone: "friends",
          showPresence: "friends",
          addToGroups: "nobody",
          findByPhone: "everyone",
          findById: "everyone",
          findByName: "everyone"
        }
      })
      const read = yield* request("GET", "/v1/user/privacy", { token: ann.token })
      assert.deepStrictEqual(read.body.data, body.data)
    })
  )
})

layer(TestServer.layer({ CHAT_FIND_RATE_LIMIT: "25/hour" }), { excludeTestServices: true })(
  "looking for users",
  (it) => {
    it.effect("is limited for each user: phones more than ids, and the known not at all", () =>
      Effect.gen(function* () {
        const [ann, bob, eve] = yield* Effect.all([register(), register(), register()])
        yield* befriend(ann, bob)
        const guesses = Array.from({ length: 5 }, (_, index) => String(1_000 + index)).join(",")
        for (const query of [phoneOf(bob), `phone=${encodeURIComponent("+33612345678")}`, `ids=${guesses}`]) {
          assert.strictEqual((yield* find(eve, query)).status, 200, query)
        }
        for (const query of [`ids=${bob.id}`, phoneOf(bob), "name=user"]) {
          const { status, headers, body } = yield* find(eve, query)
          assert.deepStrictEqual([status, body.code, body.data], [429, 100008, null], query)
          assert.isAtLeast(Number(headers.get("retry-after")), 3_000)
        }
        // Herself, a friend: nothing is guessed.
        for (let round = 0; round < 30; round += 1) {
          assert.strictEqual((yield* find(ann, `ids=${bob.id},${ann.id}`)).status, 200)
        }
        assert.strictEqual((yield* find(ann, phoneOf(eve))).status, 200)
      })
    )
  }
)
