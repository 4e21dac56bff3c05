/** Three users without HTTP, for tests of what they become to each other. */
import { Effect, Result } from "effect"
import { SqlClient } from "effect/sql"
import type { UserRepository } from "../../src/domain/accounts/User.ts"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { Friends } from "../../src/domain/contacts/Friends.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import type { AnyFailure } from "../../src/domain/shared/Failure.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { draft } from "./Drafts.ts"
import { insertUsers, userIds } from "./StoredUsers.ts"

export type ContactServices = Contacts | Friends | MessageStore | UserRepository | SqlClient.SqlClient

export const [ann, bob, cid] = userIds as unknown as [UserId, UserId, UserId]
export const nobody = "9" as UserId

/** Both services with users, and what the tests look at. */
export const start = Effect.gen(function* () {
  yield* insertUsers
  const friends = yield* Friends
  const contacts = yield* Contacts
  const friendsOf = (userId: UserId) => Effect.map(friends.list(userId), (list) => list.map((one) => one.friendUid))
  const requestsOf = (userId: UserId) =>
    Effect.map(friends.requests(userId, undefined), (list) => list.map(({ id, handleResult }) => [id, handleResult]))
  return { sql: yield* SqlClient.SqlClient, friends, contacts, friendsOf, requestsOf }
})

/** The code of a refusal, or undefined. */
export const codeOf = <A>(effect: Effect.Effect<A, AnyFailure>) =>
  Effect.map(Effect.result(effect), (result) => failures([result])[0])

/** The codes of those that failed. */
export const failures = (results: ReadonlyArray<Result.Result<unknown, AnyFailure>>) =>
  results.flatMap((result) => (Result.isFailure(result) ? result.failure.code : []))

export const atOnce = <A, B>(one: Effect.Effect<A, AnyFailure>, other: Effect.Effect<B, AnyFailure>) =>
  Effect.all([Effect.result(one), Effect.result(other)], { concurrency: "unbounded" })

/** A message each way. */
export const exchange = Effect.fnUntraced(function* (one: UserId, other: UserId) {
  const store = yield* MessageStore
  yield* store.appendBatch([draft(one, other, `to ${other}`)])
  yield* store.appendBatch([draft(other, one, `to ${one}`)])
})

export const befriend = Effect.fnUntraced(function* (one: UserId, other: UserId) {
  const friends = yield* Friends
  yield* friends.request(one, other, "")
  yield* friends.request(other, one, "")
})
