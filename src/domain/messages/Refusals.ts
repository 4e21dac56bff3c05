/** The errors with which drafts are refused, by the kind of draft. */
import type { ContactRefusal } from "../contacts/UserPair.ts"
import type { GroupEvent } from "../groups/Group.ts"
import type { EventRefusal } from "../groups/GroupRules.ts"
import type { ErrorName } from "../shared/ErrorTable.ts"
import { type ChangeType, MessageType } from "./Message.ts"

/** Found before a draft is published: its id or content is none. */
const draftProblems = ["BadParameters", "ContentTooLarge", "BadContent"] as const
/** A draft that cannot be made. `NoConversation`: sender and receiver are not those of the conversation it names. */
export type DraftProblem = (typeof draftProblems)[number] | "NoConversation"

/** Of every draft: the id names something else. */
const repeatedId = ["Conflict"] as const

/** Of users who may not write to each other or bring each other into groups. */
const contactRefusals = ["Blocked", "NotFriends"] as const satisfies ReadonlyArray<ContactRefusal>

/** Of a message to a user or a group. */
export const messageRefusals = [...repeatedId, ...contactRefusals, "NoConversation", "NoReceiver"] as const
export type MessageRefusal = (typeof messageRefusals)[number]

/** Of a change of a message. A block does not keep a user from taking words back. */
export const changeRefusals = {
  [MessageType.recall]: [...repeatedId, "NoConversation", "NoReceiver", "NoMessage", "TooLate", "Forbidden"],
  [MessageType.edit]: [...messageRefusals, "NoMessage", "TooLate", "Forbidden", "BadContent"],
  [MessageType.reaction]: [...messageRefusals, "NoMessage"]
} as const satisfies { readonly [Type in ChangeType]: ReadonlyArray<ErrorName> }
export type ChangeRefusal<Type extends ChangeType = ChangeType> = (typeof changeRefusals)[Type][number]

/** Of a group event. */
export const groupEventRefusals = {
  created: [...repeatedId, ...contactRefusals, "UserNotFound"],
  joined: [
    ...repeatedId,
    ...contactRefusals,
    "NoConversation",
    "Forbidden",
    "UserNotFound",
    "GroupFull",
    // Of a join by request, and by an invitation.
    "NoRequest",
    "BadInvitation"
  ],
  left: [...repeatedId, "NoConversation", "Forbidden"],
  removed: [...repeatedId, "NoConversation", "Forbidden", "NotMember"],
  role: [...repeatedId, "NoConversation", "Forbidden", "NotMember"],
  changed: [...repeatedId, "NoConversation", "Forbidden"]
} as const satisfies { readonly [Kind in GroupEvent["event"]]: ReadonlyArray<EventRefusal> }
export type GroupEventRefusal<Event extends Pick<GroupEvent, "event"> = GroupEvent> =
  (typeof groupEventRefusals)[Event["event"]][number]

/** Failures on the way to the store, of any draft. */
export const transferFailures = ["Overloaded", "DatabaseError", "ServerError", "PayloadTooLarge"] as const
export type TransferFailure = (typeof transferFailures)[number]

/** Everything with which sending a draft fails that the store refuses with these errors. */
export const sendFailures = <const Refusals extends ReadonlyArray<ErrorName>>(refusals: Refusals) =>
  [...draftProblems, ...refusals, ...transferFailures] as const

/** Failures of a request to join a group, or to bring users in: of the join itself, or of the requests kept instead. */
export const joinFailures = sendFailures([
  ...repeatedId,
  ...contactRefusals,
  "NoConversation",
  "UserNotFound",
  "GroupFull",
  "BadInvitation"
])

/** Failures of a response to such a request. */
export const joinResponseFailures = sendFailures([
  ...repeatedId,
  "NoConversation",
  "Forbidden",
  "GroupFull",
  "NoRequest"
])

export type AppendRefusal = ChangeRefusal | GroupEventRefusal | TransferFailure
/** Everything with which a draft is refused once it is published. */
export const appendRefusals: ReadonlyArray<AppendRefusal> = [
  ...new Set([...Object.values(changeRefusals), ...Object.values(groupEventRefusals), transferFailures].flat())
]
