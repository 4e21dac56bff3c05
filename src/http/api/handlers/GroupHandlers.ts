/** Handlers of the HTTP endpoints for groups. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { GroupInvitations } from "../../../domain/groups/GroupInvitation.ts"
import { Groups } from "../../../domain/groups/Groups.ts"
import { GroupService } from "../../../domain/services/GroupService.ts"
import { Ids } from "../../../domain/shared/Ids.ts"
import { Api } from "../Api.ts"
import { callerId } from "../Authorization.ts"
import { success } from "../Envelope.ts"
import { groupEntry, groupRequestEntry, groupUser, invitationLimits } from "../GroupEntries.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "group",
  Effect.fnUntraced(function* (handlers) {
    const service = yield* GroupService
    const groups = yield* Groups
    const invitations = yield* GroupInvitations
    const ids = yield* Ids

    return handlers.handleAll({
      create: Effect.fnUntraced(function* ({ payload: { clientId = ids.uniqueId(), ...group } }) {
        const author = { senderId: yield* callerId, clientId }
        return success(yield* service.create(author, group))
      }),
      change: Effect.fnUntraced(function* ({ payload: { groupId, ...changes } }) {
        yield* service.change(yield* callerId, groupId, changes)
        return success({})
      }),
      list: Effect.fnUntraced(function* ({ query }) {
        const list = yield* groups.list(yield* callerId, query.after)
        return success({ list: list.map(groupEntry) })
      }),
      invite: Effect.fnUntraced(function* ({ payload }) {
        return success(yield* service.join({ senderId: yield* callerId, clientId: ids.uniqueId() }, payload))
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
      createInvitation: Effect.fnUntraced(function* ({ payload: { groupId, ...limits } }) {
        const invitation = yield* invitations.create(yield* callerId, groupId, invitationLimits(limits))
        return success({ invitation })
      }),
      invitations: Effect.fnUntraced(function* ({ query }) {
        return success({ list: yield* invitations.list(yield* callerId, query.groupId) })
      }),
      revokeInvitation: Effect.fnUntraced(function* ({ query: { groupId, id } }) {
        yield* invitations.revoke(yield* callerId, groupId, id)
        return success({})
      }),
      invitedGroup: Effect.fnUntraced(function* ({ query }) {
        return success(yield* invitations.find(query.code))
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
