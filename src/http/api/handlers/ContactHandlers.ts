/** Handlers of the HTTP endpoints for friends, requests and blocks. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Contacts } from "../../../domain/contacts/Contacts.ts"
import { Friends } from "../../../domain/contacts/Friends.ts"
import { onlineRecord, Presence } from "../../../domain/contacts/Presence.ts"
import { Api } from "../Api.ts"
import { callerId } from "../Authorization.ts"
import { success } from "../Envelope.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "social",
  Effect.fnUntraced(function* (handlers) {
    const contacts = yield* Contacts
    const friends = yield* Friends
    const presence = yield* Presence
    return handlers.handleAll({
      request: Effect.fnUntraced(function* ({ payload }) {
        return success(yield* friends.request(yield* callerId, payload.userId, payload.reqMsg ?? ""))
      }),
      respond: Effect.fnUntraced(function* ({ payload }) {
        yield* friends.respond(yield* callerId, payload.friendReqId, payload.handleResult)
        return success({})
      }),
      requests: Effect.fnUntraced(function* ({ query }) {
        return success({ list: yield* friends.requests(yield* callerId, query.before) })
      }),
      friends: Effect.fnUntraced(function* () {
        return success({ list: yield* friends.list(yield* callerId) })
      }),
      online: Effect.fnUntraced(function* () {
        const visible = yield* friends.visible(yield* callerId)
        return success({ onlineList: onlineRecord(visible, yield* presence.onlineAmong(visible)) })
      }),
      remove: Effect.fnUntraced(function* ({ query }) {
        yield* friends.remove(yield* callerId, query.userId)
        return success({})
      }),
      block: Effect.fnUntraced(function* ({ payload }) {
        yield* contacts.block(yield* callerId, payload.userId)
        return success({})
      }),
      unblock: Effect.fnUntraced(function* ({ query }) {
        yield* contacts.unblock(yield* callerId, query.userId)
        return success({})
      }),
      blocks: Effect.fnUntraced(function* () {
        return success({ list: yield* contacts.blocks(yield* callerId) })
      })
    })
  })
)
