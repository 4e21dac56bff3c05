/** Sync without a store: pages from any cursor are complete, in order and cut where they must be (`src/domain/conversations/SyncPage.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { beginning, type SyncPosition } from "../../src/domain/conversations/Sync.ts"
import { type SyncSource, syncPage } from "../../src/domain/conversations/SyncPage.ts"
import type { Message } from "../../src/domain/messages/Message.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"

const reader = "1" as UserId

/** Messages by conversation; each has the version at which it was stored. */
type Store = ReadonlyMap<string, ReadonlyArray<number>>

const messageOf = (conversationId: string, seq: number): Message =>
  ({ conversationId, seq, content: `${conversationId}#${seq}` }) as unknown as Message

/** The two questions of sync, answered from memory. */
const sourceOf = (store: Store, version: number): SyncSource => ({
  changedSince: (_reader, { since, from, known, limit }) =>
    Effect.sync(() => ({
      version,
      term: "t",
      termAsOf: "t",
      changes: [...store]
        .filter(([id, versions]) => (versions.at(-1) ?? 0) > since || (known[id] ?? versions.length) < versions.length)
        .filter(
          ([id]) => from === undefined || id > from.conversationId || (from.isIncluded && id === from.conversationId)
        )
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .slice(0, limit)
        .map(([id, versions]) => ({
          conversationId: id as ConversationId,
          lastSeq: versions.length,
          readSeq: 0,
          unread: versions.length,
          peerReadSeq: undefined,
          joinedSeq: 0,
          sinceSeq: versions.filter((one) => one <= since).length,
          knownSeq: known[id],
          hasLeft: false,
          marks: {}
        }))
    })),
  messagesIn: (_reader, ranges) =>
    Effect.sync(() =>
      ranges.flatMap(({ conversationId, fromSeq, toSeq }) =>
        Array.from({ length: toSeq - fromSeq }, (_, index) => messageOf(conversationId, fromSeq + index + 1))
      )
    )
})

const Case = Schema.Struct({
  /** How many messages each conversation has. */
  sizes: Schema.Array(Schema.Literals([1, 2, 3, 7])).check(Schema.isMinLength(1), Schema.isMaxLength(6)),
  limit: Schema.Literals([1, 2, 3, 10]),
  /** The version up to which the device has everything, as a part of all messages. */
  part: Schema.Literals([0, 0.3, 0.7, 1])
})

/** Stores the messages of all conversations in turn: each takes the next version. */
const storeOf = (sizes: ReadonlyArray<number>) => {
  const store = new Map<string, Array<number>>(sizes.map((_, index) => [String(100 + index), []]))
  let version = 0
  for (let round = 0; round < Math.max(...sizes); round += 1) {
    for (const [index, size] of sizes.entries()) {
      if (round < size) store.get(String(100 + index))?.push(++version)
    }
  }
  return { store, version }
}

/** Reads page after page until there are no more. */
const readAll = Effect.fnUntraced(function* (source: SyncSource, start: SyncPosition, limit: number, pagesMax: number) {
  const seqs: Array<string> = []
  let position = start
  for (let pages = 1; ; pages += 1) {
    const page = yield* syncPage(source, reader, { position, limit, newest: undefined, known: {} })
    const messages = page.conversations.flatMap(({ messages }) => messages)
    assert.isAtMost(messages.length, limit)
    seqs.push(...messages.map(({ content }) => content))
    position = page.next
    if (position.walk === undefined) return { seqs, position, pages }
    assert.isBelow(pages, pagesMax)
  }
})

let several = 0

describe("the pages of sync", () => {
  it.effect.prop(
    "have every missed message once and in order, within the limit, and then nothing more",
    [Case],
    ([{ sizes, limit, part }]) =>
      Effect.gen(function* () {
        const { store, version } = storeOf(sizes)
        const source = sourceOf(store, version)
        const since = Math.floor(version * part)
        const start = since === 0 ? beginning : { since, term: "t", walk: undefined }
        const { seqs, position, pages } = yield* readAll(source, start, limit, 2 * version + 2)
        if (pages > 2) several += 1
        const expected = [...store].flatMap(([id, versions]) =>
          versions.flatMap((one, index) => (one > since ? [`${id}#${index + 1}`] : []))
        )
        assert.deepStrictEqual(seqs, expected)
        assert.deepStrictEqual(position, { since: version, term: "t", walk: undefined })
        assert.deepStrictEqual((yield* readAll(source, position, limit, 2)).seqs, [])
      }),
    { arbitrary: { runs: 500 } }
  )

  it("were several in many of these cases", () => {
    assert.isAbove(several, 100)
  })

  it.effect("are refused where the cursor is newer than the store", () =>
    Effect.gen(function* () {
      const { store, version } = storeOf([2])
      const position = { since: version + 1, term: "t", walk: undefined }
      const query = { position, limit: 1, newest: undefined, known: {} }
      const error = yield* Effect.flip(syncPage(sourceOf(store, version), reader, query))
      assert.strictEqual(error._tag, "StaleCursor")
    })
  )

  it.effect("begin with the newest messages for a new device that wants no more", () =>
    Effect.gen(function* () {
      const { store, version } = storeOf([7, 1])
      const query = { position: beginning, limit: 10, newest: 2, known: {} }
      const page = yield* syncPage(sourceOf(store, version), reader, query)
      const contents = page.conversations.flatMap(({ messages }) => messages.map(({ content }) => content))
      assert.deepStrictEqual(contents, ["100#6", "100#7", "101#1"])
    })
  )
})
