/** The migrations for what strangers may see and do: privacy settings of users. */
import { Effect } from "effect"
import { addColumn } from "./SchemaSteps.ts"

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
