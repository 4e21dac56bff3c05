/** The rows of the error table with which drafts are refused, by the kind of draft. */
import type { ContactRefusal } from "../contacts/UserPair.ts"
import type { EventRefusal } from "../groups/GroupRules.ts"

/** A draft that cannot be made: found before it is published. */
export const draftProblems = ["BadParameters", "NoConversation", "ContentTooLarge", "BadContent"] as const
export type DraftProblem = (typeof draftProblems)[number]

/** Of every draft: the id names something else. */
const repeatedId = ["Conflict"] as const

/** Of users who may not write to each other or bring each other into groups. */
const contactRefusals = ["Blocked", "NotFriends"] as const satisfies ReadonlyArray<ContactRefusal>

/** Of a message to a user or a group. */
export const messageRefusals = [...repeatedId, ...contactRefusals, "NoConversation", "NoReceiver"] as const
export type MessageRefusal = (typeof messageRefusals)[number]

/** Of a recall, an edit or a reaction. */
export const changeRefusals = [...messageRefusals, "NoMessage", "TooLate", "Forbidden", "BadContent"] as const
export type ChangeRefusal = (typeof changeRefusals)[number]

/** Of a group event. */
export const groupEventRefusals = [
  ...repeatedId,
  ...contactRefusals,
  "NoConversation",
  "Forbidden",
  "UserNotFound",
  "GroupFull",
  "NotMember",
  "NoRequest"
] as const satisfies ReadonlyArray<EventRefusal>
export type GroupEventRefusal = (typeof groupEventRefusals)[number]

/** Failures on the way to the store, of any draft. */
export const transferFailures = ["Overloaded", "DatabaseError", "ServerError", "PayloadTooLarge"] as const
export type TransferFailure = (typeof transferFailures)[number]

/** Everything with which a draft is refused once it is published. */
export const appendRefusals = [
  ...new Set([...changeRefusals, ...groupEventRefusals, ...transferFailures])
] as ReadonlyArray<AppendRefusal>
export type AppendRefusal = ChangeRefusal | GroupEventRefusal | TransferFailure
