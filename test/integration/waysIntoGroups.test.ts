/** Ways into groups over HTTP, RPC and sockets: by invitations, by requests, by others (protocol.md section 2.2). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { GroupId, UserId } from "../../src/domain/shared/Ids.ts"
import { connect } from "../support/Peer.ts"
import { serviceClient } from "../support/RpcClients.ts"
import * as TestServer from "../support/TestServer.ts"
import { registerNewcomer, request, setPrivacy, type TestUser } from "../support/Users.ts"

const social = (method: string, path: string, { token }: TestUser, body?: unknown) =>
  Effect.map(request(method, `/v1/social/${path}`, { token, body }), ({ body }) => body)

const found = (user: TestUser, ...others: ReadonlyArray<TestUser>) =>
  Effect.map(social("POST", "group", user, { name: "us", userIds: others.map(({ id }) => id) }), ({ data }) => data)

const membersOf = (groupId: string, asker: TestUser) =>
  Effect.map(social("GET", `group/users?groupId=${groupId}`, asker), ({ data }) =>
    (data.list as ReadonlyArray<{ userId: string }>).map(({ userId }) => userId)
  )

const befriend = (one: TestUser, other: TestUser) =>
  Effect.andThen(
    social("POST", "friend/putIn", one, { userId: other.id }),
    social("POST", "friend/putIn", other, { userId: one.id })
  )

layer(TestServer.layer(), { excludeTestServices: true })("a group", (it) => {
  it.effect("opens to no guessed id: a manager decides, also where members bring others in at once", () =>
    Effect.gen(function* () {
      const [ann, eve] = yield* Effect.all([registerNewcomer(), registerNewcomer()])
      const { groupId } = yield* found(ann)
      const asked = yield* social("POST", "group/putIn", eve, { groupId })
      assert.strictEqual(asked.data.handleResult, 1)
      assert.deepStrictEqual(yield* membersOf(groupId, ann), [ann.id])
      const [{ groupReqId }] = asked.data.requests
      yield* social("PUT", "group/putIn", ann, { groupReqId, handleResult: 2 })
      assert.sameMembers(yield* membersOf(groupId, ann), [ann.id, eve.id])
    })
  )

  it.effect("opens at once by an invitation's code, until that is used up or revoked", () =>
    Effect.gen(function* () {
      const [ann, bob, eve, joe] = yield* Effect.all([
        registerNewcomer(),
        registerNewcomer(),
        registerNewcomer(),
        registerNewcomer()
      ])
      const { groupId } = yield* found(ann)
      const invite = (body: object = {}) =>
        Effect.map(social("POST", "group/invitations", ann, { groupId, ...body }), ({ data }) => data.invitation)
      const join = (user: TestUser, code: string) =>
        Effect.map(social("POST", "group/putIn", user, { groupId, invitation: code }), ({ code, data }) =>
          code === 200 ? data : code
        )
      const once = yield* invite({ usesMax: 1 })
      const shown = yield* social("GET", `group/invitation?code=${once.code}`, bob)
      assert.deepStrictEqual(shown.data, { groupId, name: "us", icon: "", memberCount: 1 })
      assert.deepStrictEqual(yield* join(bob, once.code), { handleResult: 2, requests: [] })
      assert.strictEqual(yield* join(bob, once.code), 100007)
      assert.strictEqual(yield* join(eve, once.code), 300014)
      assert.strictEqual((yield* social("GET", `group/invitation?code=${once.code}`, eve)).code, 300014)
      // The code opens no other group, and the id of the invitation, which members see, opens none.
      const other = yield* found(joe)
      const week = yield* invite()
      assert.strictEqual(week.expiresAt - week.createdAt, 7 * 86_400_000)
      const wrong = yield* social("POST", "group/putIn", eve, { groupId: other.groupId, invitation: week.code })
      assert.strictEqual(wrong.code, 300014)
      assert.strictEqual(yield* join(eve, week.id), 300014)
      assert.strictEqual(
        (yield* social("POST", "group/putIn", bob, { groupId, userIds: [eve.id], invitation: week.code })).code,
        100002
      )
      assert.deepStrictEqual((yield* social("GET", `group/invitations?groupId=${groupId}`, ann)).data.list, [week])
      yield* social("DELETE", `group/invitations?groupId=${groupId}&id=${week.id}`, ann)
      assert.strictEqual(yield* join(eve, week.code), 300014)
      assert.sameMembers(yield* membersOf(groupId, ann), [ann.id, bob.id])
      for (const bad of [{ usesMax: 0 }, { usesMax: 2_001 }, { validFor: 1 }, { validFor: 367 * 86_400_000 }]) {
        assert.strictEqual((yield* social("POST", "group/invitations", ann, { groupId, ...bad })).code, 100002)
      }
    })
  )

  it.effect("gets nobody whom its founder does not know, over HTTP, RPC and socket: they are asked", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const rpc = yield* serviceClient
      const [ann, bob, eve] = yield* Effect.all([registerNewcomer(), registerNewcomer(), registerNewcomer()])
      yield* befriend(ann, bob)
      const { groupId, requests } = yield* found(ann, bob, eve)
      assert.sameMembers(yield* membersOf(groupId, ann), [ann.id, bob.id])
      assert.deepStrictEqual(
        requests.map(({ userId }: { userId: string }) => userId),
        [eve.id]
      )
      const byService = yield* rpc.CreateGroupConversation({
        creatorId: ann.id as UserId,
        clientId: "by a service",
        name: "we",
        userIds: [bob.id, eve.id] as ReadonlyArray<string> as ReadonlyArray<UserId>
      })
      assert.deepStrictEqual(
        byService.requests.map(({ userId }) => userId as string),
        [eve.id]
      )
      assert.sameMembers(yield* membersOf(byService.conversationId, ann), [ann.id, bob.id])
      const again = yield* rpc.GroupPutIn({
        userId: bob.id as UserId,
        groupId: byService.conversationId as string as GroupId,
        userIds: [eve.id as UserId]
      })
      // The request that waits for her already.
      assert.deepStrictEqual(again, { handleResult: 1, requests: byService.requests })
      const annPeer = yield* connect(chatUrl, ann.token)
      annPeer.send({ id: "i", method: "group.invite", data: { groupId, userIds: [eve.id] } })
      assert.deepStrictEqual((yield* annPeer.answer("i")).data, { handleResult: 1, requests })
    })
  )

  it.effect("is what a user decides on who is asked: they see its name, accept, refuse or cancel", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const [ann, eve, joe] = yield* Effect.all([registerNewcomer(), registerNewcomer(), registerNewcomer()])
      const { groupId, requests } = yield* found(ann, eve, joe)
      const requestOf = (user: TestUser) =>
        requests.find(({ userId }: { userId: string }) => userId === user.id).groupReqId
      const [seen] = (yield* social("GET", "group/putIns", eve)).data.list
      assert.deepInclude(seen, {
        ...{ id: requestOf(eve), groupId, userId: eve.id, inviterUserId: ann.id },
        ...{ awaitsUser: true, groupName: "us", handleResult: 1 }
      })
      const respond = (user: TestUser, of: TestUser, handleResult: number) =>
        Effect.map(
          social("PUT", "group/putIn", user, { groupReqId: requestOf(of), handleResult }),
          ({ code }) => code as number
        )
      // Nobody else accepts it, nor is it anybody's who has nothing to do with it.
      assert.deepStrictEqual([yield* respond(ann, eve, 2), yield* respond(joe, eve, 2)], [100005, 300007])
      const evePeer = yield* connect(chatUrl, eve.token)
      evePeer.send({ id: "accept", method: "group.respond", data: { groupReqId: requestOf(eve), handleResult: 2 } })
      assert.strictEqual((yield* evePeer.answer("accept")).frameType, 2)
      assert.sameMembers(yield* membersOf(groupId, ann), [ann.id, eve.id])
      assert.deepStrictEqual([yield* respond(joe, joe, 3), yield* respond(joe, joe, 3)], [200, 200])
      assert.strictEqual(yield* respond(joe, joe, 2), 100007)
      assert.sameMembers(yield* membersOf(groupId, ann), [ann.id, eve.id])
    })
  )

  it.effect("lets in who asks for what they were asked, at once or when a manager has approved", () =>
    Effect.gen(function* () {
      const [ann, bob, eve] = yield* Effect.all([registerNewcomer(), registerNewcomer(), registerNewcomer()])
      yield* befriend(ann, bob)
      const { groupId } = yield* found(ann, bob)
      yield* social("POST", "group/putIn", bob, { groupId, userIds: [eve.id] })
      const joined = yield* social("POST", "group/putIn", eve, { groupId })
      assert.deepStrictEqual(joined.data, { handleResult: 2, requests: [] })
      yield* social("DELETE", `group/users?groupId=${groupId}`, eve)
      yield* social("PATCH", "group", ann, { groupId, isVerify: true })
      const asked = yield* social("POST", "group/putIn", bob, { groupId, userIds: [eve.id] })
      const accepted = yield* social("POST", "group/putIn", eve, { groupId })
      assert.deepStrictEqual(accepted.data, { handleResult: 1, requests: asked.data.requests })
      assert.sameMembers(yield* membersOf(groupId, ann), [ann.id, bob.id])
      const [waiting] = (yield* social("GET", `group/putIns?groupId=${groupId}`, ann)).data.list
      assert.deepInclude(waiting, { userId: eve.id, awaitsUser: false, handleResult: 1 })
      yield* social("PUT", "group/putIn", ann, { groupReqId: waiting.id, handleResult: 2 })
      assert.sameMembers(yield* membersOf(groupId, ann), [ann.id, bob.id, eve.id])
      // The member who asked has left: what waited for her is the manager's to decide, and does not keep her out.
      yield* social("DELETE", `group/users?groupId=${groupId}`, eve)
      yield* social("POST", "group/putIn", bob, { groupId, userIds: [eve.id] })
      yield* social("DELETE", `group/users?groupId=${groupId}`, bob)
      const late = yield* social("POST", "group/putIn", eve, { groupId })
      assert.strictEqual(late.data.handleResult, 1)
      const [{ groupReqId }] = late.data.requests
      assert.strictEqual((yield* social("PUT", "group/putIn", ann, { groupReqId, handleResult: 2 })).code, 200)
      assert.sameMembers(yield* membersOf(groupId, ann), [ann.id, eve.id])
    })
  )

  it.effect("of a blocked user gets the blocker by no friend of both who is not let", () =>
    Effect.gen(function* () {
      const [ann, mallory, fred] = yield* Effect.all([registerNewcomer(), registerNewcomer(), registerNewcomer()])
      yield* befriend(mallory, fred)
      yield* social("POST", "block", ann, { userId: mallory.id })
      const { groupId } = yield* found(mallory, fred)
      const brought = yield* social("POST", "group/putIn", fred, { groupId, userIds: [ann.id] })
      assert.strictEqual(brought.data.handleResult, 1)
      assert.deepStrictEqual((yield* social("GET", "groups", ann)).data.list, [])
      // Nobody at all, once she wants it so: not even friends.
      yield* befriend(ann, fred)
      yield* setPrivacy({ addToGroups: "nobody" }, ann)
      const { groupId: other, requests } = yield* found(fred, ann)
      assert.lengthOf(requests, 1)
      assert.deepStrictEqual(yield* membersOf(other, fred), [fred.id])
    })
  )
})
