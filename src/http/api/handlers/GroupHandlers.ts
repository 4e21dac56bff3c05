/** Handlers of the HTTP endpoints for groups. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Groups } from "../../../domain/groups/Groups.ts"
import { GroupService } from "../../../domain/services/GroupService.ts"
import { Ids } from "../../../domain/shared/Ids.ts"
import { Api } from "../Api.ts"
import { callerId } from "../Authorization.ts"
import { success } from "../Envelope.ts"
import { groupEntry, groupRequestEntry, groupUser } from "../GroupEntries.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "group",
  Effect.fnUntraced(function* (handlers) {
    const service = yield* GroupService
    const groups = yield* Groups
    const ids = yield* Ids

    return handlers.handleAll({
      create: Effect.fnUntraced(function* ({ payload: { clientId = ids.uniqueId(), ...group } }) {
        const author = { senderId: yield* callerId, clientId }
        return success({ groupId: yield* service.create(author, group) })
      }),
      change: Effect.fnUntraced(function* ({ payload: { groupId, ...changes } }) {
        yield* service.change(yield* callerId, groupId, changes)
        return success({})
      }),
      list: Effect.fnUntraced(function* ({ query }) {
        const list = yield* groups.list(yield* callerId, query.after)
        return success({ list: list.map(groupEntry) })
      }),
      invite: Effect.fnUntraced(function* ({ payload: { groupId, reqMsg = "", userIds } }) {
        const userId = yield* callerId
        const author = { senderId: userId, clientId: ids.uniqueId() }
        return success(yield* service.invite(author, groupId, userIds ?? [userId], reqMsg))
      }),
      respond: Effect.fnUntraced(function* ({ payload: { groupReqId, handleResult } }) {
        yield* service.respond(yield* callerId, groupReqId, handleResult)
        return success({})
      }),
      requests: Effect.fnUntraced(function* ({ query: { groupId, before } }) {
        const userId = yield* callerId
        const list =
          groupId === undefined ? groups.ownRequests(userId, before) : groups.requests(userId, groupId, before)
        return success({ list: (yield* list).map(groupRequestEntry) })
      }),
      users: Effect.fnUntraced(function* ({ query: { groupId } }) {
        const members = yield* groups.members(yield* callerId, groupId)
        return success({ list: members.map((member) => groupUser(groupId, member)) })
      }),
      giveRole: Effect.fnUntraced(function* ({ payload: { groupId, userId, roleLevel } }) {
        yield* service.giveRole(yield* callerId, groupId, userId, roleLevel)
        return success({})
      }),
      remove: Effect.fnUntraced(function* ({ query: { groupId, userId } }) {
        const own = yield* callerId
        yield* service.remove(own, groupId, userId ?? own)
        return success({})
      }),
      online: Effect.fnUntraced(function* ({ query: { groupId } }) {
        return success({ onlineList: yield* service.online(yield* callerId, groupId) })
      })
    })
  })
)
