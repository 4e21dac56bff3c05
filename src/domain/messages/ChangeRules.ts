/** The rules for recalls, edits and reactions: which users may, and until when (protocol.md section 1.6). */
import { Result } from "effect"

import { isManager, outranks, type Role } from "../groups/Group.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import { clocksApartMillis, type Draft, type UnsentChange } from "./Draft.ts"
import { isWritten, type Message, MessageType } from "./Message.ts"
import { checkContent } from "./MessageContent.ts"

/** The time for changes, which the operator sets. */
export interface ChangeWindows {
  /** How long after sending a message its sender may recall it, in milliseconds; 0 for ever. */
  readonly recallMillis: number
  /** The same for editing it. */
  readonly editMillis: number
}

/** Different reactions to one message. */
export const reactionsMax = 20

/** The facts about the target and about sender and author that the rules read. */
export interface ChangeView {
  readonly target: Message
  readonly senderRole: Role
  readonly authorRole: Role
  /** The reactions to the target, each with its number of users. */
  readonly reactions: ReadonlyMap<string, number>
  /** The reaction that the sender has given before; empty for none. */
  readonly ownReaction: string
}

/** The errors with which the rules refuse a change. */
export type RuleRefusal = "NoMessage" | "Conflict" | "Forbidden" | "TooLate" | "BadContent"

type Checked = Result.Result<void, Failure<RuleRefusal>>

/** Fails where the sender may not make this change. */
export const checkChange = (
  draft: Pick<Draft & UnsentChange, "senderId" | "content" | "sendTime" | "messageType">,
  view: ChangeView,
  windows: ChangeWindows
): Checked => {
  const { target } = view
  if (!isWritten(target.messageType)) return Result.fail(failure("NoMessage"))
  const isOwn = target.senderId === draft.senderId
  if (target.recalled) return Result.fail(failure("Conflict", { msg: "this message was recalled" }))
  switch (draft.messageType) {
    case MessageType.recall:
      // A manager's right does not end.
      if (isManager(view.senderRole) && (isOwn || outranks(view.senderRole, view.authorRole))) return Result.void
      return isOwn ? checkTime(draft, target, windows.recallMillis) : onlyOwn
    case MessageType.edit:
      if (!isOwn) return onlyOwn
      return Result.andThen(checkContent(target.messageType, draft.content), () =>
        checkTime(draft, target, windows.editMillis)
      )
    case MessageType.reaction:
      return kindsWith(draft.content, view) > reactionsMax
        ? Result.fail(failure("Conflict", { msg: `a message has at most ${reactionsMax} different reactions` }))
        : Result.void
  }
}

/** How many different reactions the message has once this one has replaced the sender's last. */
const kindsWith = (reaction: string, { reactions, ownReaction }: ChangeView): number => {
  if (reaction === "" || reactions.has(reaction)) return 0
  return reactions.size + (reactions.get(ownReaction) === 1 ? 0 : 1)
}

const onlyOwn: Checked = Result.fail(failure("Forbidden", { msg: "this message is somebody else's" }))

const checkTime = (draft: { readonly sendTime: number }, target: Message, windowMillis: number): Checked => {
  const age = draft.sendTime - target.sendTime
  // A target of the future is from before the clock was set back: how old it is cannot be known.
  const isOver = age > windowMillis || age < -clocksApartMillis
  return windowMillis > 0 && isOver ? Result.fail(failure("TooLate")) : Result.void
}
