/** The user for whom a fiber works, so that users get equal shares of what they have in common, and pay for what they ask. */
import { Context } from "effect"
import type { UserId } from "./Ids.ts"

/** A user, and the network from which they call (`networkOf`). */
export interface Caller {
  readonly userId: UserId
  readonly network: string
}

/** The caller whose request a fiber serves; `undefined` for the server's own work, and until a token has been checked. */
export const Asker = Context.Reference<Caller | undefined>("fiberchat/domain/Asker", { defaultValue: () => undefined })
