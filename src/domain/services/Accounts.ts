/** Use cases of accounts, for HTTP and RPC alike: register, log in, stay logged in, look up. */
import { Context, Effect, Layer, Option } from "effect"
import { Auth, type Session, Sessions, type UserIdentity } from "../accounts/Auth.ts"
import { networkOf } from "../accounts/Network.ts"
import type { PrivacyChange, PrivacySetting, PrivacySettings } from "../accounts/Privacy.ts"
import { AuthRateLimiter, FindRateLimiter } from "../accounts/RateLimiters.ts"
import {
  type FindRequest,
  findMax,
  type LoginRequest,
  PasswordHasher,
  type Phone,
  PhoneNumbers,
  type Profile,
  type ProfileChange,
  type PublicProfile,
  type RegisterRequest,
  type TokenPair,
  type User,
  UserRepository
} from "../accounts/User.ts"
import { SessionRevocations } from "../cluster/SessionRevocations.ts"
import { Contacts } from "../contacts/Contacts.ts"
import type { ErrorName } from "../shared/ErrorTable.ts"
import { type AnyFailure, type Failure, failure } from "../shared/Failure.ts"
import { Ids, type UserId } from "../shared/Ids.ts"
import { opaqueString } from "../shared/Text.ts"

/** A login that succeeded: the user and the tokens. */
export interface LoggedIn extends TokenPair {
  readonly id: UserId
}

export const profileOf = (user: User): Profile => ({
  id: user.id,
  mobile: user.phone,
  nickname: user.nickname,
  sex: user.sex,
  avatar: user.avatar
})

/** The errors with which an attempt to register or log in fails. */
type AttemptFailure = "RateLimited" | "BadPhone" | "Overloaded" | "DatabaseError"
type FindFailure = "BadParameters" | "BadPhone" | "DatabaseError"

/**
 * `address` is the caller's address where it is known: attempts are counted under its network, and under the phone from
 * there, so that nobody can use up the attempts of a user elsewhere. Right ones do not count.
 */
export class Accounts extends Context.Service<
  Accounts,
  {
    readonly register: (
      request: RegisterRequest,
      address: string | undefined
    ) => Effect.Effect<LoggedIn, Failure<AttemptFailure | "PhoneTaken">>
    /** A wrong phone and a wrong password take the same time and fail alike. */
    readonly login: (
      request: LoginRequest,
      address: string | undefined
    ) => Effect.Effect<LoggedIn, Failure<AttemptFailure | "WrongCredentials">>
    readonly refresh: (
      refreshToken: string,
      address: string | undefined
    ) => Effect.Effect<TokenPair, Failure<"RateLimited" | "BadRefreshToken" | "DatabaseError">>
    /** Revokes the login and closes its sockets with 4004. */
    readonly logout: (caller: UserIdentity) => Effect.Effect<void, Failure<"DatabaseError">>
    readonly profile: (id: UserId) => Effect.Effect<Profile, Failure<"UserNotFound" | "DatabaseError">>
    readonly update: (
      id: UserId,
      change: ProfileChange
    ) => Effect.Effect<Profile, Failure<"UserNotFound" | "DatabaseError">>
    /** Every field of the users found: for other services. */
    readonly find: (conditions: {
      readonly name?: string | undefined
      readonly phone?: string | undefined
      readonly ids?: ReadonlyArray<string> | undefined
    }) => Effect.Effect<ReadonlyArray<Profile>, Failure<FindFailure>>
    /**
     * The same for a user: those who let the caller find them so, with the phones of those who show theirs. Friends, and users
     * who have written to the caller, are always found by id and name. Looking for users is limited: a name counts for 1, an
     * id of an unknown user for 1, a phone for {@link phoneCount}.
     */
    readonly findFor: (
      caller: UserId,
      request: FindRequest
    ) => Effect.Effect<ReadonlyArray<PublicProfile>, Failure<FindFailure | "RateLimited">>
    readonly privacy: (id: UserId) => Effect.Effect<PrivacySettings, Failure<"UserNotFound" | "DatabaseError">>
    readonly changePrivacy: (
      id: UserId,
      change: PrivacyChange
    ) => Effect.Effect<PrivacySettings, Failure<"UserNotFound" | "DatabaseError">>
  }
>()("fiberchat/domain/Accounts") {
  static readonly layer = Layer.effect(
    Accounts,
    Effect.gen(function* () {
      const users = yield* UserRepository
      const sessions = yield* Sessions
      const auth = yield* Auth
      const hasher = yield* PasswordHasher
      const phones = yield* PhoneNumbers
      const contacts = yield* Contacts
      const revocations = yield* SessionRevocations
      const limiter = yield* AuthRateLimiter
      const finding = yield* FindRateLimiter
      const ids = yield* Ids

      /** Counts an attempt under a key, and takes that back unless it was wrong: the server itself may have failed. */
      const counted =
        (key: string) =>
        <A, E extends AnyFailure>(attempt: Effect.Effect<A, E>) =>
          Effect.andThen(
            limiter.take(key),
            attempt.pipe(
              Effect.tap(() => limiter.giveBack(key)),
              Effect.tapError(({ _tag }) => (wrong.has(_tag) ? Effect.void : limiter.giveBack(key)))
            )
          )

      /** The same under the caller's network; services of the operator have no such limit. */
      const countedIn = (address: string | undefined) =>
        address === undefined
          ? <A, E extends AnyFailure>(attempt: Effect.Effect<A, E>) => attempt
          : counted(keyOf(networkOf(address)))

      const issue = Effect.fnUntraced(function* (session: Session, refreshToken: string) {
        const { token, expire } = yield* auth.issueUser(session)
        return { id: session.userId, token, expire, refreshToken }
      })

      type Login = Pick<Session, "userId" | "sessionId">
      const closeSockets = (logins: ReadonlyArray<Login>) =>
        Effect.sync(() => {
          for (const { userId, sessionId } of logins) revocations.announce({ userId, sessionId })
        })

      /** Revokes logins and closes their sockets, even if the caller hangs up in between. */
      const closing = <A, E>(revoking: Effect.Effect<A, E>, revokedBy: (done: A) => ReadonlyArray<Login>) =>
        Effect.tap(revoking, (done) => closeSockets(revokedBy(done))).pipe(Effect.uninterruptible)

      const openSession = Effect.fnUntraced(function* (
        userId: UserId,
        device: { readonly deviceId?: string; readonly platform?: string }
      ) {
        const session: Session = {
          sessionId: ids.uniqueId(),
          userId,
          deviceId: device.deviceId ?? "default",
          platform: device.platform ?? "unknown"
        }
        const { refreshToken } = yield* closing(sessions.open(session), ({ revoked }) =>
          revoked.map((sessionId) => ({ userId, sessionId }))
        )
        return yield* issue(session, refreshToken)
      })

      const register = Effect.fn("Accounts.register")(function* (
        request: RegisterRequest,
        address: string | undefined
      ) {
        const network = callerNetwork(address)
        // Every registration counts, right ones as well.
        if (address !== undefined) yield* limiter.take(keyOf(network))
        const phone = yield* phones.parse(request.phone)
        yield* limiter.take(keyOf(network, phone))
        const id = ids.userId()
        yield* users.insert({
          id,
          phone,
          passwordHash: yield* hasher.hash(opaqueString(request.password), network),
          nickname: request.nickname,
          sex: request.sex ?? 0,
          avatar: request.avatar ?? ""
        })
        return yield* openSession(id, request)
      })

      /** The user with this phone and password. */
      const identify = Effect.fnUntraced(function* (phone: Phone, password: string, network: string) {
        const user = Option.getOrUndefined(yield* users.findByPhone(phone))
        const right = yield* hasher.verify(opaqueString(password), user?.passwordHash, network)
        return user === undefined || !right ? yield* failure("WrongCredentials") : user
      })

      const login = Effect.fn("Accounts.login")(
        function* (request: LoginRequest, address: string | undefined) {
          const phone = yield* phones.parse(request.phone)
          const network = callerNetwork(address)
          const user = yield* counted(keyOf(network, phone))(identify(phone, request.password, network))
          return yield* openSession(user.id, request)
        },
        (attempt, _request, address) => countedIn(address)(attempt)
      )

      const refresh = Effect.fn("Accounts.refresh")(
        function* (refreshToken: string, _address: string | undefined) {
          const result = yield* closing(sessions.refresh(refreshToken), (used) =>
            used._tag === "Reused" ? [used.session] : []
          )
          if (result._tag !== "Rotated") return yield* failure("BadRefreshToken")
          const { id: _, ...tokens } = yield* issue(result.session, result.next)
          return tokens
        },
        (attempt, _refreshToken, address) => countedIn(address)(attempt)
      )

      const logout = Effect.fn("Accounts.logout")(function* ({ userId, sessionId }: UserIdentity) {
        // A store that fails may have revoked the login all the same, and would refuse a second request.
        const closed = Effect.ensuring(sessions.revoke(sessionId), closeSockets([{ userId, sessionId }]))
        yield* Effect.uninterruptible(closed)
      })

      const profile = Effect.fn("Accounts.profile")(function* (id: UserId) {
        const user = yield* users.findById(id)
        return Option.isNone(user) ? yield* failure("UserNotFound") : profileOf(user.value)
      })

      const update = Effect.fn("Accounts.update")(function* (id: UserId, change: ProfileChange) {
        yield* users.update(id, change)
        return yield* profile(id)
      })

      const find: Accounts["Service"]["find"] = Effect.fn("Accounts.find")(function* (conditions) {
        const { name, phone, ids } = conditions
        if (name === undefined && phone === undefined && ids === undefined) {
          return yield* failure("BadParameters", { msg: "one of name, phone and ids is needed" })
        }
        if (ids !== undefined && ids.length > findMax) {
          return yield* failure("BadParameters", { msg: `at most ${findMax} ids at once` })
        }
        const found = yield* users.find({
          ...(name === undefined ? {} : { namePrefix: name }),
          ...(phone === undefined ? {} : { phone: yield* phones.parse(phone) }),
          ...(ids === undefined ? {} : { ids })
        })
        return found.map(profileOf)
      })

      const findFor = Effect.fn("Accounts.findFor")(function* (caller: UserId, request: FindRequest) {
        const { name, phone } = request
        const ids = request.ids?.split(",").filter(Boolean)
        const count = (name === undefined ? 0 : 1) + (phone === undefined ? 0 : phoneCount)
        if (count > 0) yield* finding.take(caller, count)
        const found = yield* find({ ...request, ids })
        const foundIds = found.map(({ id }) => id)
        const known = new Set([caller, ...(yield* contacts.known(caller, foundIds))])
        const unknown = ids?.filter((id) => !known.has(id as UserId)).length ?? 0
        if (unknown > 0) yield* finding.take(caller, unknown)
        let shown = foundIds
        for (const setting of waysOf({ name, phone, ids })) {
          const admitting = new Set(yield* contacts.findable(caller, shown, setting))
          const isOpen = (id: UserId) =>
            id === caller || admitting.has(id) || (setting !== "findByPhone" && known.has(id))
          shown = shown.filter(isOpen)
        }
        const open = new Set(shown)
        const phones = new Set([caller, ...(yield* contacts.among(caller, shown, "showPhone"))])
        return found
          .filter(({ id }) => open.has(id))
          .map(({ mobile, ...visible }) => (phones.has(visible.id) ? { ...visible, mobile } : visible))
      })

      const privacy = Effect.fn("Accounts.privacy")(function* (id: UserId) {
        const settings = yield* users.privacy(id)
        return Option.isNone(settings) ? yield* failure("UserNotFound") : settings.value
      })

      const changePrivacy = Effect.fn("Accounts.changePrivacy")(function* (id: UserId, change: PrivacyChange) {
        yield* users.changePrivacy(id, change)
        return yield* privacy(id)
      })

      return Accounts.of({
        register,
        login,
        refresh,
        logout,
        profile,
        update,
        find,
        findFor,
        privacy,
        changePrivacy
      })
    })
  )
}

/** Looking for a phone counts for as much as for so many ids: there are fewer phones than ids, and each one is a person. */
export const phoneCount = 10

/** The settings by which users are found who are looked for so. */
const waysOf = (
  asked: {
    readonly [Condition in keyof FindRequest]: unknown
  }
): ReadonlyArray<Extract<PrivacySetting, `find${string}`>> => [
  ...(asked.phone === undefined ? [] : (["findByPhone"] as const)),
  ...(asked.ids === undefined ? [] : (["findById"] as const)),
  ...(asked.name === undefined ? [] : (["findByName"] as const))
]

/** The failures of a wrong attempt. */
const wrong: ReadonlySet<ErrorName> = new Set(["WrongCredentials", "BadRefreshToken", "BadPhone"])

/** All callers without an address together: other services of the operator. */
const services = "services"

const callerNetwork = (address: string | undefined): string => (address === undefined ? services : networkOf(address))

/** The key under which attempts from a network are counted, or those for one phone from there. */
const keyOf = (network: string, phone?: Phone): string =>
  phone === undefined ? `network:${network}` : `phone:${phone} ${network}`
