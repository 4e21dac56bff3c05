/** What the WebSocket methods do (protocol.md section 1.6). */
import { Clock, Effect, Option } from "effect"
import type { Connection } from "../../actors/connections/ConnectionRegistry.ts"
import { answered, type Call, done, handedOver, Router, type Settle } from "../../actors/connections/Router.ts"
import { Delivery } from "../../actors/delivery/Delivery.ts"
import { Notices } from "../../actors/delivery/Notices.ts"
import { PresenceWatches } from "../../actors/presence/PresenceWatches.ts"
import { EphemeralEvents } from "../../domain/cluster/EphemeralEvents.ts"
import { pushOf } from "../../domain/cluster/Handover.ts"
import { Transfer } from "../../domain/cluster/Transfer.ts"
import { methods } from "../../domain/connection/ClientProtocol.ts"
import type { Outcome } from "../../domain/connection/ConnectionMachine.ts"
import { Contacts } from "../../domain/contacts/Contacts.ts"
import { Presence } from "../../domain/contacts/Presence.ts"
import { Conversations } from "../../domain/conversations/Conversations.ts"
import { beginning, cursorOf, positionOf, syncMax } from "../../domain/conversations/Sync.ts"
import { type Author, changed, draftOf, type WantedChange, type Wish, written } from "../../domain/messages/Drafting.ts"
import { type ChatPayload, chatAck, type Message, MessageType } from "../../domain/messages/Message.ts"
import { type AppendResult, MessageStore } from "../../domain/messages/MessageStore.ts"
import { fitting } from "../../domain/messages/Page.ts"
import type { ConversationId } from "../../domain/shared/ConversationIds.ts"
import { type Failure, failure, isFailure } from "../../domain/shared/Failure.ts"
import { Ids, type UserId } from "../../domain/shared/Ids.ts"

const historyDefault = 50
/** A connection is heard typing once in this time. */
const typingMillis = 1_000
const onlySystem = failure("Forbidden", { msg: "only the system pushes" })
/** Online users that the system is told of: what fits into a frame within the outbound bound. */
const onlineMax = 20_000

export const layer = Router.layer(
  Effect.gen(function* () {
    const transfer = yield* Transfer
    const store = yield* MessageStore
    const conversations = yield* Conversations
    const contacts = yield* Contacts
    const presence = yield* Presence
    const watches = yield* PresenceWatches
    const delivery = yield* Delivery
    const notices = yield* Notices
    const events = yield* EphemeralEvents
    const ids = yield* Ids
    const clock = yield* Clock.Clock

    /** Hands a draft over; the connection that sent it gets the ack and no push. */
    const publish = ({ connection }: Call<unknown>, wish: Wish | Failure, settle: Settle): void => {
      if (isFailure(wish)) return settle({ _tag: "Failed", error: wish })
      const draft = {
        ...draftOf(wish, ids.messageId(), clock.currentTimeMillisUnsafe()),
        origin: connection.connectionId
      }
      if (!transfer.publish(draft, (result) => settle(outcomeOf(result)))) {
        settle({ _tag: "Failed", error: failure("Overloaded", { retryAfter: 1_000 }) })
      }
    }

    const chat = handedOver(methods.chat, (call, settle) => publish(call, writtenIn(call), settle))

    const recall = handedOver(methods.recall, (call, settle) =>
      publish(call, changedIn(call, MessageType.recall, ""), settle)
    )
    const edit = handedOver(methods.edit, (call, settle) =>
      publish(call, changedIn(call, MessageType.edit, call.payload.content), settle)
    )
    const react = handedOver(methods.react, (call, settle) =>
      publish(call, changedIn(call, MessageType.reaction, call.payload.reaction), settle)
    )

    /** When each connection was last heard typing. */
    const typedAt = new WeakMap<Connection, number>()
    const typing = done(methods.typing, ({ connection, payload: { conversationID } }) => {
      const userId = userOf(connection)
      const now = clock.currentTimeMillisUnsafe()
      if (now - (typedAt.get(connection) ?? 0) < typingMillis) return Effect.void
      typedAt.set(connection, now)
      return Effect.map(conversations.mayBeHeard(userId, conversationID), (isHeard) => {
        if (isHeard) events.publish({ _tag: "Typing", conversationID, userId }, connection.connectionId)
      })
    })

    const online = answered(methods.online, ({ connection }) =>
      connection.kind === "system"
        ? presence.onlineUsers(onlineMax)
        : Effect.flatMap(contacts.list(userOf(connection)), presence.onlineAmong)
    )

    const watch = answered(methods.watch, ({ connection, payload }) =>
      Effect.map(watches.watch(connection, payload.userIds), (users) => ({ users }))
    )

    const history = answered(methods.history, ({ connection, payload }) => {
      const { conversationID, limit = historyDefault, ...bounds } = payload
      return Effect.map(
        store.history(userOf(connection), { conversationId: conversationID, limit, ...bounds }),
        ({ messages, hasMore }) => {
          const kept = fittingFrom(messages, bounds.afterSeq !== undefined)
          return { conversationID, messages: kept, hasMore: hasMore || kept.length < messages.length }
        }
      )
    })

    const sync = answered(methods.sync, ({ connection, payload: { cursor, newest, limit = syncMax, ...payload } }) => {
      const reader = userOf(connection)
      const position = cursor === undefined ? Option.some(beginning) : positionOf(reader, cursor)
      if (Option.isNone(position)) return Effect.fail(failure("BadParameters", { msg: "not a cursor of this user" }))
      const known = payload.conversations ?? {}
      return Effect.map(
        conversations.sync(reader, { position: position.value, limit, newest, known }),
        ({ conversations, next }) => ({
          cursor: cursorOf(reader, next),
          hasMore: next.walk !== undefined,
          conversations
        })
      )
    })

    const markRead = done(methods.markRead, ({ connection, payload: { conversationID, seq } }) => {
      const userId = userOf(connection)
      return Effect.map(conversations.markRead(userId, conversationID, seq), (mark) => {
        const { seq } = mark
        const onlyOwn = mark.isBlocked
        if (mark.moved) events.publish({ _tag: "Read", conversationID, userId, seq, onlyOwn }, connection.connectionId)
        return { conversationID, seq }
      })
    })

    const push = handedOver(methods.push, ({ connection, payload }, settle) => {
      if (connection.kind !== "system") return settle({ _tag: "Failed", error: onlySystem })
      for (const outgoing of payload.results) {
        const message = pushOf(outgoing)
        if (message !== undefined) delivery.deliver(message, outgoing.origin)
        transfer.settle(outgoing.draftId, outgoing.result)
      }
      settle({ _tag: "Done", data: undefined })
    })

    const heard = handedOver(methods.notices, ({ connection, payload }, settle) => {
      if (connection.kind !== "system") return settle({ _tag: "Failed", error: onlySystem })
      notices.hear(payload.gateway, payload.notices)
      settle({ _tag: "Done", data: undefined })
    })

    const missed = handedOver(methods.missed, ({ connection }, settle) => {
      if (connection.kind !== "system") return settle({ _tag: "Failed", error: onlySystem })
      delivery.callForSync()
      settle({ _tag: "Done", data: undefined })
    })

    return [chat, recall, edit, react, markRead, typing, history, sync, online, watch, push, missed, heard]
  })
)

/** The system is no member of any conversation: its id finds none. */
const userOf = (connection: Connection): UserId => connection.userId as UserId

const authorOf = ({ connection, id }: Call<unknown>): Author | Failure =>
  connection.kind === "user"
    ? { senderId: userOf(connection), clientId: id }
    : failure("Forbidden", { msg: "only users send messages" })

/** What a chat frame asks for. The sender is the connection's user. */
const writtenIn = (call: Call<ChatPayload>): Wish | Failure => {
  const author = authorOf(call)
  if (isFailure(author)) return author
  const { sendId, message, ...receiver } = call.payload
  if (sendId !== undefined && sendId !== "" && sendId !== author.senderId) {
    return failure("Forbidden", { msg: "sendId is not the connection's user" })
  }
  return written(author, { ...receiver, ...message })
}

/** The change that a frame asks for. */
const changedIn = (
  call: Call<{ readonly conversationID: ConversationId; readonly seq: number }>,
  messageType: WantedChange["messageType"],
  content: string
): Wish | Failure => {
  const author = authorOf(call)
  if (isFailure(author)) return author
  const { conversationID, seq } = call.payload
  return changed(author, { conversationID, seq, messageType, content })
}

const outcomeOf = (result: AppendResult): Outcome =>
  result._tag === "Rejected" ? { _tag: "Failed", error: result.error } : { _tag: "Done", data: chatAck(result.message) }

/** The part of a page that fits into one frame, from the end at which the reader began. */
const fittingFrom = (messages: ReadonlyArray<Message>, fromStart: boolean): ReadonlyArray<Message> =>
  fromStart ? fitting(messages) : fitting(messages.toReversed()).toReversed()
