/** Brings stored messages to the devices that are online. Other devices get them by sync. */
import { Context, Effect, Latch, Layer } from "effect"
import type { ConnectionEvent } from "../../domain/connection/ConnectionMachine.ts"
import type { Message } from "../../domain/messages/Message.ts"
import { encodeFrame, type ServerFrame } from "../../domain/protocol/Frame.ts"
import { events, pushFrame } from "../../domain/protocol/ServerEvents.ts"
import { type ConversationId, groupOf, singleMembers } from "../../domain/shared/ConversationIds.ts"
import type { ConnectionId, UserId } from "../../domain/shared/Ids.ts"
import { ConnectionRegistry } from "../connections/ConnectionRegistry.ts"
import { ConversationWatchers } from "./ConversationWatchers.ts"
import { makeGroupAudiences } from "./GroupAudiences.ts"

/** Clients that are asked to sync at the same time; the others follow, so that the store is read evenly. */
const resyncMax = 100
const resyncMillis = 100

/** The cause of an event. */
export interface EventCause {
  readonly userId: UserId
  /** The connection of the user that caused it, which is not told. */
  readonly origin?: ConnectionId | undefined
  /** Only the user's own connections are told. */
  readonly onlyOwn?: boolean
}

/** Members of a group up to which events of reading and typing are told to all of them. */
export const eventMembersMax = 200

export class Delivery extends Context.Service<
  Delivery,
  {
    /** Pushes a message to every connection of its members but the one that sent it. Encoded once for all of them. */
    readonly deliver: (message: Message, origin: ConnectionId | undefined) => void
    /**
     * Sends a frame that takes no ack to every connection of the members but the one that caused it; in groups of more
     * than {@link eventMembersMax} only to those of the user who caused it.
     */
    readonly notify: (conversationId: ConversationId, frame: ServerFrame, cause: EventCause) => void
    /**
     * Messages for connections of this node may have been missed: asks all clients to sync, a hundred at a time. Returns at
     * once.
     */
    readonly requestResync: () => void
  }
>()("fiberchat/actors/Delivery") {
  static readonly layer = Layer.effect(
    Delivery,
    Effect.gen(function* () {
      const registry = yield* ConnectionRegistry
      const watchers = yield* ConversationWatchers
      const requested = Latch.makeUnsafe()
      const audiences = yield* makeGroupAudiences(() => requested.openUnsafe())

      /** Tells the connections of these users; the event is made when the first of them is found. */
      const tellAll = (
        users: Iterable<UserId>,
        origin: ConnectionId | undefined,
        eventOf: () => ConnectionEvent
      ): void => {
        let event: ConnectionEvent | undefined
        for (const userId of users) {
          for (const connection of registry.ofUser(userId)) {
            if (connection.connectionId === origin) continue
            event ??= eventOf()
            connection.tell(event)
          }
        }
      }
      const resyncAll = Effect.gen(function* () {
        yield* requested.await
        // A request from now on is a new one: the clients that are told next cover everything before it.
        requested.closeUnsafe()
        const encoded = encodeFrame(events.syncRequired.frame({}))
        let told = 0
        for (const connection of registry.all()) {
          connection.tell({ _tag: "Notified", encoded })
          told += 1
          if (told % resyncMax === 0) yield* Effect.sleep(resyncMillis)
        }
      })
      yield* Effect.forkScoped(Effect.forever(resyncAll))
      return Delivery.of({
        deliver: (message, origin) => {
          watchers.wake(message.conversationId)
          const eventOf = (): ConnectionEvent => ({
            _tag: "MessagePushed",
            message,
            encoded: encodeFrame(pushFrame(message))
          })
          const groupId = groupOf(message.conversationId)
          if (groupId === undefined) return tellAll(new Set(singleMembers(message.conversationId)), origin, eventOf)
          audiences.ofMessage(groupId, message, (members) => tellAll(seeing(message, members), origin, eventOf))
        },
        notify: (conversationId, frame, { userId, origin, onlyOwn }) => {
          const eventOf = (): ConnectionEvent => ({ _tag: "Notified", encoded: encodeFrame(frame) })
          if (onlyOwn === true) return tellAll([userId], origin, eventOf)
          const groupId = groupOf(conversationId)
          if (groupId === undefined) return tellAll(new Set(singleMembers(conversationId)), origin, eventOf)
          audiences.ofGroup(groupId, (members) =>
            tellAll(members.size > eventMembersMax ? [userId] : members.keys(), origin, eventOf)
          )
        },
        requestResync: () => {
          audiences.forget()
          watchers.wake(undefined)
          requested.openUnsafe()
        }
      })
    })
  )
}

/** The members who may see a message: it comes after their joining. */
function* seeing({ seq }: Message, members: ReadonlyMap<UserId, number>): Iterable<UserId> {
  for (const [userId, joinedSeq] of members) if (seq > joinedSeq) yield userId
}
