/** Use cases of accounts, for HTTP and RPC alike: register, log in, stay logged in, look up. */
import { Context, Effect, Layer, Option } from "effect"
import { Auth, type Session, Sessions, type UserIdentity } from "../accounts/Auth.ts"
import { AuthRateLimiter } from "../accounts/AuthRateLimiter.ts"
import {
  type FindRequest,
  findMax,
  type LoginRequest,
  PasswordHasher,
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
import { type Failure, failure } from "../shared/Failure.ts"
import { Ids, type UserId } from "../shared/Ids.ts"

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

/** `address` is the caller's network address where it is known; it is rate limited together with the phone. */
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
      readonly name?: string
      readonly phone?: string
      readonly ids?: ReadonlyArray<string>
    }) => Effect.Effect<ReadonlyArray<Profile>, Failure<FindFailure>>
    /** The same for a user: phones only of contacts. */
    readonly findFor: (
      caller: UserId,
      request: FindRequest
    ) => Effect.Effect<ReadonlyArray<PublicProfile>, Failure<FindFailure>>
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
      const ids = yield* Ids

      const limitAddress = (address: string | undefined) =>
        address === undefined ? Effect.void : limiter.take(`address:${address}`)

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
        yield* limitAddress(address)
        const phone = yield* phones.parse(request.phone)
        yield* limiter.take(`phone:${phone}`)
        const id = ids.userId()
        yield* users.insert({
          id,
          phone,
          passwordHash: yield* hasher.hash(request.password),
          nickname: request.nickname,
          sex: request.sex ?? 0,
          avatar: request.avatar ?? ""
        })
        return yield* openSession(id, request)
      })

      const login = Effect.fn("Accounts.login")(function* (request: LoginRequest, address: string | undefined) {
        yield* limitAddress(address)
        const phone = yield* phones.parse(request.phone)
        yield* limiter.take(`phone:${phone}`)
        const user = Option.getOrUndefined(yield* users.findByPhone(phone))
        const right = yield* hasher.verify(request.password, user?.passwordHash)
        if (user === undefined || !right) return yield* failure("WrongCredentials")
        return yield* openSession(user.id, request)
      })

      const refresh = Effect.fn("Accounts.refresh")(function* (refreshToken: string, address: string | undefined) {
        yield* limitAddress(address)
        const result = yield* closing(sessions.refresh(refreshToken), (used) =>
          used._tag === "Reused" ? [used.session] : []
        )
        if (result._tag !== "Rotated") return yield* failure("BadRefreshToken")
        const { id: _, ...tokens } = yield* issue(result.session, result.next)
        return tokens
      })

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

      const find = Effect.fn("Accounts.find")(function* (conditions: {
        readonly name?: string
        readonly phone?: string
        readonly ids?: ReadonlyArray<string>
      }) {
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

      const findFor = Effect.fn("Accounts.findFor")(function* (caller: UserId, { ids, ...rest }: FindRequest) {
        const found = yield* find({ ...rest, ...(ids === undefined ? {} : { ids: ids.split(",").filter(Boolean) }) })
        const foundIds = found.map(({ id }) => id)
        const known = new Set([caller, ...(yield* contacts.among(caller, foundIds))])
        return found.map(({ mobile, ...visible }) => (known.has(visible.id) ? { ...visible, mobile } : visible))
      })

      return Accounts.of({ register, login, refresh, logout, profile, update, find, findFor })
    })
  )
}
