/** Handlers of the HTTP endpoints for groups. What changes a group is sent into it as a message. */
import { Clock, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { MessageSender } from "../../../actors/delivery/MessageSender.ts"
import { Contacts } from "../../../domain/contacts/Contacts.ts"
import { Presence } from "../../../domain/contacts/Presence.ts"
import { type GroupEvent, type GroupId, isManager, Role } from "../../../domain/groups/Group.ts"
import { answerProblem, closedBefore, decideAnswer, type GroupRequest } from "../../../domain/groups/GroupRequest.ts"
import { Groups } from "../../../domain/groups/Groups.ts"
import { founding, happening } from "../../../domain/messages/Drafting.ts"
import { type Failure, failure, isFailure } from "../../../domain/shared/Failure.ts"
import { type GroupRequestId, Ids, type UserId } from "../../../domain/shared/Ids.ts"
import { HandleResult, type RequestAnswer } from "../../../domain/shared/Request.ts"
import { Api } from "../Api.ts"
import { callerId } from "../Authorization.ts"
import { success } from "../Envelope.ts"
import { onlineList } from "./onlineList.ts"

const requestEntry = (request: GroupRequest) => ({
  id: request.id,
  groupId: request.groupId,
  userId: request.userId,
  inviterUserId: request.inviterId,
  reqMsg: request.message,
  reqTime: request.requestedAt,
  handleResult: request.handleResult,
  ...(request.handledBy === undefined ? {} : { handleUserId: request.handledBy }),
  ...(request.handledAt === undefined ? {} : { handleTime: request.handledAt })
})

export const layer = HttpApiBuilder.group(
  Api,
  "group",
  Effect.fnUntraced(function* (handlers) {
    const groups = yield* Groups
    const sender = yield* MessageSender
    const contacts = yield* Contacts
    const presence = yield* Presence
    const ids = yield* Ids

    const happen = (senderId: UserId, groupId: GroupId, event: GroupEvent, clientId: string = ids.uniqueId()) =>
      sender.send(happening({ senderId, clientId }, groupId, event))

    /** Lets users in at once, or has managers asked. */
    const bringIn = Effect.fnUntraced(function* (
      userId: UserId,
      groupId: GroupId,
      userIds: ReadonlyArray<UserId>,
      message: string
    ) {
      const standing = yield* groups.standing(groupId, userId)
      const isOutside = standing?.role === Role.former
      if (standing === undefined || (isOutside && userIds.some((named) => named !== userId))) {
        return yield* failure("NoConversation")
      }
      if (!standing.isVerify || isManager(standing.role)) {
        const isIn = yield* happen(userId, groupId, { event: "joined", userIds }).pipe(
          Effect.as(true),
          // Since that look managers want to approve, or the caller is none of them any more.
          Effect.catchIf(
            (error) => error._tag === "Forbidden",
            () => Effect.succeed(false)
          )
        )
        if (isIn) return { handleResult: HandleResult.pass, requests: [] }
      }
      const requestedAt = yield* Clock.currentTimeMillis
      const requests = yield* groups.ask(
        [...new Set(userIds)].map((named) => ({
          id: ids.uniqueId() as GroupRequestId,
          groupId,
          userId: named,
          inviterId: userId,
          message,
          requestedAt
        }))
      )
      return {
        handleResult: HandleResult.none,
        requests: requests.map(({ id, userId }) => ({ groupReqId: id, userId }))
      }
    })

    const handle = Effect.fnUntraced(function* (userId: UserId, id: GroupRequestId, result: RequestAnswer) {
      const request = yield* groups.request(id)
      if (request === undefined) return yield* failure("NoRequest")
      const { groupId, userId: asking } = request
      const standing = yield* groups.standing(groupId, userId)
      const problem = answerProblem(userId, standing?.role ?? Role.former, result, request)
      if (problem !== undefined) return yield* problem
      if (result !== HandleResult.pass) {
        return yield* groups.close(id, result, userId, yield* Clock.currentTimeMillis)
      }
      const decision = decideAnswer(result, request.handleResult)
      if (isFailure(decision)) return yield* decision
      if (decision === "Repeats") return
      // Joining closes the request. What is not pending any more was closed meanwhile, perhaps by the same answer.
      yield* happen(userId, groupId, { event: "joined", userIds: [asking], asked: true }, `request ${id}`).pipe(
        Effect.asVoid,
        Effect.catchIf(
          (error) => error._tag === "NoRequest" || error._tag === "Conflict",
          (error) =>
            Effect.flatMap(groups.request(id), (now): Effect.Effect<void, Failure> => {
              if (now?.handleResult === result) return Effect.void
              return Effect.fail(error._tag === "NoRequest" ? closedBefore : error)
            })
        )
      )
    })

    return handlers.handleAll({
      create: Effect.fnUntraced(function* ({ payload: { clientId = ids.uniqueId(), ...group } }) {
        const author = { senderId: yield* callerId, clientId }
        const message = yield* sender.send(founding(author, ids.uniqueId() as GroupId, group))
        return success({ groupId: message.conversationID })
      }),
      change: Effect.fnUntraced(function* ({ payload: { groupId, ...changes } }) {
        yield* happen(yield* callerId, groupId, { event: "changed", ...changes })
        return success({})
      }),
      list: Effect.fnUntraced(function* ({ query: { after = "" } }) {
        const list = yield* groups.list(yield* callerId, after)
        return success({ list: list.map(({ role, ...group }) => ({ ...group, roleLevel: role })) })
      }),
      ask: Effect.fnUntraced(function* ({ payload: { groupId, reqMsg = "", userIds } }) {
        const userId = yield* callerId
        return success(yield* bringIn(userId, groupId, userIds ?? [userId], reqMsg))
      }),
      handle: Effect.fnUntraced(function* ({ payload: { groupReqId, handleResult } }) {
        yield* handle(yield* callerId, groupReqId, handleResult)
        return success({})
      }),
      requests: Effect.fnUntraced(function* ({ query: { groupId, before } }) {
        const userId = yield* callerId
        const list =
          groupId === undefined ? groups.ownRequests(userId, before) : groups.requests(userId, groupId, before)
        return success({ list: (yield* list).map(requestEntry) })
      }),
      users: Effect.fnUntraced(function* ({ query: { groupId } }) {
        const members = yield* groups.members(yield* callerId, groupId)
        return success({
          list: members.map(({ userId, nickname, avatar, role }) => ({
            groupId,
            userId,
            nickname,
            userAvatarUrl: avatar,
            roleLevel: role
          }))
        })
      }),
      giveRole: Effect.fnUntraced(function* ({ payload: { groupId, userId, roleLevel } }) {
        yield* happen(yield* callerId, groupId, { event: "role", userId, role: roleLevel })
        return success({})
      }),
      remove: Effect.fnUntraced(function* ({ query: { groupId, userId } }) {
        const own = yield* callerId
        const isLeaving = userId === undefined || userId === own
        yield* happen(own, groupId, isLeaving ? { event: "left" } : { event: "removed", userIds: [userId] })
        return success({})
      }),
      online: Effect.fnUntraced(function* ({ query: { groupId } }) {
        const reader = yield* callerId
        const members = yield* groups.companions(reader, groupId)
        const idsOf = (wanted: boolean) => members.flatMap(({ userId, isOpen }) => (isOpen === wanted ? [userId] : []))
        const closed = idsOf(false)
        const visible = [...idsOf(true), ...(yield* contacts.among(reader, closed))]
        const hidden = Object.fromEntries(closed.map((userId) => [userId, false]))
        return success({ onlineList: { ...hidden, ...(yield* onlineList(presence, visible)) } })
      })
    })
  })
)
