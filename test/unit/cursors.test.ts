/** The opaque texts of positions: of a sync, and in a list of conversations (protocol.md sections 1.7 and 2.2). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { listCursorOf, listPositionOf } from "../../src/domain/conversations/ConversationLists.ts"
import { Conversations } from "../../src/domain/conversations/Conversations.ts"
import { beginning, cursorOf, positionOf, type SyncPosition } from "../../src/domain/conversations/Sync.ts"
import type { StoredChanges } from "../../src/domain/conversations/SyncPage.ts"
import { makeSync } from "../../src/domain/services/SyncService.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"

const [ann, bob] = ["1" as UserId, "2" as UserId]
const conversationId = "1_2" as ConversationId
const text = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")

describe("the cursor of a sync", () => {
  it("says where a device stands, in the middle of a walk as well", () => {
    const walk = { until: 9, conversationId, width: 100 }
    const positions: ReadonlyArray<SyncPosition> = [
      beginning,
      { since: 0, term: "t", walk: undefined },
      { since: 7, term: "t", walk: { ...walk, seq: undefined, newest: undefined } },
      { since: 7, term: "t", walk: { ...walk, seq: 3, newest: undefined } },
      { since: -1, term: "t", walk: { ...walk, seq: undefined, newest: 20, width: 1 } },
      { since: -1, term: "t", walk: { ...walk, seq: 5, newest: 1 } }
    ]
    for (const position of positions) {
      assert.deepStrictEqual(positionOf(ann, cursorOf(ann, position)), Option.some(position))
      assert.isTrue(Option.isNone(positionOf(bob, cursorOf(ann, position))))
    }
  })

  it("is none when the server did not make it", () => {
    for (const cursor of ["", "?", text("x"), text(["1", 5]), text(["1", 5, [9, "1_2", null, null, 0]])]) {
      assert.isTrue(Option.isNone(positionOf(ann, cursor)), cursor)
    }
    assert.isTrue(Option.isSome(positionOf(ann, text(["1", 5, [9, "1_2", null, null, 1]]))))
    assert.isTrue(Option.isSome(positionOf(ann, text(["1", 5, null, "t"]))))
  })
})

describe("a position in a list", () => {
  it("comes back as it was, and no other text is one", () => {
    const position = { version: 12, conversationId }
    assert.deepStrictEqual(listPositionOf(listCursorOf(position)), Option.some(position))
    for (const cursor of ["", "?", text({}), text([1]), text(["1", "1_2"])]) {
      assert.isTrue(Option.isNone(listPositionOf(cursor)), cursor)
    }
  })
})

describe("a sync", () => {
  const changes: StoredChanges = {
    version: 4,
    term: "t",
    termAsOf: "t",
    changes: [
      {
        conversationId,
        lastSeq: 3,
        readSeq: 0,
        unread: 3,
        peerReadSeq: undefined,
        joinedSeq: 0,
        sinceSeq: 0,
        knownSeq: undefined,
        hasLeft: false,
        marks: {}
      }
    ]
  }
  const source = Conversations.of({
    changedSince: () => Effect.succeed(changes),
    messagesIn: (_reader: UserId, ranges: ReadonlyArray<{ readonly fromSeq: number; readonly toSeq: number }>) =>
      Effect.succeed(
        ranges.flatMap(({ fromSeq, toSeq }) =>
          Array.from({ length: toSeq - fromSeq }, (_, index) => ({
            conversationId,
            seq: fromSeq + index + 1,
            content: "words"
          }))
        )
      )
  } as unknown as Conversations["Service"])
  const syncing = (request: { readonly cursor?: string; readonly limit?: number }) =>
    Effect.flatMap(makeSync, (sync) => sync(ann, request)).pipe(Effect.provideService(Conversations, source))

  it.effect("goes on until the last page, and refuses what is no cursor of the user, or of a later store", () =>
    Effect.gen(function* () {
      const first = yield* syncing({ limit: 2 })
      assert.deepStrictEqual([first.hasMore, first.conversations[0]?.messages.map(({ seq }) => seq)], [true, [1, 2]])
      const second = yield* syncing({ cursor: first.cursor, limit: 2 })
      assert.deepStrictEqual([second.hasMore, second.conversations[0]?.messages.map(({ seq }) => seq)], [false, [3]])
      assert.deepStrictEqual(positionOf(ann, second.cursor), Option.some({ since: 4, term: "t", walk: undefined }))
      const walk = { until: 5, conversationId, seq: undefined, newest: undefined, width: 1 }
      for (const cursor of [
        cursorOf(bob, beginning),
        cursorOf(ann, { since: 5, term: "t", walk: undefined }),
        cursorOf(ann, { since: 4, term: "t", walk })
      ]) {
        assert.include(["BadParameters", "StaleCursor"], (yield* Effect.flip(syncing({ cursor })))._tag)
      }
      for (const foreign of [
        { since: 3, term: "another past", walk: undefined },
        { since: 2, term: "another past", walk: { ...walk, until: 3 } }
      ]) {
        assert.strictEqual((yield* Effect.flip(syncing({ cursor: cursorOf(ann, foreign) })))._tag, "StaleCursor")
      }
      // A cursor of a version that had no terms yet.
      yield* syncing({ cursor: cursorOf(ann, { since: 4, term: undefined, walk: undefined }) })
      yield* syncing({ cursor: cursorOf(ann, { since: 4, term: "t", walk: undefined }) })
    })
  )
})
