/** The embedded database: one SQLite file in the data directory, migrated at start. */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Effect, Layer } from "effect"
import { Migrator, SqlClient } from "effect/sql"
import { migrations } from "./Migrations.ts"
import { Settings } from "./Settings.ts"

/**
 * WAL with `synchronous = FULL`: a commit is on the disk when it returns, so that an ack survives `kill -9` and power
 * loss. Statements of one connection run one after the other; a commit blocks the event loop for as long as the disk
 * takes, which is why messages share commits (`TransferEmbedded`).
 */
const connection = Layer.unwrap(
  Effect.gen(function* () {
    const { dataDir } = yield* Settings
    yield* Effect.promise(() => mkdir(dataDir, { recursive: true }))
    return SqliteClient.layer({ filename: join(dataDir, "fiberchat.db") })
  })
)

const prepared = Layer.effectDiscard(
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`PRAGMA synchronous = FULL`
    yield* sql`PRAGMA busy_timeout = 5000`
    // In KiB: enough for the pages of the indexes that a batch touches.
    yield* sql`PRAGMA cache_size = -65536`
    yield* sql`PRAGMA foreign_keys = ON`
    yield* Migrator.make({})({ loader: Migrator.fromRecord(migrations) })
  })
)

export const layer = prepared.pipe(Layer.provideMerge(connection))
