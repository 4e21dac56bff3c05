/** Users that are there at once: hashing a password for each of them would take longer than what they do. */
import { Effect } from "effect"
import { Auth, Sessions } from "../../src/domain/accounts/Auth.ts"
import { type Phone, UserRepository } from "../../src/domain/accounts/User.ts"
import { Ids } from "../../src/domain/shared/Ids.ts"
import { freshPhone } from "../support/Users.ts"

/** A user, and the token of a login. */
export interface Person {
  readonly id: string
  readonly token: string
}

/** Puts a new user into the store. */
export const enrol = Effect.gen(function* () {
  const repository = yield* UserRepository
  const auth = yield* Auth
  const sessions = yield* Sessions
  const ids = yield* Ids
  const id = ids.userId()
  const phone = freshPhone() as Phone
  yield* repository.insert({ id, phone, passwordHash: "-", nickname: id, sex: 0, avatar: "" })
  yield* repository.changePrivacy(id, { addToGroups: "everyone" })
  const login = { userId: id, sessionId: ids.uniqueId(), deviceId: "model", platform: "test" }
  yield* sessions.open(login)
  const { token } = yield* auth.issueUser(login)
  return { id: id as string, token } satisfies Person
})
