/** Use cases of groups, for HTTP, RPC and socket alike. A change of a group is a message in it. */
import { Clock, Context, Effect, Layer } from "effect"
import { Budgets, spend } from "../connection/Budgets.ts"
import { Contacts } from "../contacts/Contacts.ts"
import { onlineRecord, Presence } from "../contacts/Presence.ts"
import type { ContactRefusal } from "../contacts/UserPair.ts"
import { type EventOf, type GroupEvent, isManager, Role, type RoleLevel } from "../groups/Group.ts"
import { checkResponse, closedBefore, decideResponse, type GroupRequest } from "../groups/GroupRequest.ts"
import { Groups } from "../groups/Groups.ts"
import type { Joining } from "../groups/Joining.ts"
import { type Author, groupEvent, newGroup, type UnsentGroupEvent } from "../messages/Draft.ts"
import { groupOf } from "../shared/ConversationIds.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import { type GroupId, type GroupRequestId, Ids, type UserId } from "../shared/Ids.ts"
import { HandleResult, type RequestResponse } from "../shared/Request.ts"
import { MessageSender, type SendFailure } from "./MessageSender.ts"

/** Units of founding a group, and one more for each of its members. */
const foundingUnits = 10

/** The errors with which an event of this kind fails. */
type EventFailure<Kind extends GroupEvent["event"]> = SendFailure<UnsentGroupEvent<EventOf<Kind>>>

export class GroupService extends Context.Service<
  GroupService,
  {
    /** Creates a group. Calling twice with the same author creates it once. */
    readonly create: (
      author: Author,
      group: {
        readonly name: string
        readonly icon?: string
        readonly isVerify?: boolean
        readonly userIds?: ReadonlyArray<UserId>
      }
    ) => Effect.Effect<GroupId, Exclude<EventFailure<"created">, Failure<"NoConversation">>>
    readonly change: (
      userId: UserId,
      groupId: GroupId,
      changes: Omit<EventOf<"changed">, "event">
    ) => Effect.Effect<void, EventFailure<"changed">>
    /**
     * Brings these users in, or the author themselves: at once where that needs no approval, otherwise by requests. Calling
     * twice with the same author has the effect of once.
     */
    readonly invite: (
      author: Author,
      groupId: GroupId,
      invited: ReadonlyArray<UserId>,
      message: string
    ) => Effect.Effect<Joining, Exclude<EventFailure<"joined">, Failure<"Forbidden" | "NoRequest">>>
    /** Responds to a request. The same response again has no effect. */
    readonly respond: (
      userId: UserId,
      id: GroupRequestId,
      response: RequestResponse
    ) => Effect.Effect<void, Exclude<EventFailure<"joined">, Failure<ContactRefusal | "UserNotFound">>>
    readonly giveRole: (
      userId: UserId,
      groupId: GroupId,
      member: UserId,
      role: RoleLevel
    ) => Effect.Effect<void, EventFailure<"role">>
    /** Removes a member; where that is the user, they leave. */
    readonly remove: (
      userId: UserId,
      groupId: GroupId,
      member: UserId
    ) => Effect.Effect<void, EventFailure<"left" | "removed">>
    /** Whether each member is online; `false` for those whose presence the reader may not see. */
    readonly online: (
      reader: UserId,
      groupId: GroupId
    ) => Effect.Effect<Record<UserId, boolean>, Failure<"NoConversation" | "DatabaseError">>
  }
>()("fiberchat/domain/GroupService") {
  static readonly layer = Layer.effect(
    GroupService,
    Effect.gen(function* () {
      const groups = yield* Groups
      const contacts = yield* Contacts
      const presence = yield* Presence
      const sender = yield* MessageSender
      const ids = yield* Ids
      const budgets = yield* Budgets

      const send = <Event extends GroupEvent>(
        senderId: UserId,
        groupId: GroupId,
        event: Event,
        clientId: string = ids.uniqueId()
      ) => sender.send(groupEvent({ senderId, clientId }, groupId, event))

      /** Keeps requests to join, which managers respond to. */
      const request = Effect.fnUntraced(function* (
        inviterId: UserId,
        groupId: GroupId,
        invited: ReadonlyArray<UserId>,
        message: string
      ) {
        const requestedAt = yield* Clock.currentTimeMillis
        return yield* groups.addRequests(
          [...new Set(invited)].map((userId) => ({
            id: ids.groupRequestId(),
            groupId,
            userId,
            inviterId,
            message,
            requestedAt
          }))
        )
      })

      const invite = Effect.fn("GroupService.invite")(function* (
        { senderId: userId, clientId }: Author,
        groupId: GroupId,
        invited: ReadonlyArray<UserId>,
        message: string
      ) {
        yield* spend(budgets, invited.length)
        const membership = yield* groups.membership(groupId, userId)
        const isOutside = membership?.role === Role.former
        if (membership === undefined || (isOutside && invited.some((other) => other !== userId))) {
          return yield* failure("NoConversation")
        }
        const joining: Joining = { handleResult: HandleResult.pass, requests: [] }
        const byRequest = Effect.map(
          request(userId, groupId, invited, message),
          (requests): Joining => ({ handleResult: HandleResult.none, requests })
        )
        if (membership.isVerify && !isManager(membership.role)) return yield* byRequest
        return yield* send(userId, groupId, { event: "joined", userIds: invited }, clientId).pipe(
          Effect.as(joining),
          // Meanwhile approval is needed, or the user is no manager any more.
          Effect.catchTag("Forbidden", () => byRequest),
          // Only the approval of a request needs one.
          Effect.catchTag("NoRequest", Effect.die)
        )
      })

      /** Lets the user of a request join, which closes it. */
      const approve = Effect.fnUntraced(function* (userId: UserId, { id, groupId, userId: joining }: GroupRequest) {
        /** Another response came first, or the same: then there is nothing left to do. */
        const unlessPassed = <E>(error: E) =>
          Effect.flatMap(groups.request(id), (now) =>
            now?.handleResult === HandleResult.pass ? Effect.void : Effect.fail(error)
          )
        yield* send(userId, groupId, { event: "joined", userIds: [joining], asked: true }, `request ${id}`).pipe(
          Effect.asVoid,
          Effect.catchTag("NoRequest", () => unlessPassed(closedBefore)),
          Effect.catchTag("Conflict", unlessPassed),
          // Both users were looked at when the request was made; one who has blocked the other has cancelled it.
          Effect.catchTag(["Blocked", "NotFriends", "UserNotFound"], Effect.die)
        )
      })

      const respond = Effect.fn("GroupService.respond")(function* (
        userId: UserId,
        id: GroupRequestId,
        response: RequestResponse
      ) {
        const request = yield* groups.request(id)
        if (request === undefined) return yield* failure("NoRequest")
        const membership = yield* groups.membership(request.groupId, userId)
        yield* Effect.fromResult(checkResponse(userId, membership?.role ?? Role.former, response, request))
        if (response !== HandleResult.pass) {
          return yield* groups.close(id, response, userId, yield* Clock.currentTimeMillis)
        }
        const decision = yield* Effect.fromResult(decideResponse(response, request.handleResult))
        if (decision === "Counts") yield* approve(userId, request)
      })

      return GroupService.of({
        create: (author, group) => {
          const groupId = ids.groupId()
          return spend(budgets, foundingUnits + (group.userIds?.length ?? 0)).pipe(
            Effect.andThen(sender.send(newGroup(author, groupId, group))),
            Effect.map(({ conversationId }) => groupOf(conversationId) ?? groupId),
            // A new group needs no conversation before.
            Effect.catchTag("NoConversation", Effect.die)
          )
        },
        change: (userId, groupId, changes) => Effect.asVoid(send(userId, groupId, { event: "changed", ...changes })),
        invite,
        respond,
        giveRole: (userId, groupId, member, role) =>
          Effect.asVoid(send(userId, groupId, { event: "role", userId: member, role })),
        remove: (userId, groupId, member) =>
          Effect.asVoid(
            member === userId
              ? send(userId, groupId, { event: "left" })
              : send(userId, groupId, { event: "removed", userIds: [member] })
          ),
        online: Effect.fn("GroupService.online")(function* (reader, groupId) {
          const members = yield* groups.membersWithVisibility(reader, groupId)
          const { visible = [], hidden = [] } = Object.groupBy(members, ({ isVisible }) =>
            isVisible ? "visible" : "hidden"
          )
          const known = yield* contacts.among(
            reader,
            hidden.map(({ userId }) => userId),
            "showPresence"
          )
          const online = yield* presence.onlineAmong([...visible.map(({ userId }) => userId), ...known])
          return onlineRecord(
            members.map(({ userId }) => userId),
            online
          )
        })
      })
    })
  )
}
