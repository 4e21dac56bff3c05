/** Handlers of the conversations' RPC group. Services are trusted: they read every conversation, and write for users. */
import { Effect, Option, Stream } from "effect"
import { ConversationWatchers } from "../actors/ConversationWatchers.ts"
import { MessageSender } from "../actors/MessageSender.ts"
import type { ConversationId } from "../domain/Conversation.ts"
import { founding, written } from "../domain/Drafting.ts"
import { Ids } from "../domain/Ids.ts"
import { ImRpcs } from "../domain/ImRpc.ts"
import { chatAck } from "../domain/Message.ts"
import { type HistoryQuery, historyMax, MessageStore } from "../domain/MessageStore.ts"
import { fitting } from "../domain/Page.ts"
import { Im } from "./Im.ts"
import { tokenEnded } from "./TokenEnd.ts"

/** A node that was not told of a message asks for itself after this time. */
const patience = "5 seconds"

export const layer = ImRpcs.toLayer(
  Effect.gen(function* () {
    const im = yield* Im
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

    return ImRpcs.of({
      GetChatLog: (query) => im.chatLog(undefined, query),
      SetUpUserConversation: ({ sendId, recvId, chatType }) =>
        Effect.map(im.setUp(sendId, recvId, chatType), (conversationId) => ({ conversationId })),
      GetConversations: ({ userId, after }) => im.conversations(userId, after),
      PutConversations: ({ userId, conversationList }) => im.change(userId, conversationList),
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
