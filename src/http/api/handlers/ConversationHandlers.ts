/** Handlers of the HTTP endpoints for conversations. */
import { Effect, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { ConversationService } from "../../../domain/services/ConversationService.ts"
import { ConversationId, receiverOf } from "../../../domain/shared/ConversationIds.ts"
import { failure } from "../../../domain/shared/Failure.ts"
import { Api } from "../Api.ts"
import { callerId } from "../Authorization.ts"
import { chatLog, chatLogQuery } from "../ChatLog.ts"
import { conversationPage, listChanges } from "../ConversationEntry.ts"
import { success } from "../Envelope.ts"

const isConversationId = Schema.is(ConversationId)

export const layer = HttpApiBuilder.group(
  Api,
  "im",
  Effect.fnUntraced(function* (handlers) {
    const conversations = yield* ConversationService
    return handlers.handleAll({
      chatlog: Effect.fnUntraced(function* ({ query }) {
        if (!isConversationId(query.conversationId)) return yield* failure("NoConversation")
        const messages = yield* conversations.chatLog(yield* callerId, chatLogQuery(query.conversationId, query))
        return success({ list: messages.map(chatLog) })
      }),
      readRecords: Effect.fnUntraced(function* ({ query }) {
        return success(yield* conversations.readRecords(yield* callerId, query.msgId))
      }),
      setUp: Effect.fnUntraced(function* ({ payload: { sendId, recvId, chatType } }) {
        if (sendId !== (yield* callerId)) {
          return yield* failure("Forbidden", { msg: "sendId is not the caller" })
        }
        return success({ conversationId: yield* conversations.setUp(sendId, receiverOf(chatType, recvId)) })
      }),
      conversations: Effect.fnUntraced(function* ({ query }) {
        const userId = yield* callerId
        return success(conversationPage(userId, yield* conversations.list(userId, query.after)))
      }),
      change: Effect.fnUntraced(function* ({ payload }) {
        yield* conversations.change(yield* callerId, listChanges(payload))
        return success({})
      })
    })
  })
)
