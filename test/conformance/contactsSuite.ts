/** The contract of every {@link Friends} and {@link Contacts}. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import type { FriendRequestId, UserId } from "../../src/domain/shared/Ids.ts"
import { HandleResult } from "../../src/domain/shared/Request.ts"
import {
  ann,
  atOnce,
  bob,
  type ContactServices,
  cid,
  codeOf,
  failures,
  nobody,
  start
} from "../support/Acquaintances.ts"
import { agree } from "../support/ContactQuestions.ts"
import { ContactsModel, codes } from "../support/ContactsModel.ts"
import { runsOf } from "../support/Runs.ts"
import { userIds } from "../support/StoredUsers.ts"

const { none, pass, refuse, cancel } = HandleResult

/** The actor and the target: two users more often than others, so that much happens between them. */
const Pair = Schema.Literals(["1>2", "1>2", "2>1", "2>1", "1>10", "10>1", "2>10", "10>2", "1>1"])
const Acts = Schema.Array(
  Schema.Struct({
    kind: Schema.Literals(["ask", "ask", "ask", "answer", "answer", "remove", "block", "unblock"]),
    pair: Pair,
    answer: Schema.Literals([pass, refuse, cancel]),
    /** Which request is answered, counted from the newest. */
    age: Schema.Literals([0, 0, 1, 2])
  })
).check(Schema.isBetweenLength(24, 40))

export const contactsSuite = <E>(name: string, layer: Layer.Layer<ContactServices, E>) =>
  describe(`friends and contacts on ${name}`, () => {
    it.effect.prop(
      "are what a simple model says, whoever asks, answers, removes and blocks",
      [Acts],
      ([acts]) =>
        Effect.gen(function* () {
          const { friends, contacts, friendsOf } = yield* start
          const model = new ContactsModel()
          for (const act of acts) {
            yield* TestClock.adjust("1 second")
            const [by, other] = act.pair.split(">") as [UserId, UserId]
            if (act.kind === "ask") {
              const expected = model.ask(by, other)
              const asked = yield* Effect.result(friends.request(by, other, ""))
              if (typeof expected === "number") assert.deepStrictEqual(failures([asked]), [expected])
              else {
                assert.isTrue(Result.isSuccess(asked))
                const { friendReqId, handleResult } = Result.getOrThrow(asked)
                expected.id ??= friendReqId
                assert.deepStrictEqual([expected.id, expected.result], [friendReqId, handleResult])
              }
            } else if (act.kind === "answer") {
              const request = model.requests.at(-1 - act.age)
              const code = request === undefined ? codes.noRequest : model.answer(by, request, act.answer)
              const id = request?.id ?? ("404" as FriendRequestId)
              assert.strictEqual(yield* codeOf(friends.respond(by, id, act.answer)), code)
            } else if (act.kind === "remove") {
              model.remove(by, other)
              yield* friends.remove(by, other)
            } else if (by !== other) {
              model[act.kind](by, other)
              yield* contacts[act.kind](by, other)
            }
          }
          yield* agree(userIds)
          for (const userId of [ann, bob, cid]) {
            const expected = userIds.filter((id) => model.areFriends(userId, id))
            const unblocked = expected.filter((id) => !model.isBlocked(userId, id))
            assert.sameMembers([...(yield* friendsOf(userId))], expected)
            assert.sameMembers([...(yield* friends.visible(userId))], unblocked)
            assert.sameMembers([...(yield* contacts.list(userId))], unblocked)
            const blocked = userIds.filter((id) => model.blocksOf(userId, id))
            assert.sameMembers([...(yield* contacts.blocks(userId))], blocked)
            assert.deepStrictEqual(
              (yield* friends.requests(userId, undefined)).map((one) => [
                one.id,
                one.reqUid,
                one.userId,
                one.handleResult
              ]),
              model.requests
                .filter(({ from, to }) => from === userId || to === userId)
                .map((one) => [one.id, one.from, one.to, one.result])
                .toReversed()
            )
          }
        }).pipe(Effect.provide(layer)),
      { arbitrary: { runs: runsOf(80) } }
    )

    it.effect("do not know who is unknown", () =>
      Effect.gen(function* () {
        const { friends, contacts } = yield* start
        assert.strictEqual(yield* codeOf(friends.request(ann, nobody, "")), codes.userNotFound)
        assert.strictEqual(yield* codeOf(contacts.block(ann, nobody)), codes.userNotFound)
        yield* friends.remove(ann, nobody)
        assert.deepStrictEqual(yield* friends.requests(ann, undefined), [])
        assert.deepStrictEqual(yield* contacts.blocks(ann), [])
      }).pipe(Effect.provide(layer))
    )

    it.effect("give back what was asked, when, and whom it has led to", () =>
      Effect.gen(function* () {
        const { friends } = yield* start
        yield* TestClock.setTime(Date.UTC(2030, 0, 1))
        const reqMsg = "💬".repeat(255)
        const { friendReqId } = yield* friends.request(ann, bob, reqMsg)
        const waiting = { id: friendReqId, userId: bob, reqUid: ann, reqMsg, reqTime: Date.UTC(2030, 0, 1) }
        for (const userId of [ann, bob])
          assert.deepStrictEqual(yield* friends.requests(userId, undefined), [{ ...waiting, handleResult: none }])
        assert.deepStrictEqual(yield* friends.requests(cid, undefined), [])
        yield* friends.respond(bob, friendReqId, pass)
        assert.deepStrictEqual(yield* friends.list(ann), [{ friendUid: bob, nickname: bob, avatar: "" }])
      }).pipe(Effect.provide(layer))
    )

    it.effect("forget a request that was cancelled when it is made anew, and no other", () =>
      Effect.gen(function* () {
        const { friends, requestsOf } = yield* start
        const ask = Effect.andThen(
          TestClock.adjust("1 second"),
          Effect.map(friends.request(ann, bob, ""), ({ friendReqId }) => friendReqId)
        )
        const refused = yield* ask
        yield* friends.respond(bob, refused, refuse)
        const cancelled = yield* ask
        yield* friends.respond(ann, cancelled, cancel)
        const { friendReqId: fromBob } = yield* friends.request(bob, ann, "")
        yield* friends.respond(bob, fromBob, cancel)
        const waiting = yield* ask
        assert.deepStrictEqual(yield* requestsOf(bob), [
          [waiting, none],
          [fromBob, cancel],
          [refused, refuse]
        ])
        assert.strictEqual(yield* codeOf(friends.respond(ann, cancelled, cancel)), codes.noRequest)
      }).pipe(Effect.provide(layer))
    )

    it.effect("come of requests that cross: one asks, the other has passed it", () =>
      Effect.gen(function* () {
        const { friends, friendsOf, requestsOf } = yield* start
        const results = yield* atOnce(friends.request(ann, bob, ""), friends.request(bob, ann, ""))
        const asked = results.map(Result.getOrThrow)
        assert.sameMembers(
          asked.map(({ handleResult }) => handleResult),
          [none, pass]
        )
        assert.strictEqual(asked[0]?.friendReqId, asked[1]?.friendReqId)
        assert.deepStrictEqual(yield* friendsOf(ann), [bob])
        assert.deepStrictEqual(yield* friendsOf(bob), [ann])
        assert.deepStrictEqual(yield* requestsOf(ann), [[asked[0]!.friendReqId, pass]])
      }).pipe(Effect.provide(layer))
    )

    it.effect("are asked for once, however many devices ask at once", () =>
      Effect.gen(function* () {
        const { friends, requestsOf } = yield* start
        const asked = yield* Effect.all(
          Array.from({ length: 6 }, () => friends.request(ann, bob, "")),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(new Set(asked.map(({ friendReqId }) => friendReqId)).size, 1)
        assert.deepStrictEqual(yield* requestsOf(bob), [[asked[0]!.friendReqId, none]])
      }).pipe(Effect.provide(layer))
    )

    it.effect("come of a pass or not, where it meets a cancel, a refusal or another pass", () =>
      Effect.gen(function* () {
        const { friends, friendsOf, requestsOf } = yield* start
        for (const [by, answer] of [
          [ann, cancel],
          [bob, refuse],
          [bob, pass]
        ] as const) {
          yield* TestClock.adjust("1 second")
          const { friendReqId } = yield* friends.request(ann, bob, "")
          const results = yield* atOnce(
            friends.respond(bob, friendReqId, pass),
            friends.respond(by, friendReqId, answer)
          )
          assert.deepStrictEqual(failures(results), answer === pass ? [] : [codes.conflict])
          const hasPassed = Result.isSuccess(results[0])
          assert.deepStrictEqual((yield* requestsOf(ann))[0], [friendReqId, hasPassed ? pass : answer])
          for (const [one, other] of [
            [ann, bob],
            [bob, ann]
          ] as const)
            assert.deepStrictEqual(yield* friendsOf(one), hasPassed ? [other] : [])
          yield* friends.remove(ann, bob)
        }
      }).pipe(Effect.provide(layer))
    )

    it.effect("leave no request waiting beside a block, whichever comes first", () =>
      Effect.gen(function* () {
        const { friends, contacts, friendsOf, requestsOf } = yield* start
        const [asked] = yield* atOnce(friends.request(ann, bob, ""), contacts.block(bob, ann))
        assert.isFalse((yield* requestsOf(ann)).some(([, result]) => result === none))
        assert.oneOf(failures([asked])[0], [undefined, codes.blocked])

        const { friendReqId } = yield* friends.request(cid, bob, "")
        const [passed] = yield* atOnce(friends.respond(bob, friendReqId, pass), contacts.block(bob, cid))
        const hasPassed = Result.isSuccess(passed)
        assert.deepStrictEqual(failures([passed]), hasPassed ? [] : [codes.blocked])
        assert.deepStrictEqual(yield* requestsOf(cid), [[friendReqId, hasPassed ? pass : cancel]])
        assert.deepStrictEqual(yield* friendsOf(cid), hasPassed ? [bob] : [])
      }).pipe(Effect.provide(layer))
    )
  })
