/** Brings stored messages to the devices that are online. Who is not will find them by history. */
import { Context, Effect, Latch, Layer } from "effect"
import { Handover, pushOf } from "../../domain/cluster/Handover.ts"
import type { ConnectionEvent } from "../../domain/connection/ConnectionMachine.ts"
import { dataFrame, encodeFrame, pushFrame, type ServerFrame } from "../../domain/connection/Frame.ts"
import type { Message } from "../../domain/messages/Message.ts"
import { type ConversationId, singleMembers } from "../../domain/shared/ConversationIds.ts"
import { type ConnectionId, rootUserId, type UserId } from "../../domain/shared/Ids.ts"
import { ConnectionRegistry } from "../connections/ConnectionRegistry.ts"
import { ConversationWatchers } from "./ConversationWatchers.ts"
import { makeGroupAudiences } from "./GroupAudiences.ts"

/** Clients that are called upon to sync at the same time; the others follow, so that the store is asked evenly. */
const syncingMax = 100
const syncingMillis = 100

/** Who causes a notice, on which connection of theirs, and whether others are not to hear of it. */
export interface NoticeCause {
  readonly userId: UserId
  readonly origin?: ConnectionId | undefined
  readonly onlyOwn?: boolean
}

/** Members of a group up to which they hear of each other's reading and typing. */
export const noticedMax = 200

export class Delivery extends Context.Service<
  Delivery,
  {
    /** Pushes a message to every connection of its members but the one that sent it. Encoded once for all of them. */
    readonly deliver: (message: Message, origin: ConnectionId | undefined) => void
    /**
     * Sends a frame that takes no ack to every connection of the members but the one that caused it; in groups of more
     * than {@link noticedMax} only to those of the user who caused it.
     */
    readonly notify: (conversationId: ConversationId, frame: ServerFrame, cause: NoticeCause) => void
    /**
     * What was to be delivered may have been missed. Has all clients called upon, group by group, to ask for it.
     * Returns at once.
     */
    readonly callForSync: () => void
  }
>()("fiberchat/actors/Delivery") {
  static readonly layer = Layer.effect(
    Delivery,
    Effect.gen(function* () {
      const registry = yield* ConnectionRegistry
      const watchers = yield* ConversationWatchers
      const wanted = Latch.makeUnsafe()
      const audiences = yield* makeGroupAudiences(() => wanted.openUnsafe())

      /** Tells the connections of these users; the event is made when the first of them is found. */
      const tellAll = (
        users: Iterable<string>,
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
      const callAll = Effect.gen(function* () {
        yield* wanted.await
        // Who is called from now on need not be called again for what came before.
        wanted.closeUnsafe()
        const encoded = encodeFrame(dataFrame("", "sync.required", rootUserId, {}))
        let called = 0
        for (const connection of registry.all()) {
          if (connection.kind !== "user") continue
          connection.tell({ _tag: "Notified", encoded })
          called += 1
          if (called % syncingMax === 0) yield* Effect.sleep(syncingMillis)
        }
      })
      yield* Effect.forkScoped(Effect.forever(callAll))
      return Delivery.of({
        deliver: (message, origin) => {
          watchers.nudge(message.conversationID)
          const eventOf = (): ConnectionEvent => ({
            _tag: "MessagePushed",
            message,
            encoded: encodeFrame(pushFrame(message))
          })
          const both = singleMembers(message.conversationID)
          if (both !== undefined) return tellAll(new Set(both), origin, eventOf)
          audiences.ofMessage(message, (members) => tellAll(seeing(message, members), origin, eventOf))
        },
        notify: (conversationId, frame, { userId, origin, onlyOwn }) => {
          const eventOf = (): ConnectionEvent => ({ _tag: "Notified", encoded: encodeFrame(frame) })
          if (onlyOwn === true) return tellAll([userId], origin, eventOf)
          const both = singleMembers(conversationId)
          if (both !== undefined) return tellAll(new Set(both), origin, eventOf)
          audiences.ofGroup(conversationId, (members) =>
            tellAll(members.size > noticedMax ? [userId] : members.keys(), origin, eventOf)
          )
        },
        callForSync: () => {
          audiences.forget()
          watchers.nudge(undefined)
          wanted.openUnsafe()
        }
      })
    })
  )
}

/** The members who may see a message: it comes after their joining. */
function* seeing({ seq }: Message, members: ReadonlyMap<UserId, number>): Iterable<UserId> {
  for (const [userId, joinedSeq] of members) if (seq > joinedSeq) yield userId
}

/** {@link Handover} to the connections of this node. The transfer brings the results back to their senders itself. */
export const handoverLayer = Layer.effect(
  Handover,
  Effect.map(Delivery, (delivery) =>
    Handover.of({
      handOver: (results) =>
        Effect.sync(() => {
          for (const outgoing of results) {
            const message = pushOf(outgoing)
            if (message !== undefined) delivery.deliver(message, outgoing.origin)
          }
        })
    })
  )
)
