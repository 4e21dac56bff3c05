/** Who of these users is online, as the Go project's clients read it: one entry for each. */
import { Effect } from "effect"
import type { Presence } from "../../../domain/contacts/Presence.ts"
import type { UserId } from "../../../domain/shared/Ids.ts"

export const onlineList = Effect.fnUntraced(function* (presence: Presence["Service"], userIds: ReadonlyArray<UserId>) {
  const online = new Set(yield* presence.onlineAmong(userIds))
  return Object.fromEntries(userIds.map((userId) => [userId, online.has(userId)]))
})
