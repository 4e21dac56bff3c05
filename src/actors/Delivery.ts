/** Brings stored messages to the devices that are online. Who is not will find them by history. */
import { Context, Effect, Layer } from "effect"
import { singleMembers } from "../domain/Conversation.ts"
import { pushFrame } from "../domain/Frame.ts"
import type { ConnectionId } from "../domain/Ids.ts"
import type { Message } from "../domain/Message.ts"
import { ConnectionRegistry } from "./ConnectionRegistry.ts"

const utf8 = new TextEncoder()

export class Delivery extends Context.Service<
  Delivery,
  {
    /** Pushes a message to every connection of its members but the one that sent it. Encoded once for all of them. */
    readonly deliver: (message: Message, origin: ConnectionId | undefined) => void
  }
>()("fiberchat/actors/Delivery") {
  static readonly layer = Layer.effect(
    Delivery,
    Effect.map(ConnectionRegistry, (registry) =>
      Delivery.of({
        deliver: (message, origin) => {
          let encoded: Uint8Array | undefined
          for (const userId of new Set(singleMembers(message.conversationID))) {
            for (const connection of registry.ofUser(userId)) {
              if (connection.connectionId === origin) continue
              encoded ??= utf8.encode(JSON.stringify(pushFrame(message)))
              connection.tell({ _tag: "MessagePushed", encoded })
            }
          }
        }
      })
    )
  )
}
