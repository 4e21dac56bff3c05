/** Ways into a group in every implementation: invitations, and users who decide themselves (protocol.md section 2.2). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Option, Result } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import type { Audience } from "../../src/domain/accounts/Privacy.ts"
import { UserRepository } from "../../src/domain/accounts/User.ts"
import { groupEventOf } from "../../src/domain/groups/Group.ts"
import { GroupInvitations, invitationsMax } from "../../src/domain/groups/GroupInvitation.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
import type { GroupId } from "../../src/domain/shared/Ids.ts"
import { HandleResult } from "../../src/domain/shared/Request.ts"
import { befriend, exchange } from "../support/Acquaintances.ts"
import {
  append,
  approved,
  created,
  errorOf,
  eventDraft,
  founded,
  given,
  groupId,
  historyOf,
  idOf,
  insertInvitation,
  insertRows,
  joined,
  joinedBy,
  left,
  removed,
  request,
  requestIdOf,
  type StoreServices
} from "../support/StoredGroups.ts"
import { insertUsers } from "../support/StoredUsers.ts"

const { none, pass } = HandleResult
const dayMillis = 86_400_000
const limits = { validForMillis: dayMillis, usesMax: 2 }

const admit = (audience: Audience, ...userIds: ReadonlyArray<string>) =>
  Effect.flatMap(UserRepository, (users) =>
    Effect.forEach(userIds, (userId) => users.changePrivacy(idOf(userId), { addToGroups: audience }))
  )

/** The users whom the last message of the group names. */
const namedLast = Effect.map(historyOf(), (messages) => {
  const event = groupEventOf(messages.at(-1)?.content ?? "")
  return "userIds" in event ? event.userIds.map(String) : []
})

const usesOf = (id: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<{ readonly uses: number }>`SELECT uses FROM group_invitations WHERE id = ${id}`,
      ([row]) => row?.uses
    )
  )

export const waysIntoGroupsSuite = <E>(name: string, layer: Layer.Layer<StoreServices, E>) => {
  describe(`invitations to a group on ${name}`, () => {
    it.effect("are made, listed and revoked by managers alone", () =>
      Effect.gen(function* () {
        yield* founded(["2"])
        const invitations = yield* GroupInvitations
        const first = yield* invitations.create(idOf("1"), groupId, limits)
        assert.match(first.code, /^[A-Za-z0-9_-]{22}$/)
        assert.deepInclude(first, { groupId, createdBy: idOf("1"), usesMax: 2, uses: 0 })
        assert.strictEqual(first.expiresAt - first.createdAt, dayMillis)
        assert.strictEqual(invitations.idOf(first.code), first.id)
        yield* append(eventDraft("1", given("2", 2)))
        yield* TestClock.adjust("1 second")
        const second = yield* invitations.create(idOf("2"), groupId, limits)
        assert.deepStrictEqual(yield* invitations.list(idOf("1"), groupId), [second, first])
        yield* append(eventDraft("1", given("2", 3)))
        for (const [userId, error] of [
          ["2", "Forbidden"],
          ["10", "NoConversation"],
          ["9", "NoConversation"]
        ] as const) {
          const asUser = idOf(userId)
          assert.strictEqual(yield* errorOf(invitations.create(asUser, groupId, limits)), error)
          assert.strictEqual(yield* errorOf(invitations.list(asUser, groupId)), error)
          assert.strictEqual(yield* errorOf(invitations.revoke(asUser, groupId, first.id)), error)
        }
        assert.strictEqual(yield* errorOf(invitations.list(idOf("1"), "200" as GroupId)), "NoConversation")
        // The right in one group does not revoke those of another.
        yield* append(eventDraft("1", created([]), { conversationId: "300" as never }))
        yield* invitations.revoke(idOf("1"), "300" as GroupId, first.id)
        yield* invitations.revoke(idOf("1"), groupId, second.id)
        yield* invitations.revoke(idOf("1"), groupId, second.id)
        assert.deepStrictEqual(yield* invitations.list(idOf("1"), groupId), [first])
      }).pipe(Effect.provide(layer))
    )

    it.effect("let users join at once, also where managers approve, as often as they say", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded([])
        const id = yield* insertInvitation("71", { uses_max: 2 })
        yield* groups.addRequests([request("501", "2")])
        const joining = eventDraft("2", joinedBy(id, "2"))
        assert.deepStrictEqual(yield* append(joining, joining), ["Stored 2", "Duplicate 2"])
        assert.strictEqual((yield* groups.request(requestIdOf("501")))?.handleResult, pass)
        assert.deepStrictEqual(yield* append(joining, eventDraft("2", joinedBy(id, "2"))), ["Duplicate 2", "Conflict"])
        assert.strictEqual(yield* usesOf(id), 1)
        // The last place of the invitation, in one batch: leaving gives none back.
        assert.deepStrictEqual(
          yield* append(
            eventDraft("10", joinedBy(id, "10")),
            eventDraft("10", left),
            eventDraft("10", joinedBy(id, "10")),
            joining
          ),
          ["Stored 3", "Stored 4", "BadInvitation", "Duplicate 2"]
        )
        assert.strictEqual(yield* usesOf(id), 2)
        assert.deepStrictEqual(yield* append(eventDraft("10", joinedBy(id, "10"))), ["BadInvitation"])
      }).pipe(Effect.provide(layer))
    )

    it.effect("are taken by as many as they say when more come at once", () =>
      Effect.gen(function* () {
        yield* founded([])
        const id = yield* insertInvitation("71", { uses_max: 1 })
        const results = yield* Effect.all(
          ["2", "10"].map((userId) => append(eventDraft(userId, joinedBy(id, userId)))),
          { concurrency: "unbounded" }
        )
        assert.sameMembers(results.flat(), ["Stored 2", "BadInvitation"])
        assert.strictEqual(yield* usesOf(id), 1)
      }).pipe(Effect.provide(layer))
    )

    it.effect("open nothing when they are over, revoked, of another group, or guessed", () =>
      Effect.gen(function* () {
        yield* founded(["10"], false)
        const invitations = yield* GroupInvitations
        const revoked = yield* invitations.create(idOf("1"), groupId, limits)
        yield* invitations.revoke(idOf("1"), groupId, revoked.id)
        yield* insertInvitation("71", { expires_at: 5_000 })
        yield* insertInvitation("72", { group_id: "300" })
        assert.deepStrictEqual(
          yield* append(
            eventDraft("2", joinedBy("71", "2"), { sendTime: 5_000 }),
            eventDraft("2", joinedBy("72", "2")),
            eventDraft("2", joinedBy("73", "2")),
            eventDraft("2", joinedBy(revoked.id, "2")),
            // For its user alone; and without it, who only knows the id must ask.
            eventDraft("10", joinedBy("71", "2"), { sendTime: 4_999 }),
            eventDraft("2", joined("2")),
            eventDraft("2", joinedBy("71", "2"), { sendTime: 4_999 })
          ),
          [...Array(5).fill("BadInvitation"), "Forbidden", "Stored 2"]
        )
      }).pipe(Effect.provide(layer))
    )

    it.effect("show their group to who holds the code, while they are good", () =>
      Effect.gen(function* () {
        yield* founded(["2"])
        const invitations = yield* GroupInvitations
        const { code, id } = yield* invitations.create(idOf("1"), groupId, { ...limits, usesMax: 1 })
        const shown = { groupId, name: "us", icon: "icon", memberCount: 2 }
        assert.deepStrictEqual(yield* invitations.find(code), shown)
        for (const other of ["", id, `${code}x`, "code 71"]) {
          assert.strictEqual(yield* errorOf(invitations.find(other)), "BadInvitation")
        }
        const { code: later } = yield* invitations.create(idOf("1"), groupId, limits)
        yield* append(eventDraft("10", joinedBy(id, "10")))
        assert.strictEqual(yield* errorOf(invitations.find(code)), "BadInvitation")
        yield* TestClock.adjust(dayMillis - 1)
        assert.deepStrictEqual(yield* invitations.find(later), { ...shown, memberCount: 3 })
        yield* TestClock.adjust(1)
        assert.strictEqual(yield* errorOf(invitations.find(later)), "BadInvitation")
        assert.deepStrictEqual(yield* invitations.list(idOf("1"), groupId), [])
        // A group without members is none.
        const { code: last } = yield* invitations.create(idOf("1"), groupId, limits)
        yield* append(eventDraft("1", removed("2", "10")), eventDraft("1", left))
        assert.strictEqual(yield* errorOf(invitations.find(last)), "BadInvitation")
      }).pipe(Effect.provide(layer))
    )

    it.effect("are a hundred at once for a group; those that are over make room", () =>
      Effect.gen(function* () {
        yield* founded([])
        const invitations = yield* GroupInvitations
        const rows = Array.from({ length: invitationsMax - 1 }, (_, index) => ({
          ...{ id: String(1_000 + index), code: "c", group_id: groupId, created_by: "1", created_at: 1 },
          ...{ expires_at: 4_000_000_000_000, uses_max: 1, uses: 0 }
        }))
        yield* insertRows("group_invitations", rows)
        const results = yield* Effect.all(
          [1, 2].map(() => Effect.result(invitations.create(idOf("1"), groupId, limits))),
          { concurrency: "unbounded" }
        )
        assert.sameMembers(results.map(Result.isSuccess), [true, false])
        yield* append(eventDraft("2", joinedBy("1000", "2")))
        yield* invitations.create(idOf("1"), groupId, limits)
        assert.strictEqual((yield* invitations.list(idOf("1"), groupId)).length, invitationsMax)
      }).pipe(Effect.provide(layer))
    )
  })

  describe(`users who decide themselves whether they join, on ${name}`, () => {
    it.effect("are left out of a group that others found, and of those whom others bring in", () =>
      Effect.gen(function* () {
        yield* insertUsers
        yield* admit("nobody", "10")
        const founding = eventDraft("1", created(["10", "2", "1"]))
        assert.deepStrictEqual(yield* append(founding), ["Stored 1"])
        assert.deepStrictEqual(yield* namedLast, ["2", "1"])
        const groups = yield* Groups
        assert.sameMembers(
          (yield* groups.members(idOf("1"), groupId)).map(({ userId }) => String(userId)),
          ["1", "2"]
        )
        assert.strictEqual((yield* groups.list(idOf("1"), undefined))[0]?.memberCount, 2)
        // The same draft once more is the same, whatever is decided meanwhile; and another one is not.
        yield* admit("everyone", "10")
        yield* admit("nobody", "2")
        assert.deepStrictEqual(yield* append(founding), ["Duplicate 1"])
        const event = created(["2", "1"])
        assert.deepStrictEqual(
          yield* append({ ...founding, event, content: JSON.stringify(event) } as typeof founding),
          ["Conflict"]
        )
        yield* append(eventDraft("1", removed("2")))
        assert.deepStrictEqual(yield* append(eventDraft("1", joined("2")), eventDraft("1", joined("2", "10"))), [
          "Forbidden",
          "Stored 3"
        ])
        assert.deepStrictEqual(yield* namedLast, ["10"])
      }).pipe(Effect.provide(layer))
    )

    it.effect("go by friends, contacts and everyone", () =>
      Effect.gen(function* () {
        yield* insertUsers
        yield* befriend(idOf("1"), idOf("2"))
        yield* exchange(idOf("1"), idOf("10"))
        for (const [audience, expected] of [
          ["nobody", []],
          ["friends", ["2"]],
          ["contacts", ["2", "10"]],
          ["everyone", ["2", "10"]]
        ] as const) {
          yield* admit(audience, "2", "10")
          const conversationId = `40${expected.length}${audience.length}`
          yield* append(eventDraft("1", created(["2", "10"]), { conversationId: conversationId as never }))
          const [first] = yield* historyOf(conversationId)
          const event = groupEventOf(first?.content ?? "")
          assert.deepStrictEqual("userIds" in event ? event.userIds.map(String) : [], [...expected], audience)
        }
        // 2 and 10 are strangers to each other.
        yield* admit("contacts", "2", "10")
        yield* append(eventDraft("2", created(["10"])))
        assert.deepStrictEqual(yield* namedLast, [])
      }).pipe(Effect.provide(layer))
    )

    it.effect("are asked, accept, and are in where the member who asked could bring them in", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded(["2"], false)
        yield* admit("nobody", "10")
        assert.deepStrictEqual(yield* groups.addRequests([request("501", "10", "2")]), [
          { id: requestIdOf("501"), userId: idOf("10") }
        ])
        const awaiting = yield* groups.awaiting(groupId, idOf("10"))
        assert.deepInclude(awaiting as object, { id: "501", awaitsUser: true, inviterId: "2", handleResult: none })
        assert.isUndefined(yield* groups.awaiting(groupId, idOf("2")))
        const seen = (userId: string) =>
          Effect.map(groups.ownRequests(idOf(userId), undefined), (list) =>
            list.map(({ id, awaitsUser, groupName }) => [String(id), awaitsUser, groupName])
          )
        assert.deepStrictEqual(yield* seen("10"), [["501", true, "us"]])
        assert.deepStrictEqual(yield* seen("2"), [["501", true, undefined]])
        assert.deepStrictEqual(yield* seen("1"), [])
        // No manager can accept it for them.
        assert.deepStrictEqual(yield* append(eventDraft("1", approved("10"))), ["NoRequest"])
        assert.deepStrictEqual(yield* append(eventDraft("10", approved("10"))), ["Stored 2"])
        assert.strictEqual((yield* groups.request(requestIdOf("501")))?.handleResult, pass)
      }).pipe(Effect.provide(layer))
    )

    it.effect("accept, and wait for a manager where the member needs one", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded(["2"], true)
        yield* admit("nobody", "10")
        yield* groups.addRequests([request("501", "10", "2")])
        assert.deepStrictEqual(yield* append(eventDraft("10", approved("10"))), ["Forbidden"])
        yield* groups.consent(requestIdOf("501"))
        assert.isUndefined(yield* groups.awaiting(groupId, idOf("10")))
        assert.deepStrictEqual(yield* append(eventDraft("10", approved("10")), eventDraft("1", approved("10"))), [
          "NoRequest",
          "Stored 2"
        ])
        // A manager who asks needs no other one.
        yield* append(eventDraft("1", removed("10")), eventDraft("1", given("2", 2)))
        yield* groups.addRequests([request("502", "10", "2")])
        assert.deepStrictEqual(yield* append(eventDraft("10", approved("10"))), ["Stored 5"])
      }).pipe(Effect.provide(layer))
    )

    it.effect("need a manager where who has asked for them has left the group, and get in by their own as before", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded(["2"], false)
        yield* admit("nobody", "10")
        yield* groups.addRequests([request("501", "10", "2")])
        assert.deepStrictEqual(yield* append(eventDraft("2", left), eventDraft("10", approved("10"))), [
          "Stored 2",
          "Forbidden"
        ])
        yield* groups.close(requestIdOf("501"), HandleResult.refuse, idOf("10"), 9)
        assert.deepStrictEqual(yield* append(eventDraft("1", joined("10"))), ["Forbidden"])
        // Whoever has asked is brought in by any member who may.
        yield* groups.addRequests([request("502", "10")])
        assert.strictEqual((yield* groups.request(requestIdOf("502")))?.awaitsUser, false)
        assert.deepStrictEqual(yield* append(eventDraft("1", joined("10"))), ["Stored 3"])
      }).pipe(Effect.provide(layer))
    )

    it.live("are in before they close themselves, or not at all, when both come at the same time", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded([], false)
        const users = yield* UserRepository
        for (let round = 0; round < 30; round += 1) {
          yield* admit("everyone", "2")
          const [[stored = ""]] = yield* Effect.all(
            [append(eventDraft("1", joined("2"))), Effect.delay(admit("nobody", "2"), `${round % 6} millis`)],
            { concurrency: "unbounded" }
          )
          assert.strictEqual(Option.getOrThrow(yield* users.privacy(idOf("2"))).addToGroups, "nobody")
          const isIn = (yield* groups.membership(groupId, idOf("2")))?.role === 3
          assert.strictEqual(isIn, stored !== "Forbidden")
          assert.deepStrictEqual(yield* append(eventDraft("1", joined("2"))), [isIn ? "Conflict" : "Forbidden"])
          if (isIn) yield* append(eventDraft("2", left))
        }
      }).pipe(Effect.provide(layer))
    )
  })
}
