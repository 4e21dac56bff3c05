/**
 * The fingerprint of each migration: a digest of its statements on an empty SQLite database. A database keeps those of the migrations that
 * it has seen, so that a migration which was changed afterwards is noticed. A test compares them with the migrations.
 */
import { createHash } from "node:crypto"
import { Effect } from "effect"
import { SqlClient, Statement } from "effect/sql"
import type { migrations } from "./Migrations.ts"

export const fingerprints: Record<keyof typeof migrations, string> = {
  "0001_accounts": "iqmDQkUzONhkUGJ30mdjb3",
  "0002_conversations": "ECKXo1FO-vPYcWY3bWskPr",
  "0003_blocks": "PSx_5mk85jABfG9N4wumv7",
  "0004_versions": "qjF_hFJ1fUfLtv5VFOFibc",
  "0005_process_leases": "qN73dU2qvUl8FePUHfzeeW",
  "0006_rising_times": "Ts6rkvCzgvwPaLb8drZ74_",
  "0007_contacts": "Gw9LdZ7yrwD2FPv7zXeeRr",
  "0008_presence": "EH2-djW2OVh6nFPD4aEP_t",
  "0009_groups": "H4XrikJ8rKXKDBJLV2YHnA",
  "0010_changes": "3W4sC4EZdWkj0LDrNIMMLP",
  "0011_conversation_lists": "x3h6J9WoVll3XIvl2bcOTM",
  "0012_repeatable_refreshes": "VUgzoRxdYmDHqbkIPcZIcC",
  "0013_folded_nicknames": "S1RcGU7klfssv-fYtSNdN5",
  "0014_readable_messages": "NeGtRd12_c2RgEfyDQUgIk",
  "0015_validity_of_leases": "CJNlToVeFvGTffHGJ5xInq",
  "0016_store_terms": "6n7Y8-JF_H4U7diSkjqFiw",
  "0017_migration_fingerprints": "D97dkp2SwLOZgG6j2Qgq10",
  "0018_privacy_settings": "di1caFYmX4AtCkn0gdF_pK",
  "0019_ways_into_groups": "0WIGEL_0BOFcPOP_KTgant",
  "0020_refused_drafts": "2E_upvNf5Iuoy1VMdPwY9z",
  "0021_delivery_gaps": "t62knaMWOT6JZHzTOdACBa"
}

/** Runs a migration, and returns the digest of the statements that it sends, without their values. */
export const fingerprintOf = <E, R>(migration: Effect.Effect<unknown, E, R>): Effect.Effect<string, E, R> =>
  Effect.suspend(() => {
    const digest = createHash("sha256")
    const recorded = Effect.provideService(migration, Statement.CurrentTransformer, (statement) => {
      const [text] = statement.compile()
      digest.update(text.replace(/\s+/g, " ").trim()).update("\n")
      return Effect.succeed(statement)
    })
    return Effect.map(recorded, () => digest.digest("base64url").slice(0, 22))
  })

/** Keeps the fingerprints of migrations that have run since the last start. */
export const recordFingerprints = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const known = new Set(
    (yield* sql<{ readonly name: string }>`SELECT name FROM migration_fingerprints`).map(({ name }) => name)
  )
  for (const [name, fingerprint] of Object.entries(fingerprints)) {
    if (!known.has(name)) yield* sql`INSERT INTO migration_fingerprints ${sql.insert({ name, fingerprint })}`
  }
})
