/** The use case of sync: everything that a device missed, from its cursor (protocol.md section 1.7). */
import { Effect, Option } from "effect"
import { Conversations } from "../conversations/Conversations.ts"
import { beginning, cursorOf, positionOf, type SyncPayload, type SyncResponse, syncMax } from "../conversations/Sync.ts"
import { syncPage } from "../conversations/SyncPage.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"

type Sync = (
  reader: UserId,
  request: typeof SyncPayload.Type
) => Effect.Effect<typeof SyncResponse.Type, Failure<"BadParameters" | "StaleCursor" | "DatabaseError">>

/**
 * Reads the page after a device's cursor. A text that is no cursor of this user is a bad parameter, and one
 * from another past of the store a stale cursor.
 */
export const makeSync: Effect.Effect<Sync, never, Conversations> = Effect.map(
  Conversations,
  (source): Sync =>
    Effect.fnUntraced(function* (reader, { cursor, conversations: known = {}, newest, limit = syncMax }) {
      const position = cursor === undefined ? Option.some(beginning) : positionOf(reader, cursor)
      if (Option.isNone(position)) return yield* failure("BadParameters", { msg: "not a cursor of this user" })
      const { conversations, next } = yield* syncPage(source, reader, {
        position: position.value,
        limit,
        newest,
        known
      })
      return { cursor: cursorOf(reader, next), hasMore: next.walk !== undefined, conversations }
    })
)
