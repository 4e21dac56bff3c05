/** The privacy settings of users as columns, and the condition that a setting admits another user. */
import { Schema, SchemaTransformation } from "effect"
import type { SqlClient, Statement } from "effect/sql"
import {
  Audience,
  audiences,
  type PrivacyChange,
  type PrivacySetting,
  type PrivacySettings
} from "../../../domain/accounts/Privacy.ts"

/** The columns of `users`; each holds the position of its value in {@link audiences}. */
const columns = {
  showPhone: "show_phone",
  showPresence: "show_presence",
  addToGroups: "add_to_groups",
  findByPhone: "find_by_phone",
  findById: "find_by_id",
  findByName: "find_by_name"
} as const satisfies Record<PrivacySetting, string>

export const privacyColumns = Object.values(columns).join(", ")

const rankOf = (audience: Audience): number => audiences.indexOf(audience)
export const friendsRank = rankOf("friends")
export const contactsRank = rankOf("contacts")
const everyoneRank = rankOf("everyone")

const AudienceRank = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: everyoneRank })).pipe(
  Schema.decodeTo(
    Audience,
    SchemaTransformation.transform({ decode: (rank) => audiences[rank] ?? "nobody", encode: rankOf })
  )
)

export const PrivacyRow: Schema.Codec<PrivacySettings, unknown> = Schema.Struct({
  showPhone: AudienceRank,
  showPresence: AudienceRank,
  addToGroups: AudienceRank,
  findByPhone: AudienceRank,
  findById: AudienceRank,
  findByName: AudienceRank
}).pipe(Schema.encodeKeys(columns))

/** The columns that a change sets, with their values. */
export const privacyUpdate = (change: PrivacyChange): Record<string, number> =>
  Object.fromEntries(
    Object.entries(change).map(([setting, audience]) => [columns[setting as PrivacySetting], rankOf(audience)])
  )

/** The condition that the users of the row `w` (`userId`, `otherId`) are friends. */
const areFriends = "EXISTS (SELECT 1 FROM contacts c WHERE c.user_id = w.userId AND c.contact_id = w.otherId)"

/** The same that messages went both ways in their conversation, which the row names: none has to be searched. */
const areAcquainted = `(
  SELECT COUNT(*) FROM conversation_members m
  WHERE m.conversation_id = w.conversationId AND m.user_id IN (w.userId, w.otherId) AND m.sent_seq > 0
) = 2`

/** The condition that the other user is a friend of the user in the row `w`, or has written to them. */
export const isKnown = `(${areFriends} OR EXISTS (
  SELECT 1 FROM conversation_members m
  WHERE m.conversation_id = w.conversationId AND m.user_id = w.otherId AND m.sent_seq > 0
))`

/**
 * The condition that a setting of `w.otherId`, whose row of `users` is `u`, admits `w.userId`; `w.conversationId` is the
 * conversation of the two. Where messages need friendship, contacts are friends. It does not look at blocks.
 */
export const admits = (
  sql: SqlClient.SqlClient,
  requireFriendship: boolean,
  setting: PrivacySetting
): Statement.Fragment => {
  const rank = `u.${columns[setting]}`
  const byMessages = requireFriendship ? "" : `OR (${rank} = ${contactsRank} AND ${areAcquainted})`
  return sql.literal(`(${rank} = ${everyoneRank} OR (${rank} >= ${friendsRank} AND ${areFriends}) ${byMessages})`)
}
