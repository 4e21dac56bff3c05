/** Whose presence a member of a group may know for the sake of it, whatever is below (protocol.md section 2.2). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
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
  insertInvitation,
  joined,
  joinedBy,
  left,
  removed,
  request,
  type StoreServices,
  wordsDraft
} from "../support/StoredGroups.ts"
import { insertUsers } from "../support/StoredUsers.ts"

/** All members, as this one sees them: those who are open to them, and the others. */
const seenBy = (reader: string) =>
  Effect.gen(function* () {
    const members = yield* (yield* Groups).membersWithVisibility(idOf(reader), groupId)
    const those = (wanted: boolean) =>
      members.flatMap(({ userId, isVisible }) => (isVisible === wanted ? [userId] : []))
    return [those(true).sort().join(" "), those(false).sort().join(" ")]
  })

const start = Effect.gen(function* () {
  yield* insertUsers
  yield* append(eventDraft("1", created(["2", "10"])))
})

/** `whole` is the same where new members see everything. */
export const visibilitySuite = <E, F>(
  name: string,
  layer: Layer.Layer<StoreServices, E>,
  whole: Layer.Layer<StoreServices, F>
) =>
  describe(`the company of a group on ${name}`, () => {
    it.effect("is open once it has founded, written or reacted, and not when it was brought in", () =>
      Effect.gen(function* () {
        yield* start
        assert.deepStrictEqual(yield* seenBy("1"), ["1", "10 2"])
        assert.deepStrictEqual(yield* seenBy("2"), ["1 2", "10"])
        yield* append(wordsDraft("2", "hello"))
        assert.deepStrictEqual(yield* seenBy("1"), ["1 2", "10"])
        yield* append(wordsDraft("10", "👍", { messageType: 10, targetSeq: 2 }))
        assert.deepStrictEqual(yield* seenBy("2"), ["1 10 2", ""])
      }).pipe(Effect.provide(layer))
    )

    it.effect("is closed where either blocks the other, whatever it has done", () =>
      Effect.gen(function* () {
        yield* start
        const contacts = yield* Contacts
        yield* append(wordsDraft("2", "a"), wordsDraft("10", "b"))
        yield* contacts.block(idOf("2"), idOf("1"))
        assert.deepStrictEqual(yield* seenBy("1"), ["1 10", "2"])
        assert.deepStrictEqual(yield* seenBy("2"), ["10 2", "1"])
        assert.deepStrictEqual(yield* seenBy("10"), ["1 10 2", ""])
        yield* contacts.unblock(idOf("2"), idOf("1"))
        assert.deepStrictEqual(yield* seenBy("1"), ["1 10 2", ""])
      }).pipe(Effect.provide(layer))
    )

    it.effect("is open when it has joined by itself, or has asked and was let in, and not when another has asked", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded(["2"], true)
        yield* groups.addRequests([request("500", "10")])
        yield* append(eventDraft("1", approved("10")))
        assert.deepStrictEqual(yield* seenBy("1"), ["1 10", "2"])
        yield* append(eventDraft("1", removed("10")))
        yield* groups.addRequests([request("501", "10", "2")])
        yield* append(eventDraft("1", approved("10")))
        assert.deepStrictEqual(yield* seenBy("1"), ["1", "10 2"])
        yield* append(eventDraft("1", removed("10")), eventDraft("1", { event: "changed", isVerify: false }))
        yield* append(eventDraft("10", joinedBy(yield* insertInvitation(), "10")))
        assert.deepStrictEqual(yield* seenBy("1"), ["1 10", "2"])
      }).pipe(Effect.provide(layer))
    )

    it.effect("stays as it is when roles are given", () =>
      Effect.gen(function* () {
        yield* start
        yield* append(wordsDraft("2", "hello"))
        yield* append(eventDraft("1", given("2", 2)), eventDraft("1", given("10", 2)))
        assert.deepStrictEqual(yield* seenBy("1"), ["1 2", "10"])
      }).pipe(Effect.provide(layer))
    )

    for (const [history, of] of [
      ["their own time", layer],
      ["everything", whole]
    ] as const) {
      it.effect(`begins anew for who has left and is brought in again, where members see ${history}`, () =>
        Effect.gen(function* () {
          yield* start
          yield* append(wordsDraft("2", "a"), wordsDraft("10", "b"))
          yield* append(eventDraft("2", left), eventDraft("1", removed("10")))
          yield* append(eventDraft("1", joined("2", "10")))
          assert.deepStrictEqual(yield* seenBy("1"), ["1", "10 2"])
          // All in one batch.
          yield* append(wordsDraft("2", "c"), eventDraft("2", left), eventDraft("1", joined("2")))
          assert.deepStrictEqual(yield* seenBy("1"), ["1", "10 2"])
          yield* append(wordsDraft("2", "d"))
          assert.deepStrictEqual(yield* seenBy("1"), ["1 2", "10"])
          // A user who returns by themselves has been active since.
          yield* append(eventDraft("2", left), eventDraft("2", joinedBy(yield* insertInvitation(), "2")))
          assert.deepStrictEqual(yield* seenBy("1"), ["1 2", "10"])
          yield* append(eventDraft("2", left), eventDraft("1", joined("2")), wordsDraft("2", "e"))
          assert.deepStrictEqual(yield* seenBy("1"), ["1 2", "10"])
        }).pipe(Effect.provide<StoreServices, E | F, never>(of))
      )
    }

    it.effect("is told to members alone", () =>
      Effect.gen(function* () {
        yield* start
        yield* append(eventDraft("10", left))
        const groups = yield* Groups
        for (const reader of ["10", "9"]) {
          assert.strictEqual(yield* errorOf(groups.membersWithVisibility(idOf(reader), groupId)), "NoConversation")
        }
        assert.deepStrictEqual(yield* seenBy("2"), ["1 2", ""])
      }).pipe(Effect.provide(layer))
    )
  })
