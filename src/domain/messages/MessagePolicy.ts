/** The operator's settings of messages (protocol.md section 5). */
import { Context } from "effect"
import type { ChangeWindows } from "./ChangeRules.ts"

export class MessagePolicy extends Context.Service<
  MessagePolicy,
  {
    readonly windows: ChangeWindows
    /** Whether only friends write to each other and bring each other into groups. */
    readonly requireFriendship: boolean
    /** Whether new members of a group see all messages, or those from their joining on. */
    readonly groupHistory: "all" | "joined"
  }
>()("fiberchat/domain/MessagePolicy") {}
