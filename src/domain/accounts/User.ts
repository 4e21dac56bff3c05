/** Users: the schemas of the user service, and the ports to users, phone numbers and password hashes. */
import { Context, type Effect, type Option, Schema } from "effect"
import type { Failure } from "../shared/Failure.ts"
import { UserId } from "../shared/Ids.ts"
import { isWellFormed, NameInput } from "../shared/Text.ts"
import type { PrivacyChange, PrivacySettings } from "./Privacy.ts"

/** A phone number in E.164, as stored. */
export const Phone = Schema.String.check(Schema.isPattern(/^\+[1-9][0-9]{6,14}$/u)).pipe(Schema.brand("Phone"))
export type Phone = typeof Phone.Type

/** A phone number as a person types it: E.164, or a national number of the configured region. */
export const PhoneInput = Schema.String.check(Schema.isBetweenCodePoints(3, 64))

/** At least 8 characters; at most 128, so that hashing has a bound. No controls: not every keyboard has them. */
export const Password = Schema.String.check(
  Schema.isBetweenCodePoints(8, 128),
  isWellFormed,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: \P{Cc}, as every language can write it
  Schema.isPattern(/^[^\u0000-\u001f\u007f-\u009f]*$/u, { expected: "no control characters" })
)
export const Nickname = NameInput(64)
/** The beginning of a nickname, in any case. */
export const NicknamePrefix = Schema.String.check(Schema.isBetweenCodePoints(1, 64), isWellFormed)
export const Avatar = Schema.String.check(Schema.isMaxLength(1024), isWellFormed)
/** 0 unknown, 1 male, 2 female, as in the Go project. */
export const Sex = Schema.Literals([0, 1, 2])
export const DeviceId = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9._:-]{1,64}$/u, { expected: "a device id" }))
export const Platform = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9._-]{1,32}$/u, { expected: "a platform" }))

export interface User {
  readonly id: UserId
  readonly phone: Phone
  readonly passwordHash: string
  readonly nickname: string
  readonly sex: typeof Sex.Type
  readonly avatar: string
}

/** The caller's own profile. */
export const Profile = Schema.Struct({
  id: UserId,
  mobile: Schema.String,
  nickname: Schema.String,
  sex: Sex,
  avatar: Schema.String
}).annotate({ identifier: "Profile" })
export type Profile = typeof Profile.Type

/** A user's profile as others see it; `mobile` is present where its owner shows it to the caller. */
export const PublicProfile = Schema.Struct({
  id: UserId,
  mobile: Schema.optionalKey(Schema.String),
  nickname: Schema.String,
  sex: Sex,
  avatar: Schema.String
}).annotate({ identifier: "PublicProfile" })
export type PublicProfile = typeof PublicProfile.Type

export const RegisterRequest = Schema.Struct({
  phone: PhoneInput,
  password: Password,
  nickname: Nickname,
  sex: Schema.optionalKey(Sex),
  avatar: Schema.optionalKey(Avatar),
  deviceId: Schema.optionalKey(DeviceId),
  platform: Schema.optionalKey(Platform)
})
export type RegisterRequest = typeof RegisterRequest.Type

export const LoginRequest = Schema.Struct({
  phone: PhoneInput,
  password: Schema.String.check(Schema.isMaxCodePoints(128), isWellFormed),
  deviceId: Schema.optionalKey(DeviceId),
  platform: Schema.optionalKey(Platform)
})
export type LoginRequest = typeof LoginRequest.Type

/** The tokens of a login: `expire` is the token's end in Unix seconds. */
export const TokenPair = Schema.Struct({
  token: Schema.String,
  expire: Schema.Int,
  refreshToken: Schema.String
}).annotate({ identifier: "TokenPair" })
export type TokenPair = typeof TokenPair.Type

export const ProfileChange = Schema.Struct({
  nickname: Schema.optionalKey(Nickname),
  sex: Schema.optionalKey(Sex),
  avatar: Schema.optionalKey(Avatar)
})
export type ProfileChange = typeof ProfileChange.Type

/** How to find users; the conditions add up. `ids` is a comma-separated list, at most {@link findMax} long. */
export const FindRequest = Schema.Struct({
  name: Schema.optionalKey(NicknamePrefix),
  phone: Schema.optionalKey(PhoneInput),
  ids: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(4096)))
})
export type FindRequest = typeof FindRequest.Type

/** At most so many users are found at once. */
export const findMax = 100

/** The port to the stored users. */
export class UserRepository extends Context.Service<
  UserRepository,
  {
    readonly insert: (user: User) => Effect.Effect<void, Failure<"PhoneTaken" | "DatabaseError">>
    readonly findById: (id: UserId) => Effect.Effect<Option.Option<User>, Failure<"DatabaseError">>
    readonly findByPhone: (phone: Phone) => Effect.Effect<Option.Option<User>, Failure<"DatabaseError">>
    /** Users that meet every given condition, at most {@link findMax}; `namePrefix` ignores case. */
    readonly find: (conditions: {
      readonly namePrefix?: string
      readonly phone?: Phone
      readonly ids?: ReadonlyArray<string>
    }) => Effect.Effect<ReadonlyArray<User>, Failure<"DatabaseError">>
    readonly update: (id: UserId, change: ProfileChange) => Effect.Effect<void, Failure<"DatabaseError">>
    readonly privacy: (id: UserId) => Effect.Effect<Option.Option<PrivacySettings>, Failure<"DatabaseError">>
    /** Changes settings. Groups that are founded or joined afterwards go by them. */
    readonly changePrivacy: (id: UserId, change: PrivacyChange) => Effect.Effect<void, Failure<"DatabaseError">>
  }
>()("fiberchat/domain/UserRepository") {}

/** Reads phone numbers as people write them. */
export class PhoneNumbers extends Context.Service<
  PhoneNumbers,
  { readonly parse: (input: string) => Effect.Effect<Phone, Failure<"BadPhone">> }
>()("fiberchat/domain/PhoneNumbers") {}

/**
 * Slow, salted password hashing off the event loop. A limited number of calls waits for it, of all and of each network, and
 * networks take turns: many logins from one place do not keep others waiting.
 */
export class PasswordHasher extends Context.Service<
  PasswordHasher,
  {
    /** A self-describing hash string (PHC format). */
    readonly hash: (password: string, network: string) => Effect.Effect<string, Failure<"Overloaded">>
    /** Whether the hash is of this password. Without a hash `false`, after the same time: so a user's existence stays hidden. */
    readonly verify: (
      password: string,
      hash: string | undefined,
      network: string
    ) => Effect.Effect<boolean, Failure<"Overloaded">>
  }
>()("fiberchat/domain/PasswordHasher") {}
