/** Pushes stored messages to the connections of this node. Devices that are offline get them by sync. */
import { Context, Effect, Latch, Layer } from "effect"
import { Budgets } from "../../domain/connection/Budgets.ts"
import type { ConnectionEvent } from "../../domain/connection/ConnectionMachine.ts"
import type { Message } from "../../domain/messages/Message.ts"
import { encodeFrame, type ServerFrame } from "../../domain/protocol/Frame.ts"
import { events, pushFrame } from "../../domain/protocol/ServerEvents.ts"
import { type ConversationId, groupOf, singleMembers } from "../../domain/shared/ConversationIds.ts"
import type { ConnectionId, UserId } from "../../domain/shared/Ids.ts"
import { ConnectionRegistry } from "../connections/ConnectionRegistry.ts"
import { ConversationWatchers } from "./ConversationWatchers.ts"
import { makeGroupAudiences } from "./GroupAudiences.ts"

/** Clients per step of a resync, and the pause between two steps: not all of them read the store at once. */
const resyncMax = 100
const resyncMillis = 100

/** So many pushes of a message cost its sender a unit; a message to a few costs no more than its frame. */
const pushesOfUnit = 10

/** The cause of an event. */
export interface EventCause {
  readonly userId: UserId
  /** The connection that caused it, which does not get it. */
  readonly origin?: ConnectionId | undefined
  /** Only the user's own connections get it. */
  readonly onlyOwn?: boolean
}

/** The largest group in which all members get events of reading and typing. */
export const eventMembersMax = 200

export class Delivery extends Context.Service<
  Delivery,
  {
    /**
     * Pushes a message to every connection of its members but the one that sent it. Encoded once for all of them. Its sender
     * pays for the pushes.
     */
    readonly deliver: (message: Message, origin: ConnectionId | undefined) => void
    /**
     * Sends a frame that takes no ack to every connection of the members except its origin; in groups of more than
     * {@link eventMembersMax} members only to the connections of the user who caused it.
     */
    readonly notify: (conversationId: ConversationId, frame: ServerFrame, cause: EventCause) => void
    /**
     * Asks all clients of this node to sync, a hundred at a time: messages for them may have been missed. Does not wait.
     */
    readonly requestResync: () => void
  }
>()("fiberchat/actors/Delivery") {
  static readonly layer = Layer.effect(
    Delivery,
    Effect.gen(function* () {
      const registry = yield* ConnectionRegistry
      const watchers = yield* ConversationWatchers
      const budgets = yield* Budgets
      const requested = Latch.makeUnsafe()
      const audiences = yield* makeGroupAudiences(() => requested.openUnsafe())

      /** Tells the connections of these users, and returns how many; the event is made when the first of them is found. */
      const tellAll = (
        users: Iterable<UserId>,
        origin: ConnectionId | undefined,
        eventOf: () => ConnectionEvent
      ): number => {
        let event: ConnectionEvent | undefined
        let told = 0
        for (const userId of users) {
          for (const connection of registry.ofUser(userId)) {
            if (connection.connectionId === origin) continue
            event ??= eventOf()
            connection.tell(event)
            told += 1
          }
        }
        return told
      }
      const resyncAll = Effect.gen(function* () {
        yield* requested.await
        // A request from now on runs once more: clients that were asked before it may have synced too early.
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
          if (groupId === undefined)
            return void tellAll(new Set(singleMembers(message.conversationId)), origin, eventOf)
          audiences.ofMessage(groupId, message, (members) => {
            const units = Math.floor(tellAll(seeing(message, members), origin, eventOf) / pushesOfUnit)
            if (units > 0) budgets.charge({ userId: message.senderId }, units)
          })
        },
        notify: (conversationId, frame, { userId, origin, onlyOwn }) => {
          const eventOf = (): ConnectionEvent => ({ _tag: "Notified", encoded: encodeFrame(frame) })
          if (onlyOwn === true) return void tellAll([userId], origin, eventOf)
          const groupId = groupOf(conversationId)
          if (groupId === undefined) return void tellAll(new Set(singleMembers(conversationId)), origin, eventOf)
          audiences.ofGroup(
            groupId,
            (members) => void tellAll(members.size > eventMembersMax ? [userId] : members.keys(), origin, eventOf)
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

/** The members who see a message: those who joined before it. */
function* seeing({ seq }: Message, members: ReadonlyMap<UserId, number>): Iterable<UserId> {
  for (const [userId, joinedSeq] of members) if (seq > joinedSeq) yield userId
}
