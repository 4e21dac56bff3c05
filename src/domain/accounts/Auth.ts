/** Who is calling: access tokens, and the logins (sessions) that they belong to. */
import { Context, type Effect } from "effect"
import type { Failure } from "../shared/Failure.ts"
import type { UserId } from "../shared/Ids.ts"

/** The three audiences of tokens that this server signs (protocol.md section 5). */
export type TokenKind = "user" | "service" | "system"

/** What a verified token says. */
export interface Identity {
  readonly kind: TokenKind
  /** A user's id; `root` for the system, the service's name for a service. */
  readonly subject: string
  readonly deviceId: string | undefined
  readonly platform: string | undefined
  /** The login that the token belongs to; absent for service and system tokens. */
  readonly sessionId: string | undefined
  /** Unix milliseconds. */
  readonly expiresAt: number
}

/** A user's identity, narrowed. */
export interface UserIdentity extends Identity {
  readonly kind: "user"
  readonly subject: UserId
}

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
    /** A short-lived token for another service (`service`) or for the system itself (`system`). */
    readonly issueInternal: (kind: "service" | "system", subject: string) => Effect.Effect<string>
    /**
     * The identity of a token with the right signature, issuer, audience and time whose login is not revoked.
     * Fails with `Unauthenticated` whatever is wrong, or `DatabaseError`.
     */
    readonly verify: (token: string) => Effect.Effect<Identity, Failure>
  }
>()("fiberchat/domain/Auth") {}

/** A login on a device, as the refresh token names it. */
export interface Session {
  readonly sessionId: string
  readonly userId: UserId
  readonly deviceId: string
  readonly platform: string
}

/** What using a refresh token found. */
export type RefreshResult =
  /** It is used up, and this is the next one. */
  | { readonly _tag: "Rotated"; readonly session: Session; readonly next: string }
  /** It had been used before: the login is now revoked. */
  | { readonly _tag: "Reused"; readonly session: Session }
  | { readonly _tag: "Unknown" }

/**
 * The logins and their refresh tokens. Only hashes are stored; each token works once; one that comes a second time
 * revokes its whole family (protocol.md section 2.2). Fails with `DatabaseError`.
 */
export class Sessions extends Context.Service<
  Sessions,
  {
    /** Opens a login and gives its first refresh token. Beyond `sessionsMax` a user's oldest logins are revoked. */
    readonly open: (
      session: Session
    ) => Effect.Effect<{ readonly refreshToken: string; readonly revoked: ReadonlyArray<string> }, Failure>
    /** Uses a refresh token up. */
    readonly refresh: (refreshToken: string) => Effect.Effect<RefreshResult, Failure>
    readonly revoke: (sessionId: string) => Effect.Effect<void, Failure>
    readonly isRevoked: (sessionId: string) => Effect.Effect<boolean, Failure>
  }
>()("fiberchat/domain/Sessions") {}

/** Live logins per user; the oldest go first. */
export const sessionsMax = 50
