/** Handlers of the user service's HTTP endpoints. */
import { Effect, Layer, Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Accounts, type LoggedIn } from "../../../domain/services/Accounts.ts"
import { Api } from "../Api.ts"
import { CurrentUser, callerId } from "../Authorization.ts"
import { success } from "../Envelope.ts"

const addressOf = (request: HttpServerRequest.HttpServerRequest): string | undefined =>
  Option.getOrUndefined(request.remoteAddress)

const tokens = ({ token, expire, refreshToken }: LoggedIn) => success({ token, expire, refreshToken })

const account = HttpApiBuilder.group(
  Api,
  "account",
  Effect.fnUntraced(function* (handlers) {
    const accounts = yield* Accounts
    return handlers.handleAll({
      register: ({ payload, request }) => Effect.map(accounts.register(payload, addressOf(request)), tokens),
      login: ({ payload, request }) => Effect.map(accounts.login(payload, addressOf(request)), tokens),
      refresh: ({ payload, request }) => Effect.map(accounts.refresh(payload.refreshToken, addressOf(request)), success)
    })
  })
)

const user = HttpApiBuilder.group(
  Api,
  "user",
  Effect.fnUntraced(function* (handlers) {
    const accounts = yield* Accounts
    return handlers.handleAll({
      logout: Effect.fnUntraced(function* () {
        yield* accounts.logout(yield* CurrentUser)
        return success({})
      }),
      detail: Effect.fnUntraced(function* () {
        return success({ info: yield* accounts.profile(yield* callerId) })
      }),
      update: Effect.fnUntraced(function* ({ payload }) {
        return success({ info: yield* accounts.update(yield* callerId, payload) })
      }),
      find: Effect.fnUntraced(function* ({ query }) {
        return success({ users: yield* accounts.findFor(yield* callerId, query) })
      }),
      privacy: Effect.fnUntraced(function* () {
        return success({ privacy: yield* accounts.privacy(yield* callerId) })
      }),
      changePrivacy: Effect.fnUntraced(function* ({ payload }) {
        return success({ privacy: yield* accounts.changePrivacy(yield* callerId, payload) })
      })
    })
  })
)

export const layer = Layer.merge(account, user)
