/** Brings stored messages to the devices that are online. Who is not will find them by history. */
import { Context, Effect, Latch, Layer } from "effect"
import type { ConnectionEvent } from "../domain/Connection.ts"
import { type ConversationId, singleMembers } from "../domain/Conversation.ts"
import { dataFrame, pushFrame, type ServerFrame } from "../domain/Frame.ts"
import { Handover, pushOf } from "../domain/Handover.ts"
import { type ConnectionId, rootUserId } from "../domain/Ids.ts"
import type { Message } from "../domain/Message.ts"
import { ConnectionRegistry } from "./ConnectionRegistry.ts"

const utf8 = new TextEncoder()
const encode = (frame: ServerFrame): Uint8Array => utf8.encode(JSON.stringify(frame))

/** Clients that are called upon to sync at the same time; the others follow, so that the store is asked evenly. */
const syncingMax = 100
const syncingMillis = 100

export class Delivery extends Context.Service<
  Delivery,
  {
    /** Pushes a message to every connection of its members but the one that sent it. Encoded once for all of them. */
    readonly deliver: (message: Message, origin: ConnectionId | undefined) => void
    /** Sends a frame that takes no ack to every connection of the members but the one that caused it. */
    readonly notify: (conversationId: ConversationId, frame: ServerFrame, origin: ConnectionId) => void
    /** Has all clients called upon, group by group, to ask for what they may have missed. Returns at once. */
    readonly callForSync: () => void
  }
>()("fiberchat/actors/Delivery") {
  static readonly layer = Layer.effect(
    Delivery,
    Effect.gen(function* () {
      const registry = yield* ConnectionRegistry
      /** Tells the connections of the members; the event is made when the first of them is found. */
      const tell = (
        conversationId: ConversationId,
        origin: ConnectionId | undefined,
        eventOf: () => ConnectionEvent
      ): void => {
        let event: ConnectionEvent | undefined
        for (const userId of new Set(singleMembers(conversationId))) {
          for (const connection of registry.ofUser(userId)) {
            if (connection.connectionId === origin) continue
            event ??= eventOf()
            connection.tell(event)
          }
        }
      }
      const wanted = Latch.makeUnsafe()
      const callAll = Effect.gen(function* () {
        yield* wanted.await
        // Who is called from now on need not be called again for what came before.
        wanted.closeUnsafe()
        const encoded = encode(dataFrame("", "sync.required", rootUserId, {}))
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
        deliver: (message, origin) =>
          tell(message.conversationID, origin, () => ({
            _tag: "MessagePushed",
            message,
            encoded: encode(pushFrame(message))
          })),
        notify: (conversationId, frame, origin) =>
          tell(conversationId, origin, () => ({ _tag: "Notified", encoded: encode(frame) })),
        callForSync: () => wanted.openUnsafe()
      })
    })
  )
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
