/** Handlers of the conversations' RPC group. Services are trusted: they read every conversation, and write for users. */
import { Effect, Option, Stream } from "effect"
import { ConversationWatchers } from "../../actors/delivery/ConversationWatchers.ts"
import * as Draft from "../../domain/messages/Draft.ts"
import { chatAck } from "../../domain/messages/Message.ts"
import { historyMax } from "../../domain/messages/MessageStore.ts"
import { ConversationService } from "../../domain/services/ConversationService.ts"
import { GroupService } from "../../domain/services/GroupService.ts"
import { MessageSender } from "../../domain/services/MessageSender.ts"
import { type ConversationId, groupConversation, receiverOf } from "../../domain/shared/ConversationIds.ts"
import { chatLog, chatLogQuery } from "../api/ChatLog.ts"
import { conversationPage, listChanges } from "../api/ConversationEntry.ts"
import { ConversationRpcs } from "./ConversationRpc.ts"
import { tokenExpired } from "./TokenExpiry.ts"

/** A follower reads again after this time, even if no message woke it. */
const pollInterval = "5 seconds"

export const layer = ConversationRpcs.toLayer(
  Effect.gen(function* () {
    const conversations = yield* ConversationService
    const sender = yield* MessageSender
    const watchers = yield* ConversationWatchers
    const groups = yield* GroupService

    /** Page after page; when there is nothing more it waits until there is. */
    const messages = (conversationId: ConversationId, afterSeq: number) =>
      Stream.unwrap(
        Effect.map(watchers.watch(conversationId), ({ news, pageAfter }) =>
          Stream.paginate(
            { afterSeq, isFirst: true, hasMore: true, limit: historyMax },
            Effect.fnUntraced(function* ({ afterSeq, isFirst, hasMore, limit }) {
              if (!hasMore && !isFirst) yield* Effect.timeoutOption(news, pollInterval)
              const { messages, hasMore: goesOn } = yield* pageAfter(afterSeq, limit)
              const next = {
                afterSeq: messages.at(-1)?.seq ?? afterSeq,
                isFirst: false,
                hasMore: goesOn,
                // Where few fit into a page, few are read for the next one.
                limit: goesOn ? Math.min(historyMax, 2 * messages.length) : historyMax
              }
              return [messages, Option.some(next)] as const
            })
          ).pipe(Stream.interruptWhen(tokenExpired))
        )
      )

    return ConversationRpcs.of({
      GetChatLog: ({ conversationId, ...query }) =>
        Effect.map(conversations.chatLog(undefined, chatLogQuery(conversationId, query)), (found) =>
          found.map(chatLog)
        ),
      SetUpUserConversation: ({ sendId, recvId, chatType }) =>
        Effect.map(conversations.setUp(sendId, receiverOf(chatType, recvId)), (conversationId) => ({ conversationId })),
      GetConversations: ({ userId, after }) =>
        Effect.map(conversations.list(userId, after), (page) => conversationPage(userId, page)),
      PutConversations: ({ userId, ...changes }) => conversations.change(userId, listChanges(changes)),
      CreateGroupConversation: ({ creatorId, clientId, ...group }) =>
        Effect.map(groups.create({ senderId: creatorId, clientId }, group), ({ groupId, requests }) => ({
          conversationId: groupConversation(groupId),
          requests
        })),
      SendMessage: ({ sendId, clientId, chatType, receiveId, message: { messageType, content } }) => {
        const author = { senderId: sendId, clientId }
        const made = Draft.message(author, { chatType, receiveId, messageType, content })
        return Effect.map(sender.send(made), chatAck)
      },
      Messages: ({ conversationId, afterSeq = 0 }) => messages(conversationId, afterSeq)
    })
  })
)
