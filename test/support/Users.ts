/** Registers users over HTTP, as a client would. */
import { Effect } from "effect"
import type { PrivacyChange } from "../../src/domain/accounts/Privacy.ts"
import { TestServer } from "./TestServer.ts"

export interface TestUser {
  readonly id: string
  readonly phone: string
  readonly token: string
  readonly refreshToken: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of any shape
  readonly body: any
}

/** One HTTP request to the test server; `body` is sent as JSON unless it is a string. */
export const request = (
  method: string,
  path: string,
  options: {
    readonly body?: unknown
    readonly token?: string
    readonly headers?: Record<string, string>
    /** To the internal listener. */
    readonly isInternal?: boolean
  } = {}
) =>
  Effect.flatMap(TestServer, ({ url, internalUrl }) =>
    Effect.promise(async (signal): Promise<Answer> => {
      const { body, token, headers, isInternal = false } = options
      const response = await fetch(`${isInternal ? internalUrl : url}${path}`, {
        method,
        signal,
        headers: {
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) }
    })
  )

let registered = 0

/** A valid French mobile number that no other test of this process has. */
export const freshPhone = (): string => {
  registered += 1
  return `+336${String(10_000_000 + registered)}`
}

export const password = "correct horse battery"

/** Changes the privacy of users. */
export const setPrivacy = (change: PrivacyChange, ...users: ReadonlyArray<TestUser>) =>
  Effect.forEach(
    users,
    ({ token }) =>
      Effect.map(request("PATCH", "/v1/user/privacy", { token, body: change }), ({ body }) => {
        if (body.code !== 200) throw new Error(JSON.stringify(body))
      }),
    { discard: true }
  )

/** A new user with a token, who has set nothing. */
export const registerNewcomer = (phone = freshPhone()) =>
  Effect.gen(function* () {
    const registration = yield* request("POST", "/v1/user/register", {
      body: { phone, password, nickname: `user of ${phone}` }
    })
    if (registration.status !== 200) throw new Error(JSON.stringify(registration.body))
    const { token, refreshToken } = registration.body.data
    const detail = yield* request("GET", "/v1/user/user", { token })
    const user: TestUser = { id: detail.body.data.info.id, phone, token, refreshToken }
    return user
  })

/** A new user with a token, whom everybody may add to groups. */
export const register = (phone = freshPhone()) =>
  Effect.tap(registerNewcomer(phone), (user) => setPrivacy({ addToGroups: "everyone" }, user))

/** Contacts see the phones and the presence of these users. */
export const showToContacts = (...users: ReadonlyArray<TestUser>) =>
  setPrivacy({ showPhone: "contacts", showPresence: "contacts" }, ...users)

/** The frame that sends a text to a user. */
export const chatFrame = (id: string, receiver: { readonly id: string }, content: string) => ({
  id,
  frameType: 0,
  method: "conversation.chat",
  data: { chatType: 1, receiveId: receiver.id, message: { messageType: 0, content } }
})
