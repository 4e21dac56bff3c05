/** Use cases of groups, for HTTP, RPC and socket alike. A change of a group is a message in it. */
import { Clock, Context, Effect, Layer } from "effect"
import { Budgets, spend } from "../connection/Budgets.ts"
import { Contacts } from "../contacts/Contacts.ts"
import { onlineRecord, Presence } from "../contacts/Presence.ts"
import type { ContactRefusal } from "../contacts/UserPair.ts"
import {
  crossingsOf,
  type EventOf,
  type GroupEvent,
  groupEventOf,
  isManager,
  Role,
  type RoleLevel
} from "../groups/Group.ts"
import { GroupInvitations } from "../groups/GroupInvitation.ts"
import { checkResponse, closedBefore, decideResponse, type GroupRequest } from "../groups/GroupRequest.ts"
import { Groups } from "../groups/Groups.ts"
import type { Joining, JoinRequest } from "../groups/Joining.ts"
import { type Author, groupEvent, newGroup, type UnsentGroupEvent } from "../messages/Draft.ts"
import type { Message } from "../messages/Message.ts"
import { groupOf } from "../shared/ConversationIds.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import { type GroupId, type GroupRequestId, Ids, type UserId } from "../shared/Ids.ts"
import { HandleResult, type RequestResponse } from "../shared/Request.ts"
import { MessageSender, type SendFailure } from "./MessageSender.ts"

/** Units of founding a group, and one more for each of its members. */
const foundingUnits = 10

const alreadyMember = Effect.fail(failure("Conflict", { msg: "already a member" }))
const joinedAtOnce: Joining = { handleResult: HandleResult.pass, requests: [] }

/** The errors with which an event of this kind fails. */
type EventFailure<Kind extends GroupEvent["event"]> = SendFailure<UnsentGroupEvent<EventOf<Kind>>>

export class GroupService extends Context.Service<
  GroupService,
  {
    /**
     * Creates a group with those of the users who let the author bring them in; the others get a request. Calling twice with
     * the same author creates it once.
     */
    readonly create: (
      author: Author,
      group: {
        readonly name: string
        readonly icon?: string
        readonly isVerify?: boolean
        readonly userIds?: ReadonlyArray<UserId>
      }
    ) => Effect.Effect<
      { readonly groupId: GroupId; readonly requests: Joining["requests"] },
      Exclude<EventFailure<"created">, Failure<"NoConversation">>
    >
    readonly change: (
      userId: UserId,
      groupId: GroupId,
      changes: Omit<EventOf<"changed">, "event">
    ) => Effect.Effect<void, EventFailure<"changed">>
    /**
     * Brings users in, or the author: at once where nobody else must agree, by an invitation's code, or because the author was
     * asked to join; otherwise by requests. Calling twice with the same author has the effect of once.
     */
    readonly join: (
      author: Author,
      request: JoinRequest
    ) => Effect.Effect<Joining, Exclude<EventFailure<"joined">, Failure<"Forbidden" | "NoRequest">>>
    /** Responds to a request. The same response again has no effect. */
    readonly respond: (
      userId: UserId,
      id: GroupRequestId,
      response: RequestResponse
    ) => Effect.Effect<
      void,
      Exclude<EventFailure<"joined">, Failure<ContactRefusal | "UserNotFound" | "BadInvitation">>
    >
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
      const invitations = yield* GroupInvitations
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

      /** Keeps requests to join, which managers or the users themselves respond to. */
      const request = Effect.fnUntraced(function* (
        inviterId: UserId,
        groupId: GroupId,
        invited: Iterable<UserId>,
        message: string
      ) {
        const requestedAt = yield* Clock.currentTimeMillis
        return yield* groups.addRequests(
          Array.from(new Set(invited), (userId) => ({
            id: ids.groupRequestId(),
            groupId,
            userId,
            inviterId,
            message,
            requestedAt
          }))
        )
      })

      /** The requests for those whom the stored event has left out: they decide themselves. */
      const requestLeftOut = (message: Message, groupId: GroupId, invited: ReadonlyArray<UserId>, text: string) => {
        const { joining } = crossingsOf(groupEventOf(message.content), message.senderId)
        const leftOut = new Set(invited).difference(new Set(joining))
        return leftOut.size === 0 ? Effect.succeed([]) : request(message.senderId, groupId, leftOut, text)
      }

      const byInvitation = Effect.fnUntraced(function* (author: Author, groupId: GroupId, code: string) {
        // Not looked up here: a repetition finds the first message, though the invitation may be used up by it.
        const event = { event: "joined", userIds: [author.senderId], invitation: invitations.idOf(code) } as const
        yield* send(author.senderId, groupId, event, author.clientId).pipe(
          // Only what needs an approval is forbidden or asked for.
          Effect.catchTag(["Forbidden", "NoRequest"], Effect.die)
        )
        return joinedAtOnce
      })

      const join = Effect.fn("GroupService.join")(function* (author: Author, joinRequest: JoinRequest) {
        const { senderId: userId, clientId } = author
        const { groupId, invitation, userIds: invited = [userId], reqMsg = "" } = joinRequest
        yield* spend(budgets, invited.length)
        const isAlone = invited.every((other) => other === userId)
        if (invitation !== undefined) {
          if (!isAlone) return yield* failure("BadParameters", { msg: "an invitation is for its user alone" })
          return yield* byInvitation(author, groupId, invitation)
        }
        const membership = yield* groups.membership(groupId, userId)
        const isOutside = membership?.role === Role.former
        if (membership === undefined || (isOutside && !isAlone)) return yield* failure("NoConversation")
        const byRequest = Effect.flatMap(
          request(userId, groupId, invited, reqMsg),
          (requests): Effect.Effect<Joining, Failure<"Conflict">> =>
            requests.length === 0 ? alreadyMember : Effect.succeed({ handleResult: HandleResult.none, requests })
        )
        if (isOutside) {
          const awaiting = yield* groups.awaiting(groupId, userId)
          if (awaiting === undefined) return yield* byRequest
          return (yield* accept(userId, awaiting, clientId))
            ? joinedAtOnce
            : { handleResult: HandleResult.none, requests: [{ id: awaiting.id, userId }] }
        }
        if (isAlone) {
          // A member has nothing to ask for; an acceptance that comes again finds its first time.
          const again = { event: "joined", userIds: invited, asked: true } as const
          return yield* send(userId, groupId, again, clientId).pipe(
            Effect.as(joinedAtOnce),
            Effect.catchTag(["Forbidden", "NoRequest"], () => alreadyMember),
            Effect.catchTag("BadInvitation", Effect.die)
          )
        }
        if (membership.isVerify && !isManager(membership.role)) return yield* byRequest
        return yield* send(userId, groupId, { event: "joined", userIds: invited }, clientId).pipe(
          Effect.flatMap((message) => requestLeftOut(message, groupId, invited, reqMsg)),
          Effect.map((requests): Joining => ({ handleResult: HandleResult.pass, requests })),
          // All of them decide themselves; or meanwhile approval is needed, or the user is no manager any more.
          Effect.catchTag("Forbidden", () => byRequest),
          // Only approvals and invitations have these.
          Effect.catchTag(["NoRequest", "BadInvitation"], Effect.die)
        )
      })

      /** Lets the user of a request join, which closes it; the sender is a manager, or the user who accepts it. */
      const approve = Effect.fnUntraced(function* (
        userId: UserId,
        { id, groupId, userId: joining }: GroupRequest,
        clientId = `request ${id}`
      ) {
        /** Another response came first, or the same: then there is nothing left to do. */
        const unlessPassed = <E>(error: E) =>
          Effect.flatMap(groups.request(id), (now) =>
            now?.handleResult === HandleResult.pass ? Effect.void : Effect.fail(error)
          )
        yield* send(userId, groupId, { event: "joined", userIds: [joining], asked: true }, clientId).pipe(
          Effect.asVoid,
          Effect.catchTag("NoRequest", () => unlessPassed(closedBefore)),
          Effect.catchTag("Conflict", unlessPassed),
          // Both users were looked at when the request was made; one who has blocked the other has cancelled it.
          Effect.catchTag(["Blocked", "NotFriends", "UserNotFound", "BadInvitation"], Effect.die)
        )
      })

      /** The user agrees to be brought in. Returns whether they are in: otherwise a manager must approve it, too. */
      const accept = (userId: UserId, awaiting: GroupRequest, clientId?: string) =>
        approve(userId, awaiting, clientId).pipe(
          Effect.as(true),
          Effect.catchTag("Forbidden", () => Effect.as(groups.consent(awaiting.id), false))
        )

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
        if (decision === "Counts") yield* request.awaitsUser ? accept(userId, request) : approve(userId, request)
      })

      return GroupService.of({
        create: (author, group) => {
          const groupId = ids.groupId()
          return spend(budgets, foundingUnits + (group.userIds?.length ?? 0)).pipe(
            Effect.andThen(sender.send(newGroup(author, groupId, group))),
            Effect.flatMap((message) => {
              // Another group than the one above, where it was created before.
              const created = groupOf(message.conversationId) ?? groupId
              return Effect.map(requestLeftOut(message, created, group.userIds ?? [], ""), (requests) => ({
                groupId: created,
                requests
              }))
            }),
            // A new group needs no conversation before.
            Effect.catchTag("NoConversation", Effect.die)
          )
        },
        change: (userId, groupId, changes) => Effect.asVoid(send(userId, groupId, { event: "changed", ...changes })),
        join,
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
