/** Requests to get into groups over HTTP, RPC and socket, answered by several at once (protocol.md sections 1.6, 2.2 and 3.1). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { GroupId, UserId } from "../../src/domain/shared/Ids.ts"
import { connect, type Peer } from "../support/Peer.ts"
import { serviceClient } from "../support/RpcClients.ts"
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
      const [ann, bob, eve] = yield* Effect.all([register(), register(), register()])
      const { groupId } = (yield* social("POST", "group", ann, { name: "us", userIds: [bob.id] })).data
      for (let round = 0; round < 20; round++) {
        const [asked] = yield* Effect.all(
          [
            Effect.delay(social("POST", "group/putIn", bob, { groupId, userIds: [eve.id] }), `${round % 6} millis`),
            social("PATCH", "group", ann, { groupId, isVerify: true })
          ],
          { concurrency: "unbounded" }
        )
        assert.oneOf(asked.data?.handleResult, [1, 2], JSON.stringify(asked))
        const isIn = asked.data.handleResult === 2
        assert.sameMembers(yield* membersOf(groupId, ann), isIn ? [ann.id, bob.id, eve.id] : [ann.id, bob.id])
        const end = asked.data.handleResult === 1 ? "group/putIn" : `group/users?groupId=${groupId}`
        const groupReqId = asked.data.requests[0]?.groupReqId
        yield* social(groupReqId ? "PUT" : "DELETE", end, eve, groupReqId && { groupReqId, handleResult: 4 })
        assert.sameMembers(yield* membersOf(groupId, ann), [ann.id, bob.id])
        yield* social("PATCH", "group", ann, { groupId, isVerify: false })
      }
    })
  )

  it.effect("are the same over HTTP, RPC and socket: one invites, one lists, one passes", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const rpc = yield* serviceClient
      const [ann, bob, eve, joe] = yield* Effect.all([register(), register(), register(), register()])
      const userIdOf = ({ id }: TestUser) => id as UserId
      const founded = yield* social("POST", "group", ann, { name: "us", isVerify: true, userIds: [bob.id] })
      const groupId = founded.data.groupId as GroupId
      const [annPeer, bobPeer] = yield* Effect.all([connect(chatUrl, ann.token), connect(chatUrl, bob.token)])
      const ask = (peer: Peer, id: string, method: string, data: unknown) =>
        Effect.flatMap(
          Effect.sync(() => peer.send({ id, method, data })),
          () => Effect.map(peer.answer(id), ({ frameType, data }) => ({ frameType, data: data as never }))
        )

      const invited = yield* ask(bobPeer, "i1", "group.invite", { groupId, userIds: [eve.id], reqMsg: "a friend" })
      assert.deepNestedInclude(invited, { frameType: 2, "data.handleResult": 1, "data.requests[0].userId": eve.id })
      // While the request waits, inviting again answers with it.
      assert.deepStrictEqual(
        (yield* ask(bobPeer, "i2", "group.invite", { groupId, userIds: [eve.id] })).data,
        invited.data
      )
      const byService = yield* rpc.GroupPutIn({ userId: userIdOf(bob), groupId, userIds: [userIdOf(joe)] })
      assert.strictEqual(byService.handleResult, 1)

      const listed = yield* rpc.GroupPutInList({ userId: userIdOf(ann), groupId })
      assert.deepStrictEqual(
        listed.map(({ userId, inviterUserId, reqMsg }) => [userId, inviterUserId, reqMsg]),
        [
          [joe.id, bob.id, ""],
          [eve.id, bob.id, "a friend"]
        ]
      )
      const [joes, eves] = listed
      assert.isDefined(joes)
      assert.isDefined(eves)
      const notByBob = yield* ask(bobPeer, "r1", "group.respond", { groupReqId: eves.id, handleResult: 2 })
      assert.deepNestedInclude(notByBob, { frameType: 9, "data.code": 100005 })
      const byAnn = yield* ask(annPeer, "r2", "group.respond", { groupReqId: eves.id, handleResult: 2 })
      assert.strictEqual(byAnn.frameType, 2)
      yield* rpc.GroupPutInHandle({ userId: userIdOf(ann), groupReqId: joes.id, handleResult: 2 })
      assert.sameMembers(yield* membersOf(groupId, ann), [ann.id, bob.id, eve.id, joe.id])

      yield* rpc.GiveGroupRole({ userId: userIdOf(ann), groupId, memberId: userIdOf(bob), roleLevel: 2 })
      yield* rpc.ChangeGroup({ userId: userIdOf(bob), groupId, name: "them", isVerify: false })
      yield* rpc.RemoveFromGroup({ userId: userIdOf(bob), groupId, memberId: userIdOf(eve) })
      assert.deepStrictEqual(
        (yield* rpc.GroupUsers({ userId: userIdOf(ann), groupId })).map(({ userId, roleLevel }) => [userId, roleLevel]),
        [
          [ann.id, 1],
          [bob.id, 2],
          [joe.id, 3]
        ]
      )
      const [group] = yield* rpc.GroupList({ userId: userIdOf(joe) })
      assert.deepInclude(group, { id: groupId, name: "them", isVerify: false, roleLevel: 3, memberCount: 3 })

      // At once by an invitation; the same frame again, after a doubt, has the effect of once.
      const evePeer = yield* connect(chatUrl, eve.token)
      const { code } = yield* rpc.CreateGroupInvitation({ userId: userIdOf(bob), groupId, usesMax: 1 })
      const back = yield* ask(evePeer, "back", "group.invite", { groupId, invitation: code })
      assert.deepInclude(back, { frameType: 2, data: { handleResult: 2, requests: [] } as never })
      const history = () => ask(evePeer, "h", "conversation.history", { conversationID: groupId })
      const before = yield* history()
      const again = yield* ask(evePeer, "back", "group.invite", { groupId, invitation: code })
      assert.deepStrictEqual(again, back)
      assert.deepStrictEqual(yield* history(), before)
    })
  )
})
