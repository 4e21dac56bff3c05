/** The migrations for what the pipeline over a log must not forget: refusals of drafts, and gateways that lack outcomes. */
import { Effect } from "effect"
import { createIndex, createTable } from "./SchemaSteps.ts"

/** The refusals of drafts that may come again (`RefusedDrafts.ts`). */
export const refusedDrafts = Effect.gen(function* () {
  yield* createTable(
    "refused_drafts",
    "draft_id VARCHAR(20) NOT NULL PRIMARY KEY, code INTEGER NOT NULL, msg TEXT NOT NULL, refused_at BIGINT NOT NULL",
    { clustered: true }
  )
  yield* createIndex("refused_drafts_time", "refused_drafts", "refused_at")
})

/** The gateways that a worker has skipped (`DeliveryGapsSql.ts`). */
export const deliveryGaps = createTable(
  "delivery_gaps",
  "gateway VARCHAR(255) NOT NULL PRIMARY KEY, mark VARCHAR(20) NOT NULL",
  { clustered: true }
)
