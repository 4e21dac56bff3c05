/**
 * Who may do what: every route, method and RPC, tried by everybody (protocol.md sections 1.6, 2.2, 3 and 4.7). One that
 * is missing here fails the test.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { HttpApi } from "effect/http-api"
import { NodeRpcs } from "../../src/domain/cluster/NodeRpc.ts"
import { methods } from "../../src/domain/protocol/ClientMethods.ts"
import { Api } from "../../src/http/api/Api.ts"
import { ServiceRpcs } from "../../src/http/rpc/ServiceRpc.ts"
import { callers, makeStage, type Stage, secret } from "../support/AuthorisationStage.ts"
import {
  type Codes,
  everybody,
  frame,
  heardByTarget,
  http,
  members,
  nodes,
  passedOver,
  rpc,
  services,
  type Try,
  towards,
  users
} from "../support/AuthorisationTries.ts"
import * as TestServer from "../support/TestServer.ts"
import { freshPhone, password } from "../support/Users.ts"

const nothing = () => ({})
const inGroup = ({ groupId }: Stage) => ({ conversationID: groupId })
const ofGroup = ({ groupId }: Stage) => `?groupId=${groupId}`
const text = { messageType: 0, content: "x" }

const routes: ReadonlyArray<readonly [route: string, codes: Codes, attempt: (route: string) => Try, what?: string]> = [
  ["POST /v1/user/register", everybody(), http(() => ({ phone: freshPhone(), password, nickname: "new" }))],
  ["POST /v1/user/login", everybody(200002), http(() => ({ phone: freshPhone(), password }))],
  ["POST /v1/user/refresh", everybody(), http(({ refreshToken }) => ({ refreshToken }))],
  ["GET /health/live", everybody(), http()],
  ["GET /health/ready", everybody(), http()],

  ["POST /v1/user/logout", users(200), http()],
  ["GET /v1/user/user", users(200), http()],
  ["PATCH /v1/user/user", users(200), http(() => ({ nickname: "renamed" }))],
  ["GET /v1/user/privacy", users(200), http()],
  ["PATCH /v1/user/privacy", users(200), http(() => ({ showPhone: "friends" }))],
  ["GET /v1/user/find", users(200), http(undefined, ({ targetId }) => `?ids=${targetId}`)],

  ["GET /v1/im/chatlog", members(200, 200, 200), http(undefined, ({ groupId }) => `?conversationId=${groupId}`)],
  [
    "GET /v1/im/chatlog/readRecords",
    members(200, 200, 200, 300011),
    http(undefined, ({ memberMessageId }) => `?msgId=${memberMessageId}`)
  ],
  [
    "POST /v1/im/setup/conversation",
    towards(200, 300003),
    http(({ callerId, targetId }) => ({ sendId: callerId, recvId: targetId, chatType: 1 })),
    "with the target"
  ],
  [
    "POST /v1/im/setup/conversation",
    members(200, 200, 200),
    http(({ callerId, groupId }) => ({ sendId: callerId, recvId: groupId, chatType: 0 })),
    "of the group"
  ],
  [
    "POST /v1/im/setup/conversation",
    users(100005),
    http(({ targetId, outsiderId }) => ({ sendId: targetId, recvId: outsiderId, chatType: 1 })),
    "for others"
  ],
  ["GET /v1/im/conversation", users(200), http()],
  [
    "PUT /v1/im/conversation",
    members(200, 200, 200),
    http(({ groupId }) => ({ conversationList: { [groupId]: { pinned: true, read: 1 } } }))
  ],

  ["POST /v1/social/friend/putIn", towards(200, 300003), http(({ targetId }) => ({ userId: targetId }))],
  [
    "PUT /v1/social/friend/putIn",
    users(300007),
    http(({ friendRequestId }) => ({ friendReqId: friendRequestId, handleResult: 2 })),
    "somebody else's"
  ],
  ["GET /v1/social/friend/putIns", users(200), http()],
  ["GET /v1/social/friends", users(200), http()],
  ["GET /v1/social/friends/online", users(200), http()],
  ["DELETE /v1/social/friend", users(200), http(undefined, ({ targetId }) => `?userId=${targetId}`)],
  ["POST /v1/social/block", users(200), http(({ targetId }) => ({ userId: targetId }))],
  ["DELETE /v1/social/block", users(200), http(undefined, ({ targetId }) => `?userId=${targetId}`)],
  ["GET /v1/social/blocks", users(200), http()],

  ["POST /v1/social/group", towards(200, 300003), http(({ targetId }) => ({ name: "new", userIds: [targetId] }))],
  ["PATCH /v1/social/group", members(100005, 200, 200), http(({ groupId }) => ({ groupId, name: "renamed" }))],
  ["GET /v1/social/groups", users(200), http()],
  [
    "POST /v1/social/group/putIn",
    members(100007, 100007, 100007, 200),
    http(({ groupId }) => ({ groupId })),
    "for oneself"
  ],
  [
    "POST /v1/social/group/putIn",
    members(200, 200, 200),
    http(({ groupId, outsiderId }) => ({ groupId, userIds: [outsiderId] })),
    "for others"
  ],
  [
    "PUT /v1/social/group/putIn",
    members(300007, 200, 200, 300007),
    http(({ groupRequestId }) => ({ groupReqId: groupRequestId, handleResult: 2 })),
    "pass"
  ],
  [
    "PUT /v1/social/group/putIn",
    members(300007, 200, 200, 300007),
    http(({ groupRequestId }) => ({ groupReqId: groupRequestId, handleResult: 3 })),
    "refuse"
  ],
  [
    "PUT /v1/social/group/putIn",
    users(300007),
    http(({ groupRequestId }) => ({ groupReqId: groupRequestId, handleResult: 4 })),
    "cancel"
  ],
  ["GET /v1/social/group/putIns", members(100005, 200, 200), http(undefined, ofGroup)],
  ["POST /v1/social/group/invitations", members(100005, 200, 200), http(({ groupId }) => ({ groupId }))],
  ["GET /v1/social/group/invitations", members(100005, 200, 200), http(undefined, ofGroup)],
  [
    "DELETE /v1/social/group/invitations",
    members(100005, 200, 200),
    http(undefined, ({ groupId }) => `?groupId=${groupId}&id=1`)
  ],
  ["GET /v1/social/group/invitation", users(300014), http(undefined, () => "?code=guessed")],
  [
    "POST /v1/social/group/putIn",
    members(100007, 100007, 100007, 300014),
    http(({ groupId }) => ({ groupId, invitation: "guessed" })),
    "by a code that is none"
  ],
  ["GET /v1/social/group/users", members(200, 200, 200), http(undefined, ofGroup)],
  [
    "PUT /v1/social/group/users",
    members(100005, 100005, 200),
    http(({ groupId, targetId }) => ({ groupId, userId: targetId, roleLevel: 2 })),
    "make a manager"
  ],
  [
    "PUT /v1/social/group/users",
    members(100005, 100005, 200),
    http(({ groupId, targetId }) => ({ groupId, userId: targetId, roleLevel: 1 })),
    "hand over"
  ],
  [
    "DELETE /v1/social/group/users",
    members(100005, 200, 200),
    http(undefined, ({ groupId, targetId }) => `?groupId=${groupId}&userId=${targetId}`),
    "remove"
  ],
  ["DELETE /v1/social/group/users", members(200, 200, 100005), http(undefined, ofGroup), "leave"],
  ["GET /v1/social/group/users/online", members(200, 200, 200), http(undefined, ofGroup)]
]

const calls: typeof routes = [
  [
    "conversation.chat",
    towards(200, 300003),
    frame(({ targetId }) => ({ chatType: 1, receiveId: targetId, message: text })),
    "to the target"
  ],
  [
    "conversation.chat",
    members(200, 200, 200),
    frame(({ groupId }) => ({ chatType: 0, receiveId: groupId, message: text })),
    "to the group"
  ],
  [
    "conversation.chat",
    users(100005),
    frame(({ groupId, targetId }) => ({ sendId: targetId, chatType: 0, receiveId: groupId, message: text })),
    "in another's name"
  ],
  [
    "message.recall",
    members(200, 200, 200),
    frame(({ groupId, memberSeq }) => ({ conversationID: groupId, seq: memberSeq })),
    "the member's"
  ],
  [
    "message.recall",
    members(100005, 200, 200),
    frame(({ groupId, targetSeq }) => ({ conversationID: groupId, seq: targetSeq })),
    "the target's"
  ],
  [
    "message.edit",
    members(200, 100005, 100005),
    frame(({ groupId, memberSeq }) => ({ conversationID: groupId, seq: memberSeq, content: "x" }))
  ],
  [
    "message.react",
    members(200, 200, 200),
    frame(({ groupId, memberSeq }) => ({ conversationID: groupId, seq: memberSeq, reaction: "👍" }))
  ],
  ["conversation.markRead", members(200, 200, 200), frame(({ groupId }) => ({ conversationID: groupId, seq: 1 }))],
  ["group.invite", members(100007, 100007, 100007, 200), frame(({ groupId }) => ({ groupId })), "for oneself"],
  [
    "group.invite",
    members(200, 200, 200),
    frame(({ groupId, outsiderId }) => ({ groupId, userIds: [outsiderId] })),
    "for others"
  ],
  [
    "group.respond",
    members(300007, 200, 200, 300007),
    frame(({ groupRequestId }) => ({ groupReqId: groupRequestId, handleResult: 2 }))
  ],
  ["session.active", users(200), frame(nothing, passedOver)],
  ["typing", members(200, 200, 200), frame(inGroup, heardByTarget)],
  ["conversation.history", members(200, 200, 200), frame(inGroup)],
  ["conversation.sync", users(200), frame(nothing)],
  ["user.online", users(200), frame(nothing)],
  ["presence.watch", users(200), frame(({ targetId }) => ({ userIds: [targetId] }))]
]

const rpcs: typeof routes = [
  ["Ping", services, rpc(() => null)],
  ["Login", { ...services, service: 200002, system: 200002 }, rpc(() => ({ phone: freshPhone(), password }))],
  ["Register", services, rpc(() => ({ phone: freshPhone(), password, nickname: "new" }))],
  ["GetUserInfo", services, rpc(({ targetId }) => ({ id: targetId }))],
  ["FindUser", services, rpc(({ targetId }) => ({ ids: [targetId] }))],
  ["GetChatLog", services, rpc(({ groupId }) => ({ conversationId: groupId }))],
  [
    "SetUpUserConversation",
    services,
    rpc(({ targetId, outsiderId }) => ({ sendId: targetId, recvId: outsiderId, chatType: 1 }))
  ],
  ["GetConversations", services, rpc(({ targetId }) => ({ userId: targetId }))],
  [
    "PutConversations",
    services,
    rpc(({ targetId, groupId }) => ({ userId: targetId, conversationList: { [groupId]: { read: 1 } } }))
  ],
  ["CreateGroupConversation", services, rpc(({ targetId }) => ({ creatorId: targetId, clientId: "g", name: "new" }))],
  [
    "SendMessage",
    services,
    rpc(({ targetId, groupId }) => ({
      sendId: targetId,
      receiveId: groupId,
      clientId: "m",
      chatType: 0,
      message: text
    }))
  ],
  [
    "GroupPutIn",
    services,
    rpc(({ targetId, groupId, outsiderId }) => ({ userId: targetId, groupId, userIds: [outsiderId] }))
  ],
  [
    "GroupPutInHandle",
    services,
    rpc(({ outsiderId, groupRequestId }) => ({ userId: outsiderId, groupReqId: groupRequestId, handleResult: 4 }))
  ],
  ["GroupPutInList", services, rpc(({ outsiderId }) => ({ userId: outsiderId }))],
  [
    "CreateGroupInvitation",
    { ...services, service: 100005, system: 100005 },
    rpc(({ targetId, groupId }) => ({ userId: targetId, groupId }))
  ],
  [
    "GroupInvitationList",
    { ...services, service: 100005, system: 100005 },
    rpc(({ targetId, groupId }) => ({ userId: targetId, groupId }))
  ],
  [
    "RevokeGroupInvitation",
    { ...services, service: 100005, system: 100005 },
    rpc(({ targetId, groupId }) => ({ userId: targetId, groupId, id: "1" }))
  ],
  ["GroupList", services, rpc(({ targetId }) => ({ userId: targetId }))],
  ["GroupUsers", services, rpc(({ targetId, groupId }) => ({ userId: targetId, groupId }))],
  [
    "ChangeGroup",
    { ...services, service: 100005, system: 100005 },
    rpc(({ targetId, groupId }) => ({ userId: targetId, groupId, name: "renamed" }))
  ],
  [
    "GiveGroupRole",
    { ...services, service: 100005, system: 100005 },
    rpc(({ targetId, groupId }) => ({ userId: targetId, groupId, memberId: targetId, roleLevel: 2 }))
  ],
  ["RemoveFromGroup", services, rpc(({ targetId, groupId }) => ({ userId: targetId, groupId, memberId: targetId }))],
  ["Messages", services, rpc(({ groupId }) => ({ conversationId: groupId }))]
]

const ofNodes = (payload: unknown) => rpc(() => payload, "/nodes")
const nodeRpcs: typeof routes = [
  ["Deliver", nodes, ofNodes({ outcomes: [] })],
  ["Resync", nodes, ofNodes(null)],
  ["RelayEvents", nodes, ofNodes({ nodeId: "1", events: [] })],
  ["RevokeSessions", nodes, ofNodes({ revocations: [] })]
]

layer(TestServer.layer({ CHAT_JWT_SECRET: secret }), { excludeTestServices: true })("who may do what", (it) => {
  it.effect("is told of every route, method and RPC", () =>
    Effect.sync(() => {
      const known: Array<string> = []
      HttpApi.reflect(Api, {
        onGroup: () => {},
        onEndpoint: ({ endpoint }) => known.push(`${endpoint.method} ${endpoint.path}`)
      })
      const namesOf = (rows: typeof routes) => [...new Set(rows.map(([name]) => name))]
      assert.sameMembers(namesOf(routes), known)
      assert.sameMembers(
        namesOf(calls),
        Object.values(methods).map(({ name }) => name)
      )
      assert.sameMembers(namesOf(rpcs), [...ServiceRpcs.requests.keys()])
      assert.sameMembers(namesOf(nodeRpcs), [...NodeRpcs.requests.keys()])
    })
  )

  for (const [name, codes, attempt, what] of [...routes, ...calls, ...rpcs, ...nodeRpcs]) {
    it.effect(what === undefined ? name : `${name}: ${what}`, () =>
      Effect.gen(function* () {
        const answered: Record<string, number> = {}
        for (const caller of callers) {
          answered[caller] = yield* Effect.scoped(Effect.flatMap(makeStage(caller), attempt(name)))
        }
        assert.deepStrictEqual(answered, { ...codes })
      })
    )
  }
})
