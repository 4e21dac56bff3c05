/** {@link Sessions} on SQL: one row per refresh token, found by its hash. */
import { createHash, randomBytes } from "node:crypto"
import { Clock, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type RefreshResult, type Session, Sessions, sessionsMax } from "../domain/Auth.ts"
import type { UserId } from "../domain/Ids.ts"
import { Settings } from "./Settings.ts"
import { apiError } from "./Sql.ts"

interface TokenRow {
  readonly session_id: string
  readonly user_id: UserId
  readonly device_id: string
  readonly platform: string
  readonly expires_at: number
  readonly used_at: number | null
  readonly revoked_at: number | null
}

const hashOf = (refreshToken: string): string => createHash("sha256").update(refreshToken).digest("hex")

const sessionOf = (row: TokenRow): Session => ({
  sessionId: row.session_id,
  userId: row.user_id,
  deviceId: row.device_id,
  platform: row.platform
})

export const layer = Layer.effect(
  Sessions,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { refreshTtlMillis, tokenTtlMillis } = yield* Settings

    const insert = (session: Session, now: number) => {
      const token = randomBytes(32).toString("base64url")
      return sql`INSERT INTO refresh_tokens ${sql.insert({
        token_hash: hashOf(token),
        session_id: session.sessionId,
        user_id: session.userId,
        device_id: session.deviceId,
        platform: session.platform,
        created_at: now,
        expires_at: now + refreshTtlMillis
      })}`.pipe(Effect.as(token))
    }

    const revokeSession = (sessionId: string, now: number) =>
      sql`UPDATE refresh_tokens SET revoked_at = ${now} WHERE session_id = ${sessionId} AND revoked_at IS NULL`

    /** Forgets what can matter no more: expired tokens, once the access tokens beside them have expired too. */
    const forgetExpired = (userId: UserId, now: number) =>
      sql`DELETE FROM refresh_tokens WHERE user_id = ${userId} AND expires_at < ${now - tokenTtlMillis}`

    /** Keeps the newest logins of a user, so that the table has a bound. */
    const revokeOldest = (userId: UserId, now: number) =>
      sql`
        UPDATE refresh_tokens SET revoked_at = ${now}
        WHERE user_id = ${userId} AND revoked_at IS NULL AND session_id NOT IN (
          SELECT session_id FROM refresh_tokens
          WHERE user_id = ${userId} AND used_at IS NULL AND revoked_at IS NULL
          ORDER BY created_at DESC, session_id DESC LIMIT ${sessionsMax}
        )`

    return Sessions.of({
      open: Effect.fn("Sessions.open")(
        function* (session) {
          const now = yield* Clock.currentTimeMillis
          yield* forgetExpired(session.userId, now)
          const token = yield* insert(session, now)
          yield* revokeOldest(session.userId, now)
          return token
        },
        sql.withTransaction,
        Effect.catch(apiError)
      ),

      refresh: Effect.fn("Sessions.refresh")(
        function* (refreshToken) {
          const now = yield* Clock.currentTimeMillis
          const tokenHash = hashOf(refreshToken)
          const [row] = yield* sql<TokenRow>`
            SELECT session_id, user_id, device_id, platform, expires_at, used_at, revoked_at
            FROM refresh_tokens WHERE token_hash = ${tokenHash}`
          const unknown: RefreshResult = { _tag: "Unknown" }
          if (row === undefined || row.revoked_at !== null) return { result: unknown, next: undefined }
          const session = sessionOf(row)
          if (row.used_at !== null) {
            yield* revokeSession(session.sessionId, now)
            const result: RefreshResult = { _tag: "Reused", session }
            return { result, next: undefined }
          }
          if (row.expires_at <= now) return { result: unknown, next: undefined }
          yield* sql`UPDATE refresh_tokens SET used_at = ${now} WHERE token_hash = ${tokenHash}`
          const result: RefreshResult = { _tag: "Rotated", session }
          return { result, next: yield* insert(session, now) }
        },
        sql.withTransaction,
        Effect.catch(apiError)
      ),

      revoke: Effect.fn("Sessions.revoke")(function* (sessionId) {
        yield* revokeSession(sessionId, yield* Clock.currentTimeMillis)
      }, Effect.catch(apiError)),

      isRevoked: (sessionId) =>
        sql`
          SELECT 1 FROM refresh_tokens WHERE session_id = ${sessionId} AND used_at IS NULL AND revoked_at IS NULL LIMIT 1
        `.pipe(
          Effect.map((rows) => rows.length === 0),
          Effect.catch(apiError)
        )
    })
  })
)
