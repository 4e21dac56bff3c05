/** Privacy: the users whom a user lets see, find and add them (protocol.md section 2.2). */
import { Schema } from "effect"

/**
 * The users that a setting admits, each time more than before. Contacts are friends and, unless messages need friendship,
 * users with whom messages went both ways.
 */
export const audiences = ["nobody", "friends", "contacts", "everyone"] as const
export const Audience = Schema.Literals(audiences)
export type Audience = typeof Audience.Type

const settings = {
  /** The users who see the phone number in the profile. */
  showPhone: Audience,
  /** The users who see whether this user is online, and when last. */
  showPresence: Audience,
  /** The users who bring this user into groups at once; for all others it is a request. */
  addToGroups: Audience,
  /** The users who find this user by the phone number, by the id, and by the beginning of the nickname. */
  findByPhone: Audience,
  findById: Audience,
  findByName: Audience
}

export const PrivacySettings = Schema.Struct(settings).annotate({ identifier: "PrivacySettings" })
export type PrivacySettings = typeof PrivacySettings.Type
export type PrivacySetting = keyof PrivacySettings

/** New values of settings; absent ones stay. */
export const PrivacyChange = Schema.Struct({
  showPhone: Schema.optionalKey(Audience),
  showPresence: Schema.optionalKey(Audience),
  addToGroups: Schema.optionalKey(Audience),
  findByPhone: Schema.optionalKey(Audience),
  findById: Schema.optionalKey(Audience),
  findByName: Schema.optionalKey(Audience)
})
export type PrivacyChange = typeof PrivacyChange.Type
