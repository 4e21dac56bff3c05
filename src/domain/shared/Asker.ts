/** The user for whom a fiber works, so that users get equal shares of what they have in common. */
import { Context } from "effect"
import type { UserId } from "./Ids.ts"

/** The user whose request a fiber serves; `undefined` for the server's own work, and until a token has been checked. */
export const Asker = Context.Reference<UserId | undefined>("fiberchat/domain/Asker", { defaultValue: () => undefined })
