/** How many statements the store takes: as many for much as for little. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { SqlClient, Statement } from "effect/sql"
import { type Phone, UserRepository } from "../../src/domain/accounts/User.ts"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { ConversationLists } from "../../src/domain/conversations/ConversationLists.ts"
import { Conversations } from "../../src/domain/conversations/Conversations.ts"
import { beginning } from "../../src/domain/conversations/Sync.ts"
import { syncPage } from "../../src/domain/conversations/SyncPage.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import { singleConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { draft } from "../support/Drafts.ts"

const reader = "1" as UserId
const others = Array.from({ length: 100 }, (_, index) => String(1_001 + index))

const insertAll = Effect.gen(function* () {
  const repository = yield* UserRepository
  for (const id of [reader, ...others]) {
    yield* repository.insert({
      id: id as UserId,
      phone: `+336100${id.padStart(5, "0")}` as Phone,
      passwordHash: "-",
      nickname: id,
      sex: 0,
      avatar: ""
    })
  }
})

/**
 * The statements that an effect runs, those that begin and end a transaction left out. Statements are counted, and not
 * their spans: nothing traces the writing of a batch.
 */
const statementsOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    let count = 0
    const counting: Statement.Transformer = (statement) =>
      Effect.sync(() => {
        count += 1
        return statement
      })
    return Effect.map(Effect.provideService(effect, Statement.CurrentTransformer, counting), () => count)
  })

/** A message from each of so many others. */
const received = Effect.fnUntraced(function* (count: number, name: string) {
  const store = yield* MessageStore
  const results = yield* store.appendBatch(others.slice(0, count).map((sender) => draft(sender, reader, name)))
  assert.isTrue(results.every(({ _tag }) => _tag === "Stored"))
})

export const statementsSuite = <E>(
  name: string,
  layer: Layer.Layer<
    Contacts | ConversationLists | Conversations | MessageStore | UserRepository | SqlClient.SqlClient,
    E
  >
) =>
  describe(`the statements on ${name}`, () => {
    it.effect("are as many for a list of 100 conversations as for one of 3", () =>
      Effect.gen(function* () {
        yield* insertAll
        const lists = yield* ConversationLists
        const list = (length: number) =>
          statementsOf(
            Effect.map(lists.list(reader, undefined), ({ conversations }) => {
              assert.lengthOf(conversations, length)
              assert.isTrue(conversations.every(({ lastMessage }) => lastMessage !== undefined))
            })
          )
        yield* received(3, "first")
        const few = yield* list(3)
        yield* received(100, "second")
        assert.strictEqual(yield* list(100), few)
        // The conversations, and their last messages.
        assert.strictEqual(few, 2)
      }).pipe(Effect.provide(layer))
    )

    it.effect("are as many for a page of sync with 100 conversations as for one with 3", () =>
      Effect.gen(function* () {
        yield* insertAll
        const conversations = yield* Conversations
        const sync = (length: number) =>
          statementsOf(
            Effect.map(
              syncPage(conversations, reader, { position: beginning, limit: 200, newest: undefined, known: {} }),
              (page) => {
                assert.lengthOf(page.conversations, length)
                assert.isUndefined(page.next.walk)
              }
            )
          )
        yield* received(3, "first")
        const few = yield* sync(3)
        yield* received(100, "second")
        assert.strictEqual(yield* sync(100), few)
        // The conversations, and their messages.
        assert.strictEqual(few, 2)
      }).pipe(Effect.provide(layer))
    )

    it.effect("are few where a sync comes to many short conversations after long ones", () =>
      Effect.gen(function* () {
        yield* insertAll
        const conversations = yield* Conversations
        const store = yield* MessageStore
        yield* received(100, "first")
        const [longest = ""] = others
        yield* store.appendBatch(Array.from({ length: 30 }, (_, index) => draft(longest, reader, `more ${index}`)))
        const walk = Effect.gen(function* () {
          const widths: Array<number> = []
          for (let position = beginning; ; ) {
            const page = yield* syncPage(conversations, reader, { position, limit: 31, newest: undefined, known: {} })
            widths.push(page.conversations.length)
            assert.isTrue(page.conversations.every(({ hasMore }) => !hasMore))
            if (page.next.walk === undefined) return widths
            position = page.next
          }
        })
        // Each page looks at up to four times as many as the one before it had.
        assert.deepStrictEqual(yield* walk, [1, 4, 16, 31, 31, 17])
        assert.strictEqual(yield* statementsOf(walk), 12)
      }).pipe(Effect.provide(layer))
    )

    it.effect("are one to know which of 100 users are contacts, or which of 100 pairs", () =>
      Effect.gen(function* () {
        yield* insertAll
        const contacts = yield* Contacts
        const userIds = others as ReadonlyArray<string> as ReadonlyArray<UserId>
        for (const count of [3, 100]) {
          const asked = userIds.slice(0, count)
          const pairs = asked.map((userId) => ({ userId, otherId: reader }))
          assert.strictEqual(yield* statementsOf(contacts.among(reader, asked, "showPresence")), 1)
          assert.strictEqual(yield* statementsOf(contacts.pairs(pairs, "showPresence")), 1)
        }
      }).pipe(Effect.provide(layer))
    )

    it.effect("are as many for a batch of 50 private messages as for one", () =>
      Effect.gen(function* () {
        yield* insertAll
        // A conversation's first message has more to be looked up: one between two new users, and many of them.
        const first = yield* statementsOf(received(1, "first"))
        assert.strictEqual(yield* statementsOf(received(50, "second")), first)
        const next = yield* statementsOf(received(1, "third"))
        assert.strictEqual(yield* statementsOf(received(50, "fourth")), next)
        assert.isAtMost(next, first)
      }).pipe(Effect.provide(layer))
    )

    it.effect("look the positions up that a device names, instead of going through all of them each time", () =>
      Effect.gen(function* () {
        yield* insertAll
        yield* received(100, "first")
        const conversations = yield* Conversations
        const sql = yield* SqlClient.SqlClient
        let last: Statement.Statement<unknown> | undefined
        const keeping: Statement.Transformer = (statement) =>
          Effect.sync(() => {
            last = statement
            return statement
          })
        const known = Object.fromEntries(others.map((other) => [singleConversationId(reader, other as UserId), 0]))
        const query = { asOf: -1, since: 1_000, from: undefined, known, limit: 101 }
        const { changes } = yield* Effect.provideService(
          conversations.changedSince(reader, query),
          Statement.CurrentTransformer,
          keeping
        )
        assert.lengthOf(changes, 100)
        const [text, params] = last?.compile() ?? ["", []]
        const plan = yield* sql.unsafe<Record<string, unknown>>(
          `${sql.onDialectOrElse({ mysql: () => "EXPLAIN", orElse: () => "EXPLAIN QUERY PLAN" })} ${text}`,
          params
        )
        const steps = plan.map((step) => Object.values(step).join(" "))
        // The names of an index that SQLite, MariaDB and MySQL make for one statement.
        assert.isTrue(
          steps.some((step) => /SEARCH k USING AUTOMATIC|<derived\d+> ref (auto_)?key0/.test(step)),
          steps.join("\n")
        )
      }).pipe(Effect.provide(layer))
    )
  })
