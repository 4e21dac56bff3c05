/** The port to the presence of users: online on any process, or last seen (protocol.md section 1.9). */
import { Context, type Effect, Schema } from "effect"
import type { Failure } from "../shared/Failure.ts"
import { type ConnectionId, UserId } from "../shared/Ids.ts"

/** Users that one connection watches at most. */
export const watchedMax = 200

/** Payload of `presence.watch`. */
export const WatchPayload = Schema.Struct({ userIds: Schema.Array(UserId).check(Schema.isMaxLength(watchedMax)) })

/**
 * A user's presence as others see it. `lastSeen` in Unix milliseconds: the present time for an online user, `0` for one who
 * was never online.
 */
export const PresenceState = Schema.Struct({ userId: UserId, online: Schema.Boolean, lastSeen: Schema.Int })
export type PresenceState = typeof PresenceState.Type

/** One entry for each of `userIds`, as the Go project's clients read it. */
export const onlineRecord = (
  userIds: ReadonlyArray<UserId>,
  online: ReadonlyArray<UserId>
): Record<UserId, boolean> => {
  const isOnline = new Set(online)
  return Object.fromEntries(userIds.map((userId) => [userId, isOnline.has(userId)]))
}

/** An open connection of a user, as presence keeps it. */
export interface PresentConnection {
  readonly connectionId: ConnectionId
  readonly userId: UserId
  readonly deviceId: string
  readonly platform: string
}

export interface DevicePresence {
  readonly deviceId: string
  readonly platform: string
  readonly online: boolean
  readonly lastSeen: number
}

/** A user is online as long as one of the devices is. */
export interface UserPresence extends PresenceState {
  /** All that are online, and at most 100 others. */
  readonly devices: ReadonlyArray<DevicePresence>
}

/** Users whose presence may have changed, and the version up to which that is. */
export interface PresenceChanges {
  readonly version: number
  readonly userIds: ReadonlyArray<UserId>
}

/**
 * Connections of this process count from and to the moment at which they open and close; those of others once they have
 * been written, within a second, and while their process gives signs of life.
 */
export class Presence extends Context.Service<
  Presence,
  {
    /** Never waits. Called after the registry knows the connection. */
    readonly opened: (connection: PresentConnection) => void
    /**
     * Never waits. Called after the registry has forgotten the connection. One whose client is expected back counts for 30 s
     * more, or until its device is back.
     */
    readonly closed: (connection: PresentConnection, isExpectedBack: boolean) => void
    /** One for each id, in their order. */
    readonly of: (
      userIds: ReadonlyArray<UserId>
    ) => Effect.Effect<ReadonlyArray<UserPresence>, Failure<"DatabaseError">>
    /** Those of these users that are online, in their order. */
    readonly onlineAmong: (
      userIds: ReadonlyArray<UserId>
    ) => Effect.Effect<ReadonlyArray<UserId>, Failure<"DatabaseError">>
    /** The changes after a version, on all processes; without a version, none and the current version. */
    readonly changes: (after: number | undefined) => Effect.Effect<PresenceChanges, Failure<"DatabaseError">>
  }
>()("fiberchat/domain/Presence") {}
