/** How many friends, requests, blocks and contacts there may be, and how they are listed, whatever is below them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { blocksMax, contactsMax } from "../../src/domain/contacts/Contacts.ts"
import { friendsMax, requestPageMax, requestsPendingMax } from "../../src/domain/contacts/FriendRequest.ts"
import type { FriendRequestId, UserId } from "../../src/domain/shared/Ids.ts"
import { HandleResult } from "../../src/domain/shared/Request.ts"
import {
  ann,
  atOnce,
  befriend,
  bob,
  type ContactServices,
  cid,
  codeOf,
  exchange,
  failures,
  start
} from "../support/Acquaintances.ts"
import { agree } from "../support/ContactQuestions.ts"
import { codes } from "../support/ContactsModel.ts"
import { insertRows } from "../support/StoredGroups.ts"

const { none, pass } = HandleResult

/** Ids of users of whom nothing else is known: as many as a limit wants. */
const strangers = (count: number) => Array.from({ length: count }, (_, index) => String(1_000_000 + index))

const friendsWith = (userId: UserId, count: number) =>
  strangers(count).map((id) => ({ user_id: userId, contact_id: id, since: 1 }))

const request = (id: string, requester: string, receiver: string, requested_at: number) => ({
  id,
  requester_id: requester,
  receiver_id: receiver,
  message: "",
  requested_at,
  handle_result: none,
  handled_at: null
})

/** So many strangers as users. */
const insertStrangers = (count: number) =>
  insertRows(
    "users",
    strangers(count).map((id) => ({
      id,
      phone: `+33${id}`,
      password_hash: "-",
      nickname: id,
      nickname_key: id,
      sex: 0,
      avatar: "",
      created_at: 1
    }))
  )

/** `strict` is the same where messages need friendship. */
export const contactLimitsSuite = <E, F>(
  name: string,
  layer: Layer.Layer<ContactServices, E>,
  strict: Layer.Layer<ContactServices, F>
) =>
  describe(`how many contacts there are on ${name}`, () => {
    it.effect("the last place for a friend is taken once, by a pass or by asking back", () =>
      Effect.gen(function* () {
        const { friends } = yield* start
        const { friendReqId } = yield* friends.request(bob, ann, "")
        yield* friends.request(cid, ann, "")
        yield* insertStrangers(friendsMax - 1)
        yield* insertRows("contacts", friendsWith(ann, friendsMax - 1))
        const results = yield* atOnce(friends.respond(ann, friendReqId, pass), friends.request(ann, cid, ""))
        assert.deepStrictEqual(failures(results), [codes.limited])
        assert.strictEqual((yield* friends.visible(ann)).length, friendsMax)
      }).pipe(Effect.provide(layer))
    )

    it.effect("who has no place for a friend asks nobody and is passed by nobody, until there is one", () =>
      Effect.gen(function* () {
        const { friends, friendsOf } = yield* start
        const sent = yield* friends.request(ann, bob, "")
        const received = yield* friends.request(cid, ann, "")
        const others = friendsWith(ann, friendsMax)
        yield* insertRows("contacts", others)
        const attempts = [
          friends.request(bob, ann, ""),
          friends.respond(bob, sent.friendReqId, pass),
          friends.request(ann, cid, ""),
          friends.respond(ann, received.friendReqId, pass)
        ]
        for (const attempt of attempts) assert.strictEqual(yield* codeOf(attempt), codes.limited)
        assert.deepStrictEqual(yield* friends.request(ann, bob, ""), sent)
        yield* friends.remove(ann, others[0]!.contact_id as UserId)
        yield* friends.respond(bob, sent.friendReqId, pass)
        assert.deepStrictEqual(yield* friendsOf(bob), [ann])
      }).pipe(Effect.provide(layer))
    )

    it.effect("a thousand requests of one user wait for answers, and a thousand to one user", () =>
      Effect.gen(function* () {
        const { sql, friends } = yield* start
        const others = strangers(requestsPendingMax - 1)
        const sent = others.map((id, index) => request(String(10_000 + index), ann, id, 1))
        const received = others.map((id, index) => request(String(20_000 + index), id, bob, 1))
        yield* insertRows("contact_requests", sent)
        yield* insertRows("contact_requests", received)
        const results = yield* atOnce(friends.request(ann, cid, ""), friends.request(ann, bob, ""))
        assert.deepStrictEqual(failures(results), [codes.limited])
        yield* sql`DELETE FROM contact_requests WHERE requester_id = ${ann} AND receiver_id IN (${bob}, ${cid})`
        const crowd = yield* atOnce(friends.request(ann, bob, ""), friends.request(cid, bob, ""))
        assert.deepStrictEqual(failures(crowd), [codes.limited])
      }).pipe(Effect.provide(layer))
    )

    it.effect("a user blocks so many, and those who are blocked once more are no more", () =>
      Effect.gen(function* () {
        const { contacts } = yield* start
        const blocks = strangers(blocksMax - 1).map((id) => ({ user_id: ann, blocked_id: id }))
        yield* insertRows("blocks", blocks)
        const results = yield* atOnce(contacts.block(ann, bob), contacts.block(ann, cid))
        assert.deepStrictEqual(failures(results), [codes.limited])
        const listed = yield* contacts.blocks(ann)
        assert.strictEqual(listed.length, blocksMax)
        const blocked = listed.includes(bob) ? bob : cid
        yield* contacts.block(ann, blocked)
        yield* contacts.unblock(ann, blocked)
        for (const userId of [bob, cid]) {
          yield* contacts.block(ann, userId)
          yield* contacts.unblock(ann, userId)
        }
      }).pipe(Effect.provide(layer))
    )

    it.effect("requests are listed in pages, newest first, those of the same time too, and nobody else's", () =>
      Effect.gen(function* () {
        const { friends } = yield* start
        const others = strangers(requestPageMax * 2 + 30)
        const rows = others.map((id, index) => {
          // The newest page has one direction only, and ends between two of the same time.
          const [from, to] = index % 3 === 0 && index < requestPageMax ? [ann, id] : [id, ann]
          return request(String(10_000 + index), from, to, Math.floor(index / 7))
        })
        yield* insertRows("contact_requests", [...rows, request("20000", bob, cid, 5)])
        const listed: Array<string> = []
        let before: FriendRequestId | undefined
        for (const length of [requestPageMax, requestPageMax, 30, 0]) {
          const page = yield* friends.requests(ann, before)
          assert.strictEqual(page.length, length)
          listed.push(...page.map(({ id }) => id))
          before = page.at(-1)?.id
        }
        assert.deepStrictEqual(listed, rows.map(({ id }) => id).toReversed())
        for (const id of ["20000", "404"])
          assert.strictEqual(yield* codeOf(friends.requests(ann, id as FriendRequestId)), codes.noRequest)
      }).pipe(Effect.provide(layer))
    )

    it.effect("contacts are friends and those with whom messages went both ways, friends first", () =>
      Effect.gen(function* () {
        const { sql, contacts } = yield* start
        yield* exchange(bob, ann)
        assert.deepStrictEqual(yield* contacts.list(bob), [ann])
        yield* befriend(bob, cid)
        assert.deepStrictEqual(yield* contacts.list(bob), [cid, ann])
        yield* befriend(bob, ann)
        assert.deepStrictEqual(yield* contacts.list(bob), [ann, cid])
        yield* sql`DELETE FROM contacts WHERE contact_id = ${ann}`
        yield* insertStrangers(contactsMax - 1)
        yield* insertRows("contacts", friendsWith(bob, contactsMax - 1))
        const listed = yield* contacts.list(bob)
        assert.deepStrictEqual([listed.length, listed.includes(ann)], [contactsMax, false])
        // A contact that is asked for by id is found, however long the list is.
        assert.sameMembers([...(yield* contacts.among(bob, [ann, cid], "showPresence"))], [ann, cid])
      }).pipe(Effect.provide(layer))
    )

    it.effect("where messages need friendship, contacts are friends alone", () =>
      Effect.gen(function* () {
        const { contacts } = yield* start
        yield* exchange(bob, ann)
        yield* befriend(bob, cid)
        assert.deepStrictEqual(yield* contacts.list(bob), [cid])
        assert.deepStrictEqual(yield* contacts.list(ann), [])
        yield* agree([ann, bob, cid])
        yield* contacts.block(cid, bob)
        assert.deepStrictEqual(yield* contacts.list(bob), [])
        yield* agree([ann, bob, cid])
      }).pipe(Effect.provide(strict))
    )
  })
