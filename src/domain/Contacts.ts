/** The port to who knows whom and who blocks whom. */
import { Context, type Effect } from "effect"
import type { ApiError } from "./ErrorTable.ts"
import type { UserId } from "./Ids.ts"

/** Everything can fail with `DatabaseError`. */
export class Contacts extends Context.Service<
  Contacts,
  {
    /** The users with whom this one has exchanged messages both ways, neither blocking the other. At most 5 000. */
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<UserId>, ApiError>
    /** Stops messages between the two, in both directions. Idempotent. Fails with `UserNotFound`. */
    readonly block: (userId: UserId, blocked: UserId) => Effect.Effect<void, ApiError>
    readonly unblock: (userId: UserId, blocked: UserId) => Effect.Effect<void, ApiError>
  }
>()("fiberchat/domain/Contacts") {}

/** The most contacts that are listed. */
export const contactsMax = 5_000
