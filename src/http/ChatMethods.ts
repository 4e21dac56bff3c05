/** The WebSocket methods (protocol.md section 1.6): what each payload is and what it does. */
import { Clock, Effect, Schema } from "effect"
import type { Connection } from "../actors/ConnectionRegistry.ts"
import { ConnectionRegistry } from "../actors/ConnectionRegistry.ts"
import { type Call, command, query, Router } from "../actors/Router.ts"
import type { Outcome } from "../domain/Connection.ts"
import { Contacts } from "../domain/Contacts.ts"
import { ChatType, ConversationId, singleConversationId } from "../domain/Conversation.ts"
import { ApiError } from "../domain/ErrorTable.ts"
import { Ids, type UserId } from "../domain/Ids.ts"
import { ChatPayload, chatAck, type Draft, isContentSmall, isContentValid, type Message } from "../domain/Message.ts"
import { type AppendResult, historyMax, MessageStore } from "../domain/MessageStore.ts"
import { Transfer } from "../domain/Transfer.ts"

const Seq = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const HistoryPayload = Schema.Struct({
  conversationID: ConversationId,
  beforeSeq: Schema.optionalKey(Seq),
  afterSeq: Schema.optionalKey(Seq),
  limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: historyMax })))
})

/** Content of one page of history, in UTF-16 units: escaped as JSON it is at most half a mebibyte, with the rest of it. */
const pageContentMax = 64 * 1024
const historyDefault = 50
/** Online users that the system is told of: what fits into a frame within the outbound bound. */
const onlineMax = 20_000

export const layer = Router.layer(
  Effect.gen(function* () {
    const registry = yield* ConnectionRegistry
    const transfer = yield* Transfer
    const store = yield* MessageStore
    const contacts = yield* Contacts
    const ids = yield* Ids
    const clock = yield* Clock.Clock

    const chat = command("conversation.chat", ChatPayload, (call, settle) => {
      const draft = draftOf(call, ids.messageId(), clock.currentTimeMillisUnsafe())
      if (draft instanceof ApiError) return settle({ _tag: "Failed", error: draft })
      if (!transfer.publish(draft, (result) => settle(outcomeOf(result)))) {
        settle({ _tag: "Failed", error: ApiError.of("Overloaded", { retryAfter: 1_000 }) })
      }
    })

    const online = query("user.online", Schema.Struct({}), ({ connection }) =>
      connection.kind === "system"
        ? Effect.succeed(registry.onlineUsers(onlineMax))
        : Effect.map(contacts.list(userOf(connection)), (list) => list.filter(registry.isOnline))
    )

    const history = query("conversation.history", HistoryPayload, ({ connection, payload }) => {
      const { conversationID, limit = historyDefault, ...bounds } = payload
      return Effect.map(
        store.history(userOf(connection), { conversationId: conversationID, limit, ...bounds }),
        ({ messages, hasMore }) => {
          const kept = fitting(messages, bounds.afterSeq !== undefined && bounds.beforeSeq === undefined)
          return { conversationID, messages: kept, hasMore: hasMore || kept.length < messages.length }
        }
      )
    })

    return [chat, online, history]
  })
)

/** The system is no member of any conversation: its id finds none. */
const userOf = (connection: Connection): UserId => connection.userId as UserId

/** The draft that a chat frame asks for, or why it asks in vain. Sender and time are the server's. */
const draftOf = (
  { connection, id, payload }: Call<ChatPayload>,
  messageId: Draft["messageId"],
  now: number
): Draft | ApiError => {
  const { messageType, content } = payload.message
  if (connection.kind !== "user") return ApiError.of("Forbidden", { msg: "only users send messages" })
  const senderId = connection.userId as UserId
  if (id === "")
    return ApiError.of("BadParameters", { msg: "a message needs an id: it makes sending it twice harmless" })
  if (payload.sendId !== undefined && payload.sendId !== "" && payload.sendId !== senderId) {
    return ApiError.of("Forbidden", { msg: "sendId is not the connection's user" })
  }
  if (payload.chatType === ChatType.group) return ApiError.of("NoConversation")
  const conversationId = singleConversationId(senderId, payload.receiveId)
  const { conversationID } = payload
  if (conversationID !== undefined && conversationID !== "" && conversationID !== conversationId) {
    return ApiError.of("NoConversation")
  }
  if (!isContentSmall(content)) return ApiError.of("ContentTooLarge")
  if (!isContentValid(messageType, content)) return ApiError.of("BadContent")
  return {
    messageId,
    clientId: id,
    conversationId,
    chatType: payload.chatType,
    senderId,
    receiveId: payload.receiveId,
    sendTime: now,
    messageType,
    content,
    origin: connection.connectionId
  }
}

const outcomeOf = (result: AppendResult): Outcome =>
  result._tag === "Rejected" ? { _tag: "Failed", error: result.error } : { _tag: "Done", data: chatAck(result.message) }

/** As many messages as fit into one frame, from the end at which the reader began; at least one. */
const fitting = (messages: ReadonlyArray<Message>, fromStart: boolean): ReadonlyArray<Message> => {
  const ordered = fromStart ? messages : messages.toReversed()
  let size = 0
  const end = ordered.findIndex((message, index) => {
    size += message.content.length
    return index > 0 && size > pageContentMax
  })
  const kept = end < 0 ? ordered : ordered.slice(0, end)
  return fromStart ? kept : kept.toReversed()
}
