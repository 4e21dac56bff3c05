/** The caller of a request: access tokens, and the logins (sessions) that they belong to. */
import { Context, type Effect } from "effect"
import type { Failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"

/** A user with a login. */
export interface UserIdentity {
  readonly kind: "user"
  readonly userId: UserId
  readonly deviceId: string | undefined
  readonly platform: string | undefined
  /** The login that the token belongs to. */
  readonly sessionId: string
  /** Unix milliseconds. */
  readonly expiresAt: number
}

/** Another service of the operator. */
export interface ServiceIdentity {
  readonly kind: "service"
  readonly name: string
  /** Unix milliseconds. */
  readonly expiresAt: number
}

/** A node of this system. */
export interface SystemIdentity {
  readonly kind: "system"
  /** Unix milliseconds. */
  readonly expiresAt: number
}

/** The caller that a verified token names; each kind has an audience of its own (protocol.md section 5). */
export type Identity = UserIdentity | ServiceIdentity | SystemIdentity

/** Signs and verifies access tokens. */
export class Auth extends Context.Service<
  Auth,
  {
    /** A token of a user for one login; `expire` in Unix seconds. */
    readonly issueUser: (claims: {
      readonly userId: UserId
      readonly sessionId: string
      readonly deviceId: string
      readonly platform: string
    }) => Effect.Effect<{ readonly token: string; readonly expire: number }>
    /** A short-lived token for another service, which has a name, or for a node of the system itself. */
    readonly issueInternal: (kind: "service" | "system", name?: string) => Effect.Effect<string>
    /** The identity of a token with the right signature, issuer, audience and time whose login is not revoked. */
    readonly verify: (token: string) => Effect.Effect<Identity, Failure<"Unauthenticated" | "DatabaseError">>
  }
>()("fiberchat/domain/Auth") {}

/** A login on a device, as the refresh token names it. */
export interface Session {
  readonly sessionId: string
  readonly userId: UserId
  readonly deviceId: string
  readonly platform: string
}

/** The result of using a refresh token. */
export type RefreshResult =
  /** This is the next one, the same for each repetition. */
  | { readonly _tag: "Rotated"; readonly session: Session; readonly next: string }
  /** It comes again although the next one is in use: the login is now revoked. */
  | { readonly _tag: "Reused"; readonly session: Session }
  | { readonly _tag: "Unknown" }

/**
 * The logins and their refresh tokens. Only hashes are stored. A refresh can be repeated until its result has been used, and
 * for {@link refreshGraceMillis}; a token that comes later has been stolen, and revokes its login (protocol.md section 2.2).
 */
export class Sessions extends Context.Service<
  Sessions,
  {
    /** Opens a login and gives its first refresh token. Beyond `sessionsMax` a user's oldest logins are revoked. */
    readonly open: (
      session: Session
    ) => Effect.Effect<
      { readonly refreshToken: string; readonly revoked: ReadonlyArray<string> },
      Failure<"DatabaseError">
    >
    /** Exchanges a refresh token for the next one. */
    readonly refresh: (refreshToken: string) => Effect.Effect<RefreshResult, Failure<"DatabaseError">>
    readonly revoke: (sessionId: string) => Effect.Effect<void, Failure<"DatabaseError">>
    readonly isRevoked: (sessionId: string) => Effect.Effect<boolean, Failure<"DatabaseError">>
  }
>()("fiberchat/domain/Sessions") {}

/** How long after its first use a refresh token has the same result, even though that has been used: tabs refresh at once. */
export const refreshGraceMillis = 30_000

/** Live logins per user; the oldest go first. */
export const sessionsMax = 50
