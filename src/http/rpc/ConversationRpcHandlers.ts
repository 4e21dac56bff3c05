/** Handlers of the conversations' RPC group. Services are trusted: they read every conversation, and write for users. */
import { Effect, Option, Stream } from "effect"
import { ConversationWatchers } from "../../actors/delivery/ConversationWatchers.ts"
import { MessageSender } from "../../actors/delivery/MessageSender.ts"
import { founding, written } from "../../domain/messages/Drafting.ts"
import { chatAck } from "../../domain/messages/Message.ts"
import { type HistoryQuery, historyMax, MessageStore } from "../../domain/messages/MessageStore.ts"
import { fitting } from "../../domain/messages/Page.ts"
import type { ConversationId } from "../../domain/shared/ConversationIds.ts"
import { Ids } from "../../domain/shared/Ids.ts"
import { ConversationService } from "../api/ConversationService.ts"
import { ConversationRpcs } from "./ConversationRpc.ts"
import { tokenEnded } from "./TokenExpiry.ts"

/** A node that was not told of a message asks for itself after this time. */
const patience = "5 seconds"

export const layer = ConversationRpcs.toLayer(
  Effect.gen(function* () {
    const conversations = yield* ConversationService
    const sender = yield* MessageSender
    const store = yield* MessageStore
    const watchers = yield* ConversationWatchers
    const ids = yield* Ids

    /** As much as a stream holds in memory for a reader who does not read. */
    const page = (query: HistoryQuery) =>
      Effect.map(store.history(undefined, query), ({ messages, hasMore }) => {
        const kept = fitting(messages)
        return { messages: kept, hasMore: hasMore || kept.length < messages.length }
      })

    /** Page after page; when there is nothing more it waits until there is. */
    const messages = (conversationId: ConversationId, afterSeq: number) =>
      Stream.unwrap(
        Effect.map(watchers.watch(conversationId), ({ news, pageAfter }) =>
          Stream.paginate(
            { afterSeq, isFirst: true, hasMore: true, limit: historyMax },
            Effect.fnUntraced(function* ({ afterSeq, isFirst, hasMore, limit }) {
              if (!hasMore && !isFirst) yield* Effect.timeoutOption(news, patience)
              const { messages, hasMore: goesOn } = yield* pageAfter(
                afterSeq,
                page({ conversationId, afterSeq, limit })
              )
              const next = {
                afterSeq: messages.at(-1)?.seq ?? afterSeq,
                isFirst: false,
                hasMore: goesOn,
                // Where few fit into a page, few are read for the next one.
                limit: goesOn ? Math.min(historyMax, 2 * messages.length) : historyMax
              }
              return [messages, Option.some(next)] as const
            })
          ).pipe(Stream.interruptWhen(tokenEnded))
        )
      )

    return ConversationRpcs.of({
      GetChatLog: (query) => conversations.chatLog(undefined, query),
      SetUpUserConversation: ({ sendId, recvId, chatType }) =>
        Effect.map(conversations.setUp(sendId, recvId, chatType), (conversationId) => ({ conversationId })),
      GetConversations: ({ userId, after }) => conversations.conversations(userId, after),
      PutConversations: ({ userId, conversationList }) => conversations.change(userId, conversationList),
      CreateGroupConversation: ({ creatorId, clientId, ...group }) =>
        Effect.map(
          sender.send(founding({ senderId: creatorId, clientId }, ids.uniqueId() as ConversationId, group)),
          ({ conversationID }) => ({ conversationId: conversationID })
        ),
      SendMessage: ({ sendId, clientId, chatType, receiveId, message }) =>
        Effect.map(sender.send(written({ senderId: sendId, clientId }, { chatType, receiveId, ...message })), chatAck),
      Messages: ({ conversationId, afterSeq = 0 }) => messages(conversationId, afterSeq)
    })
  })
)
