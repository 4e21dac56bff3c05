/** Who may recall, edit or react to a message, and until when (protocol.md section 1.6). */

import { isManager, outranks, type Role } from "../groups/Group.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import { type ChangeType, type Draft, isWritten, type Message, MessageType } from "./Message.ts"
import { isContentValid } from "./MessageContent.ts"

/** What the operator has decided about changes. */
export interface ChangeWindows {
  /** How long after sending a message its sender may recall it, in milliseconds; 0 for ever. */
  readonly recallMillis: number
  /** The same for editing it. */
  readonly editMillis: number
}

/** Different reactions to one message. */
export const reactionsMax = 20

/** What the rules ask about the message that is to be changed, and about those who have to do with it. */
export interface ChangeView {
  readonly target: Message
  readonly senderRole: Role
  readonly authorRole: Role
  /** The reactions that the target has, and how many have given each. */
  readonly reactions: ReadonlyMap<string, number>
  /** The reaction that the sender has given before; empty for none. */
  readonly ownReaction: string
}

/** Why the change does not take place, if so. */
export const changeProblem = (
  draft: Draft,
  kind: ChangeType,
  view: ChangeView,
  windows: ChangeWindows
): Failure | undefined => {
  const { target } = view
  if (!isWritten(target.messageType)) return failure("NoMessage")
  const isOwn = target.sendId === draft.senderId
  if (target.recalled) return failure("Conflict", { msg: "this message was recalled" })
  switch (kind) {
    case MessageType.recall:
      // A manager's right does not end.
      if (isManager(view.senderRole) && (isOwn || outranks(view.senderRole, view.authorRole))) return undefined
      return isOwn ? tooLate(draft, target, windows.recallMillis) : onlyOwn
    case MessageType.edit:
      if (!isOwn) return onlyOwn
      return isContentValid(target.messageType, draft.content)
        ? tooLate(draft, target, windows.editMillis)
        : failure("BadContent")
    case MessageType.reaction:
      return kindsWith(draft.content, view) > reactionsMax
        ? failure("Conflict", { msg: `a message has at most ${reactionsMax} different reactions` })
        : undefined
  }
}

/** How many different reactions there are with this one, which takes the place of the sender's last. */
const kindsWith = (reaction: string, { reactions, ownReaction }: ChangeView): number => {
  if (reaction === "" || reactions.has(reaction)) return 0
  return reactions.size + (reactions.get(ownReaction) === 1 ? 0 : 1)
}

const onlyOwn = failure("Forbidden", { msg: "this message is somebody else's" })

const tooLate = (draft: Draft, target: Message, windowMillis: number): Failure | undefined =>
  windowMillis > 0 && draft.sendTime - target.sendTime > windowMillis ? failure("TooLate") : undefined
