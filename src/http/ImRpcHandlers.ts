/** Handlers of the conversations' RPC group. Services are trusted: they read every conversation, and write for users. */
import { Effect, Option, Stream } from "effect"
import { ConversationWatchers } from "../actors/ConversationWatchers.ts"
import { MessageSender } from "../actors/MessageSender.ts"
import type { ConversationId } from "../domain/Conversation.ts"
import { happening, written } from "../domain/Drafting.ts"
import { Ids } from "../domain/Ids.ts"
import { ImRpcs } from "../domain/ImRpc.ts"
import { chatAck } from "../domain/Message.ts"
import { historyMax, MessageStore } from "../domain/MessageStore.ts"
import { Im } from "./Im.ts"

/** A node that was not told of a message asks for itself after this time. */
const patience = "5 seconds"

export const layer = ImRpcs.toLayer(
  Effect.gen(function* () {
    const im = yield* Im
    const sender = yield* MessageSender
    const store = yield* MessageStore
    const watchers = yield* ConversationWatchers
    const ids = yield* Ids

    /** Page after page; when there is nothing more it waits until there is. */
    const messages = (conversationId: ConversationId, afterSeq: number) =>
      Stream.unwrap(
        Effect.map(watchers.watch(conversationId), (watch) =>
          Stream.paginate({ afterSeq, isFirst: true, hasMore: true }, ({ afterSeq, isFirst, hasMore }) =>
            Effect.gen(function* () {
              if (!hasMore && !isFirst) yield* Effect.timeoutOption(watch, patience)
              const page = yield* store.history(undefined, { conversationId, afterSeq, limit: historyMax })
              const next = { afterSeq: page.messages.at(-1)?.seq ?? afterSeq, isFirst: false, hasMore: page.hasMore }
              return [page.messages, Option.some(next)] as const
            })
          )
        )
      )

    return ImRpcs.of({
      GetChatLog: (query) => im.chatLog(undefined, query),
      SetUpUserConversation: ({ sendId, recvId, chatType }) =>
        Effect.map(im.setUp(sendId, recvId, chatType), (conversationId) => ({ conversationId })),
      GetConversations: ({ userId, after }) => im.conversations(userId, after),
      PutConversations: ({ userId, conversationList }) => im.change(userId, conversationList),
      CreateGroupConversation: ({ creatorId, clientId, name, icon = "", isVerify = false, userIds = [] }) =>
        Effect.map(
          sender.send(
            happening({ senderId: creatorId, clientId }, ids.uniqueId() as ConversationId, {
              event: "created",
              name,
              icon,
              isVerify,
              userIds
            })
          ),
          ({ conversationID }) => ({ conversationId: conversationID })
        ),
      SendMessage: ({ sendId, clientId, chatType, receiveId, message }) =>
        Effect.map(sender.send(written({ senderId: sendId, clientId }, { chatType, receiveId, ...message })), chatAck),
      Messages: ({ conversationId, afterSeq = 0 }) => messages(conversationId, afterSeq)
    })
  })
)
