/** Drafts that a log may bring again are decided once, for good, whatever is below (`src/layers/sql/messages/RefusedDrafts.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import type { MessageId } from "../../src/domain/shared/Ids.ts"
import { pruneRefused } from "../../src/layers/sql/messages/RefusedDrafts.ts"
import { draft } from "../support/Drafts.ts"
import { briefOf } from "../support/Refusals.ts"
import {
  append,
  created,
  eventDraft,
  historyOf,
  idOf,
  insertRows,
  joined,
  type StoreServices,
  wordsDraft
} from "../support/StoredGroups.ts"
import { insertUsers } from "../support/StoredUsers.ts"

const logged = (one: Draft): Draft => ({ ...one, mayComeAgain: true })

const decided = (...drafts: ReadonlyArray<Draft>) =>
  Effect.flatMap(MessageStore, (store) =>
    Effect.map(store.decided(drafts), (results) =>
      drafts.map(({ messageId }) => {
        const result = results.get(messageId)
        return result === undefined ? "undecided" : briefOf(result)
      })
    )
  )

const kept = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql<{ readonly draft_id: string }>`SELECT draft_id FROM refused_drafts ORDER BY draft_id`, (rows) =>
    rows.map(({ draft_id }) => draft_id)
  )
)

export const decidedOnceSuite = <E>(name: string, layer: Layer.Layer<StoreServices, E>) =>
  describe(`a draft that may come again, on ${name}`, () => {
    it.effect("stays refused, though its sender may write by now, alone and among others", () =>
      Effect.gen(function* () {
        yield* insertUsers
        yield* append(eventDraft("1", created(["2"])))
        const first = logged(wordsDraft("10", "let me say something"))
        assert.deepStrictEqual(yield* append(first), ["NoConversation"])
        const later = logged(wordsDraft("10", "now I may"))
        assert.deepStrictEqual(yield* append(eventDraft("1", joined("10")), later, first), [
          "Stored 2",
          "Stored 3",
          "NoConversation"
        ])
        assert.deepStrictEqual(yield* append(first), ["NoConversation"])
        assert.deepStrictEqual(
          (yield* historyOf()).map(({ content }) => content).filter((content) => !content.startsWith("{")),
          ["now I may"]
        )
        // The client may try anew: another draft under the same id is decided by itself.
        const anew = { ...first, messageId: "4711" as MessageId }
        assert.deepStrictEqual(yield* append(anew, first), ["Stored 4", "NoConversation"])
      }).pipe(Effect.provide(layer))
    )

    it.effect("is refused once for its copies in one batch, whatever comes between them", () =>
      Effect.gen(function* () {
        yield* insertUsers
        yield* append(eventDraft("1", created(["2"])))
        const early = logged(wordsDraft("10", "early"))
        assert.deepStrictEqual(yield* append(early, eventDraft("1", joined("10")), early), [
          "NoConversation",
          "Stored 2",
          "NoConversation"
        ])
      }).pipe(Effect.provide(layer))
    )

    it.effect("that was handed over in memory is decided anew: nobody was told of the first time", () =>
      Effect.gen(function* () {
        yield* insertUsers
        yield* append(eventDraft("1", created(["2"])))
        const words = wordsDraft("10", "words")
        assert.deepStrictEqual(yield* append(words), ["NoConversation"])
        assert.deepStrictEqual(yield* append(eventDraft("1", joined("10")), words), ["Stored 2", "Stored 3"])
        assert.deepStrictEqual(yield* kept, [])
      }).pipe(Effect.provide(layer))
    )

    it.effect("has a result that can be asked for once it is decided, and none before", () =>
      Effect.gen(function* () {
        yield* insertUsers
        yield* (yield* Contacts).block(idOf("2"), idOf("1"))
        const stored = logged(draft("1", "10", "a"))
        const refused = logged(draft("1", "2", "b"))
        const other = logged({ ...draft("1", "10", "a"), messageId: "4711" as MessageId })
        const conflict = logged({ ...draft("1", "10", "a", { content: "else" }), messageId: "4712" as MessageId })
        assert.deepStrictEqual(yield* decided(stored, refused, other), ["undecided", "undecided", "undecided"])
        yield* append(stored, refused)
        assert.deepStrictEqual(yield* decided(stored, refused, other, conflict), [
          "Duplicate 1",
          "Blocked",
          "Duplicate 1",
          "Conflict"
        ])
        assert.deepStrictEqual(yield* decided(), [])
      }).pipe(Effect.provide(layer))
    )

    it.effect("is forgotten a day after it was refused, however many there are", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const sql = yield* SqlClient.SqlClient
        yield* TestClock.setTime(Date.UTC(2030, 0, 2))
        const rows = Array.from({ length: 2_500 }, (_, index) => ({
          ...{ draft_id: String(10_000 + index), code: 300_001, msg: "" },
          refused_at: Date.UTC(2030, 0, 1) + (index < 2_400 ? 0 : 1)
        }))
        yield* insertRows("refused_drafts", rows)
        yield* pruneRefused(sql)
        assert.strictEqual((yield* kept).length, 100)
        yield* TestClock.adjust(1)
        yield* pruneRefused(sql)
        assert.deepStrictEqual(yield* kept, [])
      }).pipe(Effect.provide(layer))
    )
  })
