/** The migration for the refusals of drafts that may come again (`RefusedDrafts.ts`). */
import { Effect } from "effect"
import { createIndex, createTable } from "./SchemaSteps.ts"

export const refusedDrafts = Effect.gen(function* () {
  yield* createTable(
    "refused_drafts",
    "draft_id VARCHAR(20) NOT NULL PRIMARY KEY, code INTEGER NOT NULL, msg TEXT NOT NULL, refused_at BIGINT NOT NULL",
    { clustered: true }
  )
  yield* createIndex("refused_drafts_time", "refused_drafts", "refused_at")
})
