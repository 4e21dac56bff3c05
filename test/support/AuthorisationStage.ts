/** The stage of the authorisation table: users in every relation to a group, and the objects of their tries. */
import { Effect } from "effect"
import { decodeJwt, SignJWT } from "jose"
import { Auth, Sessions } from "../../src/domain/accounts/Auth.ts"
import { type Phone, UserRepository } from "../../src/domain/accounts/User.ts"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { Friends } from "../../src/domain/contacts/Friends.ts"
import type { GroupEvent } from "../../src/domain/groups/Group.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
import { groupEvent, message } from "../../src/domain/messages/Draft.ts"
import { MessageSender } from "../../src/domain/services/MessageSender.ts"
import type { AnyFailure } from "../../src/domain/shared/Failure.ts"
import { type GroupId, type GroupRequestId, Ids, type UserId } from "../../src/domain/shared/Ids.ts"
import { freshPhone } from "./Users.ts"

/** Signs the server's tokens, and those that have ended. */
export const secret = "a secret of thirty-two bytes or more"

/** The callers, in the order of the table's columns. */
export const callers = [
  "anonymous",
  "expired",
  "other",
  "former",
  "blocked",
  "member",
  "manager",
  "owner",
  "service",
  "system"
] as const
export type Caller = (typeof callers)[number]
const notUsers = ["anonymous", "expired", "service", "system"] as const
export type NotUser = (typeof notUsers)[number]

/** Whether the caller comes with a user's token that is good. */
export const isUser = (caller: Caller): caller is Exclude<Caller, NotUser> =>
  !(notUsers as ReadonlyArray<string>).includes(caller)

/**
 * A group, with a member for each role and one more, the target, who is also the one that calls are about outside of
 * it: friendships, blocks, private messages. The target blocks `blocked`.
 */
export interface Stage {
  readonly caller: Caller
  /** Absent for who has none. */
  readonly token: string | undefined
  /** The caller's id; of those without, the stranger's. */
  readonly callerId: UserId
  readonly refreshToken: string
  readonly groupId: GroupId
  readonly targetId: UserId
  /** A user who is a member of nothing. */
  readonly targetToken: string
  readonly outsiderId: UserId
  /** Messages of the group: by the ordinary member, and by the target. */
  readonly memberSeq: number
  readonly targetSeq: number
  readonly memberMessageId: string
  /** Requests of the outsider: to get into the group, and to become a friend of the target. */
  readonly groupRequestId: string
  readonly friendRequestId: string
}

const names = ["other", "former", "blocked", "member", "manager", "owner", "target", "outsider"] as const

/** The same claims, whose time is over. */
const ended = (token: string) =>
  Effect.promise(() =>
    new SignJWT({ ...decodeJwt(token), exp: Math.floor(Date.now() / 1000) - 60 })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .sign(new TextEncoder().encode(secret))
  )

/** A stage of its own for each try, made from the server's own services. */
export const makeStage = (caller: Caller) =>
  Effect.gen(function* () {
    const ids = yield* Ids
    const users = yield* UserRepository
    const auth = yield* Auth
    const { send } = yield* MessageSender
    const idOf = Object.fromEntries(names.map((name) => [name, ids.userId()])) as Record<(typeof names)[number], UserId>
    for (const nickname of names) {
      const phone = freshPhone() as Phone
      yield* users.insert({ id: idOf[nickname], phone, passwordHash: "-", nickname, sex: 0, avatar: "" })
      yield* users.changePrivacy(idOf[nickname], { addToGroups: "everyone" })
    }

    const groupId = ids.uniqueId() as GroupId
    const author = (name: (typeof names)[number]) => ({ senderId: idOf[name], clientId: ids.uniqueId() })
    const happen = (event: GroupEvent) => send(groupEvent(author("owner"), groupId, event))
    const userIds = [idOf.manager, idOf.member, idOf.former, idOf.target]
    yield* happen({ event: "created", name: "the group", icon: "", isVerify: true, userIds })
    yield* happen({ event: "role", userId: idOf.manager, role: 2 })
    yield* happen({ event: "removed", userIds: [idOf.former] })
    const say = (name: "member" | "target"): Effect.Effect<{ seq: number; messageId: string }, AnyFailure> =>
      send(message(author(name), { chatType: 0, receiveId: groupId, messageType: 0, content: name }))
    const byMember = yield* say("member")
    const byTarget = yield* say("target")

    yield* Effect.flatMap(Contacts, (contacts) => contacts.block(idOf.target, idOf.blocked))
    const friendship = yield* Effect.flatMap(Friends, (friends) =>
      friends.request(idOf.outsider, idOf.target, "be my friend")
    )
    const request = { id: ids.uniqueId() as GroupRequestId, groupId, userId: idOf.outsider, inviterId: idOf.outsider }
    yield* Effect.flatMap(Groups, (groups) => groups.addRequests([{ ...request, message: "", requestedAt: 0 }]))

    const logIn = Effect.fnUntraced(function* (userId: UserId) {
      const session = { sessionId: ids.uniqueId(), userId, deviceId: "default", platform: "cli" }
      const { refreshToken } = yield* Effect.flatMap(Sessions, (sessions) => sessions.open(session))
      return { token: (yield* auth.issueUser(session)).token, refreshToken }
    })
    const callerId = idOf[isUser(caller) ? caller : "other"]
    const { token, refreshToken } = yield* logIn(callerId)
    const stage: Stage = {
      caller,
      token:
        caller === "anonymous"
          ? undefined
          : caller === "expired"
            ? yield* ended(token)
            : caller === "service"
              ? yield* auth.issueInternal("service", "bot")
              : caller === "system"
                ? yield* auth.issueInternal("system")
                : token,
      callerId,
      refreshToken,
      groupId,
      targetId: idOf.target,
      targetToken: (yield* logIn(idOf.target)).token,
      outsiderId: idOf.outsider,
      memberSeq: byMember.seq,
      targetSeq: byTarget.seq,
      memberMessageId: byMember.messageId,
      groupRequestId: request.id,
      friendRequestId: friendship.friendReqId
    }
    return stage
  }).pipe(Effect.provide(MessageSender.layer))
