/**
 * Refused drafts that a log may bring again: each is decided once, for good. What was stored is known by its message; of a
 * refused draft this table keeps the refusal.
 */
import { Clock, Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { KeptRefusal } from "../../../domain/messages/AppendChanges.ts"
import type { AppendRefusal } from "../../../domain/messages/Refusals.ts"
import type { errorTable } from "../../../domain/shared/ErrorTable.ts"
import { type Failure, failureOfCode } from "../../../domain/shared/Failure.ts"
import type { MessageId } from "../../../domain/shared/Ids.ts"
import { joinInOrder, limitTo, onExisting, rowsOf } from "../database/SqlDialect.ts"

/** How long refusals are kept: longer than a log repeats anything while workers run. */
const keptMillis = 24 * 60 * 60 * 1_000
/** Refusals that are kept at most; past it the oldest go. */
const keptMax = 1_000_000
/** Not before a worker that starts has read again what the one before it had read. */
const pruneMillis = 10 * 60 * 1_000
const pruneMax = 1_000

type Code = (typeof errorTable)[AppendRefusal]["code"]

/** The refusals of these drafts. */
export const readRefused = (
  sql: SqlClient.SqlClient,
  draftIds: ReadonlyArray<{ readonly draftId: MessageId }>
): Effect.Effect<ReadonlyMap<MessageId, Failure<AppendRefusal>>, SqlError.SqlError> =>
  Effect.map(
    sql<{ readonly draft_id: MessageId; readonly code: Code; readonly msg: string }>`
      SELECT r.draft_id, r.code, r.msg FROM ${rowsOf(sql, draftIds, { draftId: "id" })} w
      ${joinInOrder(sql)} refused_drafts r ON r.draft_id = w.draftId`,
    (rows) => new Map(rows.map(({ draft_id, code, msg }) => [draft_id, failureOfCode<AppendRefusal>(code, { msg })]))
  )

export const writeRefused = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  refusals: ReadonlyArray<KeptRefusal>
) {
  const now = yield* Clock.currentTimeMillis
  const rows = refusals.map(({ draftId, error }) => ({ draftId, code: error.code, msg: error.msg, refusedAt: now }))
  const columns = { draftId: "id", code: "integer", msg: "text", refusedAt: "integer" } as const
  yield* sql`
    INSERT INTO refused_drafts (draft_id, code, msg, refused_at) SELECT w.* FROM ${rowsOf(sql, rows, columns)} w
    ${onExisting(sql, ["draft_id"], {})}`
})

/** Forgets refusals that are too old or too many, a few at a time. */
export const pruneRefused = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  const [beyond] = yield* sql<{ readonly refused_at: number }>`
    SELECT refused_at FROM refused_drafts ORDER BY refused_at DESC LIMIT 1 OFFSET ${sql.literal(String(keptMax))}`
  const latest = Math.max((yield* Clock.currentTimeMillis) - keptMillis, beyond?.refused_at ?? 0)
  const some = Effect.gen(function* () {
    const rows = yield* sql<{ readonly draft_id: string }>`
      SELECT draft_id FROM refused_drafts WHERE refused_at <= ${latest} ORDER BY refused_at ${limitTo(sql, pruneMax)}`
    if (rows.length > 0)
      yield* sql`DELETE FROM refused_drafts WHERE draft_id IN ${sql.in(rows.map((row) => row.draft_id))}`
    return rows.length
  })
  yield* Effect.repeat(some, { while: (count) => count === pruneMax })
})

/** Prunes for as long as the layer lives. */
export const layer = Layer.effectDiscard(
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    pruneRefused(sql).pipe(
      Effect.catch((error) => Effect.logWarning("old refusals cannot be forgotten, trying again later", error)),
      Effect.delay(pruneMillis),
      Effect.forever,
      Effect.forkScoped
    )
  )
)
