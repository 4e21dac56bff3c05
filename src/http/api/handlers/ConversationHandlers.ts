/** Handlers of the HTTP endpoints for conversations. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { failure } from "../../../domain/shared/Failure.ts"
import { Api } from "../Api.ts"
import { callerId } from "../Authorization.ts"
import { ConversationService } from "../ConversationService.ts"
import { success } from "../Envelope.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "im",
  Effect.fnUntraced(function* (handlers) {
    const conversations = yield* ConversationService
    return handlers.handleAll({
      chatlog: Effect.fnUntraced(function* ({ query }) {
        return success({ list: yield* conversations.chatLog(yield* callerId, query) })
      }),
      readRecords: Effect.fnUntraced(function* ({ query }) {
        return success(yield* conversations.readRecords(yield* callerId, query.msgId))
      }),
      setUp: Effect.fnUntraced(function* ({ payload: { sendId, recvId, chatType } }) {
        if (sendId !== (yield* callerId)) {
          return yield* failure("Forbidden", { msg: "sendId is not the caller" })
        }
        return success({ conversationId: yield* conversations.setUp(sendId, recvId, chatType) })
      }),
      conversations: Effect.fnUntraced(function* ({ query }) {
        return success(yield* conversations.conversations(yield* callerId, query.after))
      }),
      change: Effect.fnUntraced(function* ({ payload }) {
        yield* conversations.change(yield* callerId, payload.conversationList)
        return success({})
      })
    })
  })
)
