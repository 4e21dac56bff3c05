/** Logins that are revoked while callers hang up or the store fails (protocol.md section 2.2). */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option } from "effect"
import { Auth, type Session, Sessions, type UserIdentity } from "../../src/domain/accounts/Auth.ts"
import { AuthRateLimiter, FindRateLimiter } from "../../src/domain/accounts/RateLimiters.ts"
import { PasswordHasher, type Phone, PhoneNumbers, type User, UserRepository } from "../../src/domain/accounts/User.ts"
import { SessionRevocations } from "../../src/domain/cluster/SessionRevocations.ts"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { Accounts } from "../../src/domain/services/Accounts.ts"
import { type AnyFailure, type Failure, failure } from "../../src/domain/shared/Failure.ts"
import { Ids, type UserId } from "../../src/domain/shared/Ids.ts"

const userId = "1" as UserId
const phone = "+33612345678" as Phone
const user: User = { id: userId, phone, passwordHash: "", nickname: "Ann", sex: 0, avatar: "" }
const session: Session = { sessionId: "old", userId, deviceId: "default", platform: "cli" }
const caller: UserIdentity = {
  kind: "user",
  userId,
  deviceId: undefined,
  platform: undefined,
  sessionId: session.sessionId,
  expiresAt: Number.POSITIVE_INFINITY
}

const ids = Layer.succeed(Ids, {
  userId: () => userId,
  groupId: () => assert.fail(),
  friendRequestId: () => assert.fail(),
  groupRequestId: () => assert.fail(),
  messageId: () => assert.fail(),
  connectionId: () => assert.fail(),
  uniqueId: () => "new"
})

/** Accounts over this store of logins; `told` are the logins that gateways are told to end. */
const accountsOver = (sessions: Partial<Sessions["Service"]>, told: Array<string>) =>
  Accounts.layer.pipe(
    Layer.provide([
      Layer.mock(Sessions, sessions),
      Layer.mock(SessionRevocations, {
        announce: ({ userId, sessionId }) => void told.push(`${userId} ${sessionId}`)
      }),
      Layer.mock(UserRepository, { findByPhone: () => Effect.succeed(Option.some(user)) }),
      Layer.mock(Auth, { issueUser: () => Effect.succeed({ token: "", expire: 0 }) }),
      Layer.mock(PasswordHasher, { verify: () => Effect.succeed(true) }),
      Layer.mock(PhoneNumbers, { parse: () => Effect.succeed(phone) }),
      Layer.mock(Contacts, {}),
      Layer.mock(AuthRateLimiter, { take: () => Effect.void, giveBack: () => Effect.void }),
      Layer.mock(FindRateLimiter, {}),
      ids
    ])
  )

/** Calls with a store that has revoked the login `old` and is slow to say so; the caller hangs up before it does. */
const hangUpDuring = (call: (accounts: Accounts["Service"]) => Effect.Effect<unknown, AnyFailure>) =>
  Effect.gen(function* () {
    const revoked = yield* Deferred.make<void>()
    const answer = yield* Deferred.make<void>()
    const told: Array<string> = []
    const revoking = <A>(result: A) =>
      Deferred.succeed(revoked, undefined).pipe(Effect.andThen(Deferred.await(answer)), Effect.as(result))
    const layer = accountsOver(
      {
        open: () => revoking({ refreshToken: "", revoked: [session.sessionId] }),
        refresh: () => revoking({ _tag: "Reused", session }),
        revoke: () => revoking(undefined)
      },
      told
    )
    const calling = yield* Effect.forkChild(Effect.provide(Effect.flatMap(Accounts, call), layer))
    yield* Deferred.await(revoked)
    const hangingUp = yield* Effect.forkChild(Fiber.interrupt(calling))
    yield* Effect.yieldNow
    yield* Deferred.succeed(answer, undefined)
    yield* Fiber.join(hangingUp)
    return told
  })

describe("a logout", () => {
  it.effect("closes its sockets even where the store fails, which may have revoked the login", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const layer = accountsOver({ revoke: () => Effect.fail(failure("DatabaseError")) }, told)
      const error = yield* Effect.flatMap(Accounts, ({ logout }) => Effect.flip(logout(caller))).pipe(
        Effect.provide(layer)
      )
      assert.isTrue(error._tag === "DatabaseError")
      assert.deepStrictEqual(told, [`${userId} ${session.sessionId}`])
    })
  )
})

describe("the limit of attempts for a phone", () => {
  it.effect("holds for the number, however it is written", () =>
    Effect.gen(function* () {
      const keys: Array<string> = []
      const layer = Accounts.layer.pipe(
        Layer.provide([
          Layer.mock(Sessions, {}),
          Layer.mock(SessionRevocations, { announce: () => {} }),
          Layer.mock(UserRepository, {
            findByPhone: () => Effect.succeed(Option.none()),
            insert: () => Effect.fail(failure("PhoneTaken"))
          }),
          Layer.mock(Auth, {}),
          Layer.mock(PasswordHasher, { verify: () => Effect.succeed(false), hash: () => Effect.succeed("hash") }),
          Layer.mock(PhoneNumbers, { parse: () => Effect.succeed(phone) }),
          Layer.mock(Contacts, {}),
          Layer.mock(AuthRateLimiter, { take: (key) => Effect.sync(() => void keys.push(key)) }),
          Layer.mock(FindRateLimiter, {}),
          ids
        ])
      )
      yield* Effect.gen(function* () {
        const { login, register } = yield* Accounts
        for (const spelling of ["+33612345678", "06 12 34 56 78", "0033 6 12 34 56 78"]) {
          yield* Effect.flip(login({ phone: spelling, password: "secret" }, undefined))
          yield* Effect.flip(register({ phone: spelling, password: "secret", nickname: "new" }, undefined))
        }
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(
        keys,
        Array.from({ length: 6 }, () => `phone:${phone} services`)
      )
    })
  )
})

describe("an attempt to log in", () => {
  it.effect("does not count when it was right, or when the server failed; a wrong one does", () =>
    Effect.gen(function* () {
      const counts = new Map<string, number>()
      const change = (key: string, by: number) => Effect.sync(() => void counts.set(key, (counts.get(key) ?? 0) + by))
      let outcome: Effect.Effect<boolean, Failure<"Overloaded">> = Effect.succeed(true)
      const layer = Accounts.layer.pipe(
        Layer.provide([
          Layer.mock(Sessions, { open: () => Effect.succeed({ refreshToken: "", revoked: [] }) }),
          Layer.mock(SessionRevocations, { announce: () => {} }),
          Layer.mock(UserRepository, { findByPhone: () => Effect.succeed(Option.some(user)) }),
          Layer.mock(Auth, { issueUser: () => Effect.succeed({ token: "", expire: 0 }) }),
          Layer.mock(PasswordHasher, { verify: () => outcome }),
          Layer.mock(PhoneNumbers, { parse: () => Effect.succeed(phone) }),
          Layer.mock(Contacts, {}),
          Layer.mock(AuthRateLimiter, { take: (key) => change(key, 1), giveBack: (key) => change(key, -1) }),
          Layer.mock(FindRateLimiter, {}),
          ids
        ])
      )
      const keys = ["network:203.0.113.1", `phone:${phone} 203.0.113.1`]
      const countsAfter = (next: typeof outcome) =>
        Effect.gen(function* () {
          outcome = next
          const { login } = yield* Accounts
          yield* Effect.exit(login({ phone, password: "secret" }, "203.0.113.1"))
          assert.sameMembers([...counts.keys()], keys)
          return keys.map((key) => counts.get(key))
        })
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* countsAfter(Effect.succeed(true)), [0, 0])
        assert.deepStrictEqual(yield* countsAfter(Effect.fail(failure("Overloaded"))), [0, 0])
        assert.deepStrictEqual(yield* countsAfter(Effect.succeed(false)), [1, 1])
      }).pipe(Effect.provide(layer))
    })
  )
})

describe("a caller who hangs up while a login is being revoked", () => {
  for (const [how, call] of [
    ["by a logout", (accounts) => accounts.logout(caller)],
    ["by a refresh token that comes twice", (accounts) => accounts.refresh("used", undefined)],
    ["by one login more than there may be", (accounts) => accounts.login({ phone, password: "secret" }, undefined)]
  ] satisfies ReadonlyArray<readonly [string, Parameters<typeof hangUpDuring>[0]]>) {
    it.effect(`${how} does not keep its sockets open`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* hangUpDuring(call), [`${userId} ${session.sessionId}`])
      })
    )
  }
})
