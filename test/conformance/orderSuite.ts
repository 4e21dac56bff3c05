/** Operations that come at the same time come to what they would come to in some order, whatever is below. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Result, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { occurrences } from "../support/Occurrences.ts"
import { nameOf } from "../support/Refusals.ts"
import { runsOf } from "../support/Runs.ts"
import type { StoreServices } from "../support/StoredGroups.ts"
import { operations, situations } from "../support/StoreOperations.ts"

/** The tables that operations change, in the order in which they can be emptied and filled. */
const tables = [
  "blocks",
  "contacts",
  "contact_requests",
  "group_requests",
  "conversation_members",
  "conversations",
  "messages",
  "groups_",
  "group_invitations",
  "users",
  "reactions",
  "message_edits",
  "recalls"
]
/**
 * Made up or told by a clock, or, as the reactions of a page, read by a statement of its own: these say nothing of an
 * order. So do the ids of requests for friendship.
 */
const passing = new Set([
  "version",
  "listed_version",
  "since",
  "requested_at",
  "handled_at",
  "friendReqId",
  "reqTime",
  "requestedAt",
  "handledAt",
  "reactions"
])
type Row = Readonly<Record<string, unknown>>

const lasting = (value: unknown): string =>
  JSON.stringify(value ?? null, (key, one) => (passing.has(key) ? undefined : one))

const rowsOf = (table: string) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql<Row>`SELECT * FROM ${sql(table)}`)

const snapshot = Effect.forEach(tables, (table) => Effect.map(rowsOf(table), (rows) => ({ table, rows })))

const restore = (kept: Effect.Success<typeof snapshot>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const { table, rows } of kept) {
      yield* sql`DELETE FROM ${sql(table)}`
      if (rows.length > 0) yield* sql`INSERT INTO ${sql(table)} ${sql.insert(rows as never)}`
    }
  })

/** The content of the tables, without transient columns. */
const state = Effect.map(snapshot, (kept) =>
  kept.map(({ table, rows }) => {
    const drop = table === "contact_requests" ? { id: undefined } : {}
    return `${table}: ${rows.map((row) => lasting({ ...row, ...drop })).toSorted()}`
  })
)

const answerOf = (name: string) =>
  Effect.map(Effect.result(operations[name]!), (result) =>
    Result.isSuccess(result) ? lasting(result.success) : nameOf(result.failure)
  )

const endOf = (answers: ReadonlyArray<string | undefined>, rows: ReadonlyArray<string>): string =>
  [...answers, ...rows].join("\n")

const ordersOf = (names: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> =>
  names.length === 0
    ? [[]]
    : names.flatMap((name) => ordersOf(names.filter((other) => other !== name)).map((rest) => [name, ...rest]))

const names = Object.keys(operations)
/** An operation by its place among those that have an effect where the run begins, or among all of them. */
const Choice = Schema.Struct({
  place: Schema.Literals(names.map((_, place) => place)),
  isEffective: Schema.Literals([true, true, true, false])
})
const Choices = Schema.Union([Schema.Tuple([Choice, Choice]), Schema.Tuple([Choice, Choice, Choice])])

/** Different operations: after one that is chosen already comes the next. */
const chosen = (choices: typeof Choices.Type, effective: ReadonlyArray<string>): ReadonlyArray<string> => {
  const taken: Array<string> = []
  for (const { place, isEffective } of choices) {
    const from = isEffective ? effective : names
    const start = place % from.length
    const next = [...from.slice(start), ...from.slice(0, start)].find((name) => !taken.includes(name))
    if (next !== undefined) taken.push(next)
  }
  return taken
}

/** The operations that change something when they come first. */
const effectiveFrom = (kept: Effect.Success<typeof snapshot>) =>
  Effect.gen(function* () {
    yield* restore(kept)
    const before = yield* state
    return yield* Effect.filter(names, (name) =>
      Effect.gen(function* () {
        yield* restore(kept)
        yield* answerOf(name)
        return (yield* state).join() !== before.join()
      })
    )
  })
const millis = Schema.Literals([0, 1, 2, 3, 4])
/** By how much each of them is late. */
const Late = Schema.Tuple([millis, millis, millis])
/** They come together a few times. */
const Tries = Schema.Tuple([Late, Late, Late, Late])

export const orderSuite = <E>(name: string, layer: Layer.Layer<StoreServices, E>) =>
  describe(`operations at the same time on ${name}`, () => {
    const seen = occurrences("operations at the same time", { "it matters which of them comes first": 10 })
    for (const [situation, begin] of Object.entries(situations)) {
      let effective: ReadonlyArray<string> | undefined
      it.live.prop(
        `come to what they would come to in some order, where ${situation}`,
        [Choices, Tries],
        ([choices, tries]) =>
          Effect.gen(function* () {
            yield* begin
            const kept = yield* snapshot
            effective ??= yield* effectiveFrom(kept)
            const names = chosen(choices, effective)
            const explained = new Set<string>()
            for (const order of ordersOf(names)) {
              yield* restore(kept)
              const answers = new Map<string, string>()
              for (const one of order) answers.set(one, yield* answerOf(one))
              explained.add(
                endOf(
                  names.map((one) => answers.get(one)),
                  yield* state
                )
              )
            }
            seen.run()
            seen.saw("it matters which of them comes first", explained.size > 1)
            for (const late of tries) {
              yield* restore(kept)
              const answers = yield* Effect.forEach(
                names,
                (one, index) => Effect.delay(answerOf(one), `${late[index] ?? 0} millis`),
                { concurrency: "unbounded" }
              )
              assert.include([...explained], endOf(answers, yield* state), names.join(", "))
            }
          }).pipe(Effect.provide(layer)),
        { arbitrary: { runs: runsOf(80) } }
      )
    }
    seen.check()
  })
