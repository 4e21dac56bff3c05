/** Handlers of the HTTP endpoints for conversations. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../domain/Api.ts"
import { callerId } from "../domain/Authorization.ts"
import { success } from "../domain/Envelope.ts"
import { ApiError } from "../domain/ErrorTable.ts"
import { Im } from "./Im.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "im",
  Effect.fnUntraced(function* (handlers) {
    const im = yield* Im
    return handlers.handleAll({
      chatlog: Effect.fnUntraced(function* ({ query }) {
        return success({ list: yield* im.chatLog(yield* callerId, query) })
      }),
      readRecords: Effect.fnUntraced(function* ({ query }) {
        return success(yield* im.readRecords(yield* callerId, query.msgId))
      }),
      setUp: Effect.fnUntraced(function* ({ payload: { sendId, recvId, chatType } }) {
        if (sendId !== (yield* callerId)) {
          return yield* ApiError.of("Forbidden", { msg: "sendId is not the caller" })
        }
        return success({ conversationId: yield* im.setUp(sendId, recvId, chatType) })
      }),
      conversations: Effect.fnUntraced(function* ({ query }) {
        return success(yield* im.conversations(yield* callerId, query.after))
      }),
      change: Effect.fnUntraced(function* ({ payload }) {
        yield* im.change(yield* callerId, payload.conversationList)
        return success({})
      })
    })
  })
)
