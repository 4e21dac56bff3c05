/** Identifiers: snowflakes written as decimal strings, because a JSON number cannot hold 64 bits. */
import { Context, Schema } from "effect"

/** The digits of an id. */
export const Decimal = Schema.String.check(Schema.isPattern(/^[1-9][0-9]{0,19}$/u, { expected: "a decimal id" }))

export const UserId = Decimal.pipe(Schema.brand("UserId"))
export type UserId = typeof UserId.Type

export const GroupId = Decimal.pipe(Schema.brand("GroupId"))
export type GroupId = typeof GroupId.Type

export const MessageId = Decimal.pipe(Schema.brand("MessageId"))
export type MessageId = typeof MessageId.Type

export const FriendRequestId = Decimal.pipe(Schema.brand("FriendRequestId"))
export type FriendRequestId = typeof FriendRequestId.Type

export const GroupRequestId = Decimal.pipe(Schema.brand("GroupRequestId"))
export type GroupRequestId = typeof GroupRequestId.Type

/** Made of the invitation's code, which cannot be found from it. */
export const GroupInvitationId = Decimal.pipe(Schema.brand("GroupInvitationId"))
export type GroupInvitationId = typeof GroupInvitationId.Type

/** A connection's own id; unlike a user id it is never used by two sockets. */
export const ConnectionId = Decimal.pipe(Schema.brand("ConnectionId"))
export type ConnectionId = typeof ConnectionId.Type

/** The user that the system token speaks for. It has no row in `users`. */
export const rootUserId = "root"

/** Makes ids that are unique in the cluster and ascend on one process. */
export class Ids extends Context.Service<
  Ids,
  {
    readonly userId: () => UserId
    readonly groupId: () => GroupId
    readonly friendRequestId: () => FriendRequestId
    readonly groupRequestId: () => GroupRequestId
    readonly messageId: () => MessageId
    readonly connectionId: () => ConnectionId
    /** An id for a login, a token or anything else that only needs to be unique. */
    readonly uniqueId: () => string
  }
>()("fiberchat/domain/Ids") {}
