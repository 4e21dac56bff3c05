/** Requests to get into groups over HTTP, answered by several at once (protocol.md section 2.2). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as TestServer from "../support/TestServer.ts"
import { register, request, type TestUser } from "../support/Users.ts"

const social = (method: string, path: string, { token }: TestUser, body?: unknown) =>
  Effect.map(request(method, `/v1/social/${path}`, { token, body }), ({ body }) => body)

const membersOf = (groupId: string, asker: TestUser) =>
  Effect.map(social("GET", `group/users?groupId=${groupId}`, asker), ({ data }) =>
    (data.list as ReadonlyArray<{ userId: string }>).map(({ userId }) => userId)
  )

layer(TestServer.layer(), { excludeTestServices: true })("requests to get into groups", (it) => {
  it.effect("are passed by two managers at once as by one after the other: the second has no effect", () =>
    Effect.gen(function* () {
      const [ann, bob, eve] = yield* Effect.all([register(), register(), register()])
      const founded = yield* social("POST", "group", ann, { name: "us", isVerify: true, userIds: [bob.id] })
      const { groupId } = founded.data
      yield* social("PUT", "group/users", ann, { groupId, userId: bob.id, roleLevel: 2 })
      for (let round = 0; round < 20; round++) {
        const asked = yield* social("POST", "group/putIn", eve, { groupId })
        const [{ groupReqId }] = asked.data.requests
        const pass = (user: TestUser) => social("PUT", "group/putIn", user, { groupReqId, handleResult: 2 })
        const answers = yield* Effect.all([pass(ann), pass(bob), pass(ann)], { concurrency: "unbounded" })
        assert.deepStrictEqual(
          answers.map(({ code }) => code),
          [200, 200, 200]
        )
        assert.sameMembers(yield* membersOf(groupId, ann), [ann.id, bob.id, eve.id])
        yield* social("DELETE", `group/users?groupId=${groupId}`, eve)
        assert.sameMembers(yield* membersOf(groupId, ann), [ann.id, bob.id])
      }
    })
  )

  it.effect("are made, or not needed, when a manager wants to approve from now on", () =>
    Effect.gen(function* () {
      const [ann, eve] = yield* Effect.all([register(), register()])
      const { groupId } = (yield* social("POST", "group", ann, { name: "us" })).data
      for (let round = 0; round < 20; round++) {
        const [asked] = yield* Effect.all(
          [
            Effect.delay(social("POST", "group/putIn", eve, { groupId }), `${round % 6} millis`),
            social("PATCH", "group", ann, { groupId, isVerify: true })
          ],
          { concurrency: "unbounded" }
        )
        assert.oneOf(asked.data?.handleResult, [1, 2], JSON.stringify(asked))
        const isIn = asked.data.handleResult === 2
        assert.sameMembers(yield* membersOf(groupId, ann), isIn ? [ann.id, eve.id] : [ann.id])
        const end = asked.data.handleResult === 1 ? "group/putIn" : `group/users?groupId=${groupId}`
        const groupReqId = asked.data.requests[0]?.groupReqId
        yield* social(groupReqId ? "PUT" : "DELETE", end, eve, groupReqId && { groupReqId, handleResult: 4 })
        assert.sameMembers(yield* membersOf(groupId, ann), [ann.id])
        yield* social("PATCH", "group", ann, { groupId, isVerify: false })
      }
    })
  )
})
