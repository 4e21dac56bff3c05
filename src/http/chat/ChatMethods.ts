/** The handlers of the WebSocket methods (protocol.md section 1.6). */
import { Clock, Effect, Result } from "effect"
import type { ConnectionHandle } from "../../actors/connections/ConnectionRegistry.ts"
import { answered, type Call, handedOver, inBackground, Router } from "../../actors/connections/Router.ts"
import { PresenceWatches } from "../../actors/presence/PresenceWatches.ts"
import { EphemeralEvents } from "../../domain/cluster/EphemeralEvents.ts"
import { Budgets, spend } from "../../domain/connection/Budgets.ts"
import { Contacts } from "../../domain/contacts/Contacts.ts"
import { Presence } from "../../domain/contacts/Presence.ts"
import { Conversations } from "../../domain/conversations/Conversations.ts"
import * as Draft from "../../domain/messages/Draft.ts"
import {
  type ChangeType,
  type ChatAck,
  type ChatPayload,
  chatAck,
  type Message,
  MessageType
} from "../../domain/messages/Message.ts"
import { MessageStore } from "../../domain/messages/MessageStore.ts"
import { fitting } from "../../domain/messages/Page.ts"
import { methods } from "../../domain/protocol/ClientMethods.ts"
import { GroupService } from "../../domain/services/GroupService.ts"
import { MessageSender, type SendFailure } from "../../domain/services/MessageSender.ts"
import { makeSync } from "../../domain/services/SyncService.ts"
import { failure } from "../../domain/shared/Failure.ts"
import { monotonicMillis } from "../../domain/shared/MonotonicTime.ts"

const historyDefault = 50
/** Units of a query that reads the store, in addition to its frame, and of so many users or conversations that it names. */
const readUnits = 2
const namedOfUnit = 10
/** The shortest time between two events `typing` of a connection. */
const typingMillis = 1_000

export const layer = Router.layer(
  Effect.gen(function* () {
    const sender = yield* MessageSender
    const store = yield* MessageStore
    const conversations = yield* Conversations
    const contacts = yield* Contacts
    const presence = yield* Presence
    const watches = yield* PresenceWatches
    const events = yield* EphemeralEvents
    const groups = yield* GroupService
    const readMissed = yield* makeSync
    const clock = yield* Clock.Clock
    const budgets = yield* Budgets
    const reads = (named = 0) => spend(budgets, readUnits + named / namedOfUnit)

    const chat = handedOver(methods.chat, (call, settle) => {
      const { sendId } = call.payload
      if (sendId !== undefined && sendId !== "" && sendId !== call.connection.userId) {
        return settle(Result.fail(failure("Forbidden", { msg: "sendId is not the connection's user" })))
      }
      const { connectionId } = call.connection
      sender.publish(messageIn(call), connectionId, (result) => settle(Result.map(result, chatAck)))
    })

    const change = <Type extends ChangeType>(
      { connection, id, payload }: Call<Draft.Target>,
      messageType: Type,
      content: string,
      settle: (response: Result.Result<ChatAck, SendFailure<Draft.UnsentChange<Type>>>) => void
    ) => {
      const made = Draft.change({ senderId: connection.userId, clientId: id }, payload, messageType, content)
      sender.publish(made, connection.connectionId, (result) => settle(Result.map(result, chatAck)))
    }
    const recall = handedOver(methods.recall, (call, settle) => change(call, MessageType.recall, "", settle))
    const edit = handedOver(methods.edit, (call, settle) =>
      change(call, MessageType.edit, call.payload.content, settle)
    )
    const react = handedOver(methods.react, (call, settle) =>
      change(call, MessageType.reaction, call.payload.reaction, settle)
    )

    const invite = inBackground(methods.invite, ({ connection, id, payload }) =>
      groups.join({ senderId: connection.userId, clientId: id }, payload)
    )

    const respond = inBackground(methods.respond, ({ connection, payload: { groupReqId, handleResult } }) =>
      groups.respond(connection.userId, groupReqId, handleResult)
    )

    // The frame itself is the operation: every data frame restarts the idle clock.
    const active = inBackground(methods.active, () => Effect.void)

    /** The time of each connection's last event `typing`. */
    const typedAt = new WeakMap<ConnectionHandle, number>()
    const typing = inBackground(methods.typing, ({ connection, payload: { conversationId } }) => {
      const { userId, connectionId } = connection
      const now = monotonicMillis(clock)
      if (now - (typedAt.get(connection) ?? Number.NEGATIVE_INFINITY) < typingMillis) return Effect.void
      typedAt.set(connection, now)
      return Effect.map(conversations.isVisibleToOthers(userId, conversationId), (isVisible) => {
        if (isVisible) events.publish({ _tag: "Typing", conversationId, userId }, connectionId)
      })
    })

    const markRead = inBackground(methods.markRead, ({ connection, payload }) => {
      const { userId, connectionId } = connection
      const { conversationId } = payload
      return Effect.map(conversations.markRead(userId, conversationId, payload.seq), ({ seq, moved, isBlocked }) => {
        if (moved) events.publish({ _tag: "Read", conversationId, userId, seq, onlyOwn: isBlocked }, connectionId)
        return { conversationId, seq }
      })
    })

    const online = answered(methods.online, ({ connection }) =>
      reads().pipe(
        Effect.andThen(contacts.list(connection.userId)),
        Effect.tap((users) => spend(budgets, users.length / namedOfUnit)),
        Effect.flatMap(presence.onlineAmong)
      )
    )

    const watch = answered(methods.watch, ({ connection, payload }) =>
      reads(payload.userIds.length).pipe(
        Effect.andThen(watches.watch(connection, payload.userIds)),
        Effect.map((users) => ({ users }))
      )
    )

    const history = answered(methods.history, ({ connection, payload }) => {
      const { limit = historyDefault, ...query } = payload
      const page = Effect.andThen(reads(), store.history(connection.userId, { limit, ...query }))
      return Effect.map(page, ({ messages, hasMore, joinedSeq }) => {
        const kept = fittingFrom(messages, query.afterSeq !== undefined)
        return {
          conversationId: query.conversationId,
          messages: kept,
          hasMore: hasMore || kept.length < messages.length,
          ...(joinedSeq === 0 ? {} : { joinedSeq })
        }
      })
    })

    const sync = answered(methods.sync, ({ connection, payload }) =>
      Effect.andThen(reads(Object.keys(payload.conversations ?? {}).length), readMissed(connection.userId, payload))
    )

    return { chat, recall, edit, react, markRead, invite, respond, active, typing, history, sync, online, watch }
  })
)

/** The message of a chat frame. The sender is the connection's user. */
const messageIn = ({ connection, id, payload }: Call<ChatPayload>): Draft.Made<Draft.UnsentMessage> => {
  const { conversationID: conversationId, chatType, receiveId, message } = payload
  const author = { senderId: connection.userId, clientId: id }
  return Draft.message(author, { conversationId, chatType, receiveId, ...message })
}

/** The part of a page that fits into one frame, from the end at which the reader began. */
const fittingFrom = (messages: ReadonlyArray<Message>, fromStart: boolean): ReadonlyArray<Message> =>
  fromStart ? fitting(messages) : fitting(messages.toReversed()).toReversed()
