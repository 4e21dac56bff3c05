/** The contract of every {@link UserRepository} and {@link Sessions}. */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { refreshGraceMillis, type Session, Sessions, sessionsMax } from "../../src/domain/accounts/Auth.ts"
import { findMax, type Phone, type User, UserRepository } from "../../src/domain/accounts/User.ts"
import type { AnyFailure } from "../../src/domain/shared/Failure.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { insertRows } from "../support/StoredGroups.ts"

const userOf = (id: string, nickname = `user ${id}`): User => ({
  id: id as UserId,
  phone: `+3361${id.padStart(7, "0")}` as Phone,
  passwordHash: `hash of ${id}`,
  nickname,
  sex: 1,
  avatar: "https://example.com/a.png"
})

const codeOf = <A>(effect: Effect.Effect<A, AnyFailure, UserRepository>) =>
  Effect.map(Effect.flip(effect), ({ code }) => code)

export const userRepositorySuite = <E>(name: string, layer: Layer.Layer<UserRepository, E>) =>
  describe(`the user repository on ${name}`, () => {
    it.effect("gives back what was inserted, by id and by phone, and nothing for others", () =>
      Effect.gen(function* () {
        const users = yield* UserRepository
        const ann = userOf("1", "Ann 👋 العربية 漢字")
        yield* users.insert(ann)
        assert.deepStrictEqual(yield* users.findById(ann.id), Option.some(ann))
        assert.deepStrictEqual(yield* users.findByPhone(ann.phone), Option.some(ann))
        assert.deepStrictEqual(yield* users.findById("2" as UserId), Option.none())
        assert.deepStrictEqual(yield* users.findByPhone("+33600000000" as Phone), Option.none())
      }).pipe(Effect.provide(layer))
    )

    it.effect("refuses a phone that another account has, and changes nothing by it", () =>
      Effect.gen(function* () {
        const users = yield* UserRepository
        const ann = userOf("1")
        yield* users.insert(ann)
        assert.strictEqual(yield* codeOf(users.insert({ ...userOf("2"), phone: ann.phone })), 200_001)
        assert.deepStrictEqual(yield* users.findById("2" as UserId), Option.none())
        assert.deepStrictEqual(yield* users.findByPhone(ann.phone), Option.some(ann))
      }).pipe(Effect.provide(layer))
    )

    it.effect("changes what is to be changed, and nothing else", () =>
      Effect.gen(function* () {
        const users = yield* UserRepository
        const [ann, bob] = [userOf("1", "Ann"), userOf("2", "Bob")]
        for (const user of [ann, bob]) yield* users.insert(user)
        yield* users.update(ann.id, { nickname: "Änne", sex: 2 })
        yield* users.update(bob.id, {})
        assert.deepStrictEqual(
          yield* users.findById(ann.id),
          Option.some({ ...ann, nickname: "Änne", sex: 2 as const })
        )
        assert.deepStrictEqual(yield* users.findById(bob.id), Option.some(bob))
        assert.deepStrictEqual(
          (yield* users.find({ namePrefix: "ä" })).map(({ id }) => id),
          ["1"]
        )
      }).pipe(Effect.provide(layer))
    )

    it.effect("finds by the beginning of a name, whatever its case, with wildcards of SQL as plain text", () =>
      Effect.gen(function* () {
        const users = yield* UserRepository
        const names = ["Ann", "anna", "ANTON", "Bob", "100%", "100_", "Straße", "李小龙", "İz"]
        for (const [index, nickname] of names.entries()) yield* users.insert(userOf(String(index + 1), nickname))
        const found = (namePrefix: string) =>
          Effect.map(users.find({ namePrefix }), (all) => all.map(({ nickname }) => nickname))
        assert.deepStrictEqual(yield* found("AN"), ["Ann", "anna", "ANTON"])
        assert.deepStrictEqual(yield* found("100%"), ["100%"])
        assert.deepStrictEqual(yield* found("100_"), ["100_"])
        assert.deepStrictEqual(yield* found("%"), [])
        assert.deepStrictEqual(yield* found("李"), ["李小龙"])
        assert.deepStrictEqual(yield* found("straß"), ["Straße"])
        assert.deepStrictEqual(yield* found("z"), [])
      }).pipe(Effect.provide(layer))
    )

    it.effect("finds who meets every condition, and no more than its limit", () =>
      Effect.gen(function* () {
        const users = yield* UserRepository
        const ids = Array.from({ length: findMax + 5 }, (_, index) => String(index + 1))
        for (const id of ids) yield* users.insert(userOf(id, "same"))
        assert.strictEqual((yield* users.find({ namePrefix: "same" })).length, findMax)
        assert.deepStrictEqual(
          (yield* users.find({ ids: ["3", "1", "999"] })).map(({ id }) => id),
          ["1", "3"]
        )
        assert.deepStrictEqual((yield* users.find({ ids: ["3", "4"], phone: userOf("4").phone })).length, 1)
        assert.deepStrictEqual(yield* users.find({ ids: [] }), [])
        assert.deepStrictEqual(yield* users.find({ ids: ["3' OR '1'='1"] }), [])
      }).pipe(Effect.provide(layer))
    )
  })

const sessionOf = (sessionId: string, userId = "1"): Session => ({
  sessionId,
  userId: userId as UserId,
  deviceId: "phone",
  platform: "ios"
})

/** Tokens of other users, so that the database takes an index rather than all of the table. */
const insertOthers = insertRows(
  "refresh_tokens",
  Array.from({ length: 2_000 }, (_, index) => ({
    token_hash: createHash("sha256").update(String(index)).digest("hex"),
    session_id: String(1_000_000 + index),
    user_id: String(1_000_000 + index),
    device_id: "phone",
    platform: "ios",
    created_at: 0,
    expires_at: 9_000_000_000_000
  }))
)

export const sessionsSuite = <E>(
  name: string,
  layer: Layer.Layer<Sessions | UserRepository | SqlClient.SqlClient, E>
) =>
  describe(`the sessions on ${name}`, () => {
    it.effect("repeat a refresh until its result has been used, however late: the response may have been lost", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const session = sessionOf("11")
        const { refreshToken: first } = yield* sessions.open(session)
        const rotated = yield* sessions.refresh(first)
        if (rotated._tag !== "Rotated") throw new Error(rotated._tag)
        assert.deepStrictEqual(rotated.session, session)
        assert.notStrictEqual(rotated.next, first)
        yield* TestClock.adjust("20 days")
        assert.deepStrictEqual(yield* sessions.refresh(first), rotated)
        assert.strictEqual((yield* sessions.refresh(rotated.next))._tag, "Rotated")
        assert.isFalse(yield* sessions.isRevoked("11"))
      }).pipe(Effect.provide(layer))
    )

    it.effect("repeat a refresh for half a minute after its result has been used; later reuse is theft", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const session = sessionOf("11")
        const { refreshToken: first } = yield* sessions.open(session)
        const rotated = yield* sessions.refresh(first)
        if (rotated._tag !== "Rotated") throw new Error(rotated._tag)
        yield* TestClock.adjust("10 seconds")
        const newest = yield* sessions.refresh(rotated.next)
        if (newest._tag !== "Rotated") throw new Error(newest._tag)
        yield* TestClock.adjust(refreshGraceMillis - 10_001)
        assert.deepStrictEqual(yield* sessions.refresh(first), rotated)
        assert.isFalse(yield* sessions.isRevoked("11"))
        yield* TestClock.adjust(1)
        // As often as it comes: the answer may have been lost.
        for (const _ of [1, 2]) {
          assert.deepStrictEqual(yield* sessions.refresh(first), { _tag: "Reused", session })
        }
        assert.isTrue(yield* sessions.isRevoked("11"))
        // Its tokens are of no use any more, and are not repeated either.
        assert.strictEqual((yield* sessions.refresh(newest.next))._tag, "Unknown")
        assert.strictEqual((yield* sessions.refresh(rotated.next))._tag, "Reused")
      }).pipe(Effect.provide(layer))
    )

    it.effect("have one result for many uses of a refresh token at the same time", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const { refreshToken } = yield* sessions.open(sessionOf("11"))
        const results = yield* Effect.all(
          Array.from({ length: 8 }, () => sessions.refresh(refreshToken)),
          { concurrency: "unbounded" }
        )
        const [first] = results
        assert.strictEqual(first?._tag, "Rotated")
        for (const result of results) assert.deepStrictEqual(result, first)
        assert.isFalse(yield* sessions.isRevoked("11"))
      }).pipe(Effect.provide(layer))
    )

    it.effect("keep no refresh token that works, not even its next one, where only the database is known", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const sql = yield* SqlClient.SqlClient
        const { refreshToken } = yield* sessions.open(sessionOf("11"))
        const rotated = yield* sessions.refresh(refreshToken)
        if (rotated._tag !== "Rotated") throw new Error(rotated._tag)
        const rows = yield* sql`SELECT * FROM refresh_tokens`
        for (const text of rows.flatMap((row) => Object.values(row).map(String))) {
          assert.notInclude([refreshToken, rotated.next], text)
          assert.strictEqual((yield* sessions.refresh(text))._tag, "Unknown")
        }
      }).pipe(Effect.provide(layer))
    )

    it.effect("end: by revocation, and with their time", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const { refreshToken: revoked } = yield* sessions.open(sessionOf("11"))
        const { refreshToken: expired } = yield* sessions.open(sessionOf("12"))
        yield* sessions.revoke("11")
        assert.isTrue(yield* sessions.isRevoked("11"))
        assert.isFalse(yield* sessions.isRevoked("12"))
        assert.strictEqual((yield* sessions.refresh(revoked))._tag, "Unknown")
        yield* TestClock.adjust("31 days")
        assert.strictEqual((yield* sessions.refresh(expired))._tag, "Unknown")
        assert.strictEqual((yield* sessions.refresh("never issued"))._tag, "Unknown")
        assert.isTrue(yield* sessions.isRevoked("13"))
      }).pipe(Effect.provide(layer))
    )

    it.effect("count once, however often they are refreshed", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        let { refreshToken } = yield* sessions.open(sessionOf("11"))
        for (let round = 0; round < sessionsMax + 5; round += 1) {
          yield* TestClock.adjust("1 second")
          const result = yield* sessions.refresh(refreshToken)
          if (result._tag !== "Rotated") return assert.fail(result._tag)
          refreshToken = result.next
        }
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* sessions.open(sessionOf("12"))).revoked, [])
        assert.isFalse(yield* sessions.isRevoked("11"))
      }).pipe(Effect.provide(layer))
    )

    it.effect("are not forgotten while an access token of theirs may be good", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        yield* sessions.open(sessionOf("11"))
        // The refresh token has expired; an access token made just before lives for two hours.
        yield* TestClock.adjust("30 days")
        yield* TestClock.adjust("1 hour")
        yield* sessions.open(sessionOf("12"))
        assert.isFalse(yield* sessions.isRevoked("11"))
        yield* TestClock.adjust("2 hours")
        yield* sessions.open(sessionOf("13"))
        assert.isTrue(yield* sessions.isRevoked("11"))
      }).pipe(Effect.provide(layer))
    )

    it.live("end by a logout, even when they are refreshed at the same time", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        yield* insertOthers
        for (let round = 0; round < 60; round++) {
          const sessionId = String(2_000_000 + round)
          const { refreshToken } = yield* sessions.open(sessionOf(sessionId, sessionId))
          const [refreshed] = yield* Effect.all(
            [sessions.refresh(refreshToken), Effect.delay(sessions.revoke(sessionId), `${round % 6} millis`)],
            { concurrency: "unbounded" }
          )
          assert.isTrue(yield* sessions.isRevoked(sessionId))
          const last = refreshed._tag === "Rotated" ? refreshed.next : refreshToken
          assert.strictEqual((yield* sessions.refresh(last))._tag, "Unknown")
        }
      }).pipe(Effect.provide(layer))
    )

    it.live("are bounded also when many logins come at once", () =>
      Effect.gen(function* () {
        const [sessions, users] = [yield* Sessions, yield* UserRepository]
        yield* insertOthers
        yield* users.insert(userOf("1"))
        const ids = Array.from({ length: sessionsMax + 10 }, (_, index) => String(100 + index))
        yield* Effect.all(
          ids.map((id) => sessions.open(sessionOf(id))),
          { concurrency: "unbounded" }
        )
        const revoked = yield* Effect.filter(ids, sessions.isRevoked)
        assert.strictEqual(revoked.length, 10)
      }).pipe(Effect.provide(layer))
    )

    it.effect("are bounded: past the limit a user's oldest login has to go, and nobody else's", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        yield* sessions.open(sessionOf("1", "2"))
        const gone: Array<string> = []
        for (let index = 0; index < sessionsMax + 2; index++) {
          yield* TestClock.adjust("1 second")
          gone.push(...(yield* sessions.open(sessionOf(String(100 + index)))).revoked)
        }
        assert.deepStrictEqual(gone, ["100", "101"])
        assert.isTrue(yield* sessions.isRevoked("100"))
        assert.isFalse(yield* sessions.isRevoked("102"))
        assert.isFalse(yield* sessions.isRevoked("1"))
      }).pipe(Effect.provide(layer))
    )
  })
