/** The contract of every {@link Groups}: members and requests to join. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Result } from "effect"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { Friends } from "../../src/domain/contacts/Friends.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
import type { GroupId } from "../../src/domain/shared/Ids.ts"
import { HandleResult } from "../../src/domain/shared/Request.ts"
import { befriend } from "../support/Acquaintances.ts"
import { nameOf } from "../support/Refusals.ts"
import {
  append,
  approved,
  created,
  errorOf,
  eventDraft,
  founded,
  given,
  groupId,
  idOf,
  insertRows,
  joined,
  left,
  removed,
  request,
  requestIdOf,
  type StoreServices
} from "../support/StoredGroups.ts"
import { insertUsers } from "../support/StoredUsers.ts"

const { none, pass, refuse, cancel } = HandleResult

/** `strict` is the same where messages need friendship. */
export const groupsSuite = <E, F>(
  name: string,
  layer: Layer.Layer<StoreServices, E>,
  strict: Layer.Layer<StoreServices, F>
) =>
  describe(`groups on ${name}`, () => {
    it.effect("show themselves to their members, and to nobody else", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded(["2"])
        const info = { id: groupId, name: "us", icon: "icon", isVerify: true, memberCount: 2 }
        assert.deepStrictEqual(yield* groups.list(idOf("1"), undefined), [{ ...info, role: 1 }])
        assert.deepStrictEqual(yield* groups.list(idOf("2"), undefined), [{ ...info, role: 3 }])
        assert.deepStrictEqual(yield* groups.list(idOf("10"), undefined), [])
        assert.deepStrictEqual(
          (yield* groups.members(idOf("2"), groupId)).map(({ userId, nickname, role }) => [userId, nickname, role]),
          [
            ["1", "1", 1],
            ["2", "2", 3]
          ]
        )
        assert.strictEqual(yield* errorOf(groups.members(idOf("10"), groupId)), "NoConversation")
        assert.strictEqual(yield* errorOf(groups.members(idOf("1"), "200" as GroupId)), "NoConversation")
        assert.deepStrictEqual(yield* groups.membership(groupId, idOf("10")), { role: 0, isVerify: true })
        assert.isUndefined(yield* groups.membership("200" as GroupId, idOf("1")))
        yield* append(
          eventDraft("1", { event: "changed", name: "we", isVerify: false }),
          eventDraft("1", given("2", 2))
        )
        assert.deepStrictEqual(yield* groups.list(idOf("2"), undefined), [
          { ...info, name: "we", isVerify: false, role: 2 }
        ])
        yield* append(eventDraft("2", left))
        assert.deepStrictEqual(yield* groups.list(idOf("2"), undefined), [])
        assert.deepStrictEqual(yield* groups.membership(groupId, idOf("2")), { role: 0, isVerify: false })
      }).pipe(Effect.provide(layer))
    )

    it.effect("end with their last member: nobody gets in any more, and nobody is asked", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded([], false)
        assert.deepStrictEqual(yield* append(eventDraft("1", left)), ["Stored 2"])
        assert.deepStrictEqual(
          yield* append(
            eventDraft("2", joined("2")),
            eventDraft("1", joined("1")),
            eventDraft("1", created(["2"]), { clientId: "again" })
          ),
          ["NoConversation", "NoConversation", "Conflict"]
        )
        assert.isUndefined(yield* groups.membership(groupId, idOf("1")))
        assert.deepStrictEqual((yield* groups.audience(groupId)).members, [])
      }).pipe(Effect.provide(layer))
    )

    it.effect("have an audience as of their last message, each member with the seq after which they see messages", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded(["2"])
        const audience = Effect.map(groups.audience(groupId), ({ seq, members }) => [
          seq,
          ...members.map(({ userId, joinedSeq }) => `${userId} after ${joinedSeq}`).toSorted()
        ])
        assert.deepStrictEqual(yield* audience, [1, "1 after 0", "2 after 0"])
        yield* append(eventDraft("1", joined("10")), eventDraft("1", removed("2")))
        assert.deepStrictEqual(yield* audience, [3, "1 after 0", "10 after 1"])
        yield* append(eventDraft("1", joined("2")))
        assert.deepStrictEqual(yield* audience, [4, "1 after 0", "10 after 1", "2 after 3"])
        assert.deepStrictEqual(yield* groups.audience("200" as GroupId), { seq: 0, members: [] })
      }).pipe(Effect.provide(layer))
    )

    it.effect("keep a request until a manager lets the user in, which closes it", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded(["2"])
        assert.deepStrictEqual(yield* append(eventDraft("1", approved("10"))), ["NoRequest"])
        yield* groups.addRequests([request("501", "10")])
        yield* groups.addRequests([request("502", "10", "2")])
        assert.isUndefined(yield* groups.request(requestIdOf("502")))
        assert.deepStrictEqual(
          yield* append(eventDraft("2", approved("10")), eventDraft("10", joined("10")), eventDraft("2", joined("10"))),
          ["Forbidden", "Forbidden", "Forbidden"]
        )
        const pending = {
          ...request("501", "10"),
          awaitsUser: false,
          handleResult: none,
          handledBy: undefined,
          handledAt: undefined
        }
        assert.deepStrictEqual(yield* groups.request(requestIdOf("501")), pending)
        assert.deepStrictEqual(yield* append(eventDraft("1", approved("10"), { sendTime: 2_000_000_000_000 })), [
          "Stored 2"
        ])
        assert.deepStrictEqual(yield* groups.request(requestIdOf("501")), {
          ...pending,
          handleResult: pass,
          handledBy: idOf("1"),
          handledAt: 2_000_000_000_000
        })
        assert.strictEqual(yield* errorOf(groups.close(requestIdOf("501"), refuse, idOf("1"), 9)), "Conflict")
        assert.deepStrictEqual(yield* groups.addRequests([request("503", "10")]), [])
      }).pipe(Effect.provide(layer))
    )

    it.effect("close the request of who got in another way, even if they have left in the same breath", () =>
      Effect.gen(function* () {
        const { groups, resultOf } = yield* founded(["2"])
        yield* groups.addRequests([request("501", "10")])
        assert.deepStrictEqual(
          yield* append(
            eventDraft("1", joined("10")),
            eventDraft("10", left),
            eventDraft("1", approved("10")),
            eventDraft("10", joined("10"))
          ),
          ["Stored 2", "Stored 3", "NoRequest", "Forbidden"]
        )
        assert.strictEqual(yield* resultOf("501"), pass)
        yield* groups.addRequests([request("502", "10")])
        assert.deepStrictEqual(
          yield* append(
            eventDraft("1", given("2", 2)),
            eventDraft("1", approved("10")),
            eventDraft("10", left),
            eventDraft("1", approved("10")),
            eventDraft("2", joined("10"))
          ),
          ["Stored 4", "Stored 5", "Stored 6", "NoRequest", "Stored 7"]
        )
        assert.deepInclude((yield* groups.request(requestIdOf("502"))) as object, {
          handleResult: pass,
          handledBy: "1"
        })
        const { members } = yield* groups.audience(groupId)
        assert.deepInclude(members, { userId: idOf("10"), joinedSeq: 6 })
      }).pipe(Effect.provide(layer))
    )

    it.effect("close a request once, refused or cancelled; the same again has no effect", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded([])
        yield* groups.addRequests([request("501", "2"), request("502", "10")])
        yield* groups.close(requestIdOf("501"), refuse, idOf("1"), 7)
        yield* groups.close(requestIdOf("501"), refuse, idOf("1"), 8)
        const closed = yield* groups.request(requestIdOf("501"))
        assert.deepInclude(closed as object, { handleResult: refuse, handledBy: "1", handledAt: 7 })
        assert.strictEqual(yield* errorOf(groups.close(requestIdOf("501"), cancel, idOf("2"), 9)), "Conflict")
        assert.strictEqual(yield* errorOf(groups.close(requestIdOf("999"), cancel, idOf("2"), 9)), "NoRequest")
        assert.deepStrictEqual(yield* append(eventDraft("1", approved("2"))), ["NoRequest"])
        yield* groups.addRequests([request("503", "2")])
        assert.deepStrictEqual(
          (yield* groups.requests(idOf("1"), groupId, undefined)).map(({ id, handleResult }) => [id, handleResult]),
          [
            [requestIdOf("503"), none],
            [requestIdOf("502"), none],
            [requestIdOf("501"), refuse]
          ]
        )
      }).pipe(Effect.provide(layer))
    )

    it.effect("forget a request that was cancelled when the same is asked again, and no other one", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded([])
        yield* groups.addRequests([request("501", "2"), request("502", "10")])
        for (const id of ["501", "502"]) yield* groups.close(requestIdOf(id), cancel, idOf("1"), 7)
        const idsAfter = (...ids: ReadonlyArray<string>) =>
          Effect.gen(function* () {
            for (const id of ids) {
              yield* groups.addRequests([request(id, "2")])
              yield* groups.close(requestIdOf(id), cancel, idOf("1"), 8)
            }
            return (yield* groups.requests(idOf("1"), groupId, undefined)).map(({ id }) => id as string)
          })
        assert.deepStrictEqual(yield* idsAfter("503"), ["503", "502"])
        assert.deepStrictEqual(yield* idsAfter("504", "505", "506"), ["506", "502"])
      }).pipe(Effect.provide(layer))
    )

    it.effect("either let in or refuse, whatever happens at the same time", () =>
      Effect.gen(function* () {
        const { groups, resultOf } = yield* founded([])
        for (let round = 0; round < 5; round++) {
          const id = String(501 + round)
          yield* groups.addRequests([request(id, "2")])
          const [closed, [stored]] = yield* Effect.all(
            [
              Effect.result(groups.close(requestIdOf(id), cancel, idOf("2"), 9)),
              append(eventDraft("1", approved("2")))
            ],
            { concurrency: "unbounded" }
          )
          const isIn = (yield* groups.membership(groupId, idOf("2")))?.role === 3
          assert.strictEqual(isIn, stored !== "NoRequest")
          assert.strictEqual(closed._tag === "Success", !isIn)
          assert.strictEqual(yield* resultOf(id), isIn ? pass : cancel)
          if (isIn) yield* append(eventDraft("2", left))
        }
      }).pipe(Effect.provide(layer))
    )

    it.effect("keep no request for who does not exist, is in already, or has nothing to do with who asks", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded(["2"])
        const contacts = yield* Contacts
        assert.strictEqual(
          yield* errorOf(groups.addRequests([request("501", "10"), request("502", "9")])),
          "UserNotFound"
        )
        assert.deepStrictEqual(yield* groups.addRequests([request("503", "2"), request("504", "1", "2")]), [])
        for (const [one, other] of [
          ["2", "10"],
          ["10", "2"]
        ] as const) {
          yield* contacts.block(idOf(one), idOf(other))
          assert.strictEqual(yield* errorOf(groups.addRequests([request("505", "10", "2")])), "Blocked")
          yield* contacts.unblock(idOf(one), idOf(other))
        }
        assert.deepStrictEqual(yield* groups.requests(idOf("1"), groupId, undefined), [])
        yield* groups.addRequests([request("506", "2", "2"), request("507", "10", "2")])
        assert.deepStrictEqual(
          (yield* groups.requests(idOf("1"), groupId, undefined)).map(({ id }) => id),
          ["507"]
        )
        yield* groups.addRequests([])
      }).pipe(Effect.provide(layer))
    )

    it.effect("have nobody asked but by friends where messages need friendship", () =>
      Effect.gen(function* () {
        yield* insertUsers
        yield* befriend(idOf("1"), idOf("2"))
        assert.deepStrictEqual(
          yield* append(
            eventDraft("1", created(["10"], true)),
            eventDraft("1", created(["2"], true)),
            eventDraft("1", joined("10"))
          ),
          ["NotFriends", "Stored 1", "NotFriends"]
        )
        const groups = yield* Groups
        assert.strictEqual(yield* errorOf(groups.addRequests([request("501", "10", "2")])), "NotFriends")
        yield* groups.addRequests([request("502", "10")])
        assert.deepStrictEqual(yield* append(eventDraft("1", approved("10"))), ["Stored 2"])
        yield* append(eventDraft("10", left))
        yield* befriend(idOf("10"), idOf("2"))
        yield* groups.addRequests([request("503", "10", "2")])
        assert.deepStrictEqual(yield* append(eventDraft("1", approved("10"))), ["Stored 4"])
      }).pipe(Effect.provide(strict))
    )

    it.effect("bring nobody in who has nothing to do with who asked for them any more", () =>
      Effect.gen(function* () {
        const { groups, resultOf } = yield* founded([])
        yield* befriend(idOf("1"), idOf("2"))
        yield* befriend(idOf("2"), idOf("10"))
        assert.deepStrictEqual(yield* append(eventDraft("1", joined("2"))), ["Stored 2"])
        yield* groups.addRequests([request("501", "10", "2")])
        yield* (yield* Friends).remove(idOf("10"), idOf("2"))
        assert.strictEqual(yield* resultOf("501"), cancel)
        assert.deepStrictEqual(yield* append(eventDraft("1", approved("10"))), ["NoRequest"])
        yield* befriend(idOf("2"), idOf("10"))
        yield* groups.addRequests([request("503", "10", "2")])
        // A block that has left the request as it was.
        yield* insertRows("blocks", [{ user_id: "10", blocked_id: "2" }])
        assert.deepStrictEqual(yield* append(eventDraft("1", approved("10"))), ["NoRequest"])
        assert.strictEqual(yield* resultOf("503"), none)
      }).pipe(Effect.provide(strict))
    )

    it.live("keep no request of who is blocked, or no friend any more, at the same time", () =>
      Effect.gen(function* () {
        const { groups, resultOf } = yield* founded([])
        const [contacts, friends] = [yield* Contacts, yield* Friends]
        const [one, other] = [idOf("2"), idOf("1")]
        for (let round = 0; round < 40; round++) {
          yield* befriend(one, other)
          const isBlock = round % 2 === 0
          const parting = isBlock ? contacts.block(one, other) : friends.remove(one, other)
          const [asked] = yield* Effect.all(
            [
              Effect.result(groups.addRequests([request(String(500 + round), "2", "1")])),
              Effect.delay(parting, `${round % 6} millis`)
            ],
            { concurrency: "unbounded" }
          )
          if (Result.isSuccess(asked)) assert.strictEqual(yield* resultOf(String(500 + round)), cancel)
          else assert.strictEqual(nameOf(asked.failure), isBlock ? "Blocked" : "NotFriends")
          yield* contacts.unblock(one, other)
          yield* friends.remove(one, other)
        }
      }).pipe(Effect.provide(strict))
    )

    it.live("let in who was asked for, or their block comes first, when both come at the same time", () =>
      Effect.gen(function* () {
        const { groups, resultOf } = yield* founded(["10"])
        const contacts = yield* Contacts
        for (let round = 0; round < 30; round++) {
          const id = String(500 + round)
          yield* groups.addRequests([request(id, "2", "10")])
          const [[stored = ""]] = yield* Effect.all(
            [
              append(eventDraft("1", approved("2"))),
              Effect.delay(contacts.block(idOf("2"), idOf("10")), `${round % 6} millis`)
            ],
            { concurrency: "unbounded" }
          )
          assert.strictEqual(yield* resultOf(id), stored === "NoRequest" ? cancel : pass)
          yield* append(eventDraft("2", left))
          yield* contacts.unblock(idOf("2"), idOf("10"))
        }
      }).pipe(Effect.provide(layer))
    )
  })
