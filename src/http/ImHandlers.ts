/** Handlers of the HTTP endpoints for conversations. */
import { Effect, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../domain/Api.ts"
import { CurrentUser } from "../domain/Authorization.ts"
import { ConversationId } from "../domain/Conversation.ts"
import { success } from "../domain/Envelope.ts"
import { ApiError } from "../domain/ErrorTable.ts"
import { chatLog } from "../domain/ImApi.ts"
import { MessageStore } from "../domain/MessageStore.ts"

const chatLogDefault = 100

/** The Go project's clients write `0` for a bound that they do not want. */
const bound = <const Key extends string>(key: Key, value: number | undefined) =>
  (value === undefined || value === 0 ? {} : { [key]: value }) as { readonly [K in Key]?: number }

export const layer = HttpApiBuilder.group(
  Api,
  "im",
  Effect.fnUntraced(function* (handlers) {
    const store = yield* MessageStore
    return handlers.handle(
      "chatlog",
      Effect.fnUntraced(function* ({ query }) {
        if (!Schema.is(ConversationId)(query.conversationId)) return yield* ApiError.of("NoConversation")
        const messages = yield* store.chatLog((yield* CurrentUser).subject, {
          conversationId: query.conversationId,
          limit: query.count ?? chatLogDefault,
          ...bound("startSendTime", query.startSendTime),
          ...bound("endSendTime", query.endSendTime),
          ...bound("beforeSeq", query.beforeSeq),
          ...bound("afterSeq", query.afterSeq),
          ...(query.msgId === undefined || query.msgId === "" ? {} : { messageId: query.msgId })
        })
        return success({ list: messages.map(chatLog) })
      })
    )
  })
)
