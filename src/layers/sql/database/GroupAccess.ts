/** The migrations for what strangers may see and do: privacy settings of users, and the ways into groups. */
import { Effect } from "effect"
import { addColumn, createIndex, createTable } from "./SchemaSteps.ts"

/** Values are positions in `audiences` (`src/domain/accounts/Privacy.ts`). */
export const privacySettings = Effect.gen(function* () {
  const [friends, contacts, everyone] = [1, 2, 3]
  yield* addColumn("users", "show_phone", `INTEGER NOT NULL DEFAULT ${friends}`)
  yield* addColumn("users", "show_presence", `INTEGER NOT NULL DEFAULT ${friends}`)
  yield* addColumn("users", "add_to_groups", `INTEGER NOT NULL DEFAULT ${contacts}`)
  yield* addColumn("users", "find_by_phone", `INTEGER NOT NULL DEFAULT ${everyone}`)
  yield* addColumn("users", "find_by_id", `INTEGER NOT NULL DEFAULT ${everyone}`)
  yield* addColumn("users", "find_by_name", `INTEGER NOT NULL DEFAULT ${everyone}`)
})

/** Requests that the user decides on whom they would bring in, and invitations by code. */
export const waysIntoGroups = Effect.gen(function* () {
  yield* addColumn("group_requests", "awaits_user", "INTEGER NOT NULL DEFAULT 0")
  // The requests that would bring in a user are listed by time, too.
  yield* createIndex("group_requests_joining", "group_requests", "user_id, requested_at, id")
  yield* createTable(
    "group_invitations",
    `id VARCHAR(20) NOT NULL PRIMARY KEY,
    code VARCHAR(64) NOT NULL,
    group_id VARCHAR(20) NOT NULL,
    created_by VARCHAR(20) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    uses_max INTEGER NOT NULL,
    uses INTEGER NOT NULL`,
    { clustered: true }
  )
  yield* createIndex("group_invitations_group", "group_invitations", "group_id")
})
