/** {@link Sessions} on SQL: one row per refresh token, found by its hash. */
import { createHash, randomBytes } from "node:crypto"
import { Clock, Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { type RefreshResult, type Session, Sessions, sessionsMax } from "../../../domain/accounts/Auth.ts"
import type { UserId } from "../../../domain/shared/Ids.ts"
import { Settings } from "../../settings/Settings.ts"
import { inTransaction, storeFailure } from "../database/Sql.ts"
import { forUpdate } from "../database/SqlDialect.ts"
import { lockUsers } from "./UserPairs.ts"

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

const unknown: RefreshResult = { _tag: "Unknown" }

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

    /**
     * Deletes refresh tokens that have expired, once the access tokens issued with them have expired too. They are looked up
     * first: a `DELETE` by user would lock all rows of the user, and the gap for their next token.
     */
    const forgetExpired = Effect.fnUntraced(function* (userId: UserId, now: number) {
      const expired = yield* sql<{ readonly token_hash: string }>`
        SELECT token_hash FROM refresh_tokens WHERE user_id = ${userId} AND expires_at < ${now - tokenTtlMillis}`
      if (expired.length === 0) return
      yield* sql`DELETE FROM refresh_tokens WHERE token_hash IN ${sql.in(expired.map((row) => row.token_hash))}`
    })

    /** Keeps the newest logins of a user, so that the table has a bound; answers which ones had to go. */
    const revokeOldest = Effect.fnUntraced(function* (userId: UserId, now: number) {
      const live = yield* sql<{ readonly session_id: string }>`
        SELECT session_id FROM refresh_tokens WHERE user_id = ${userId} AND used_at IS NULL AND revoked_at IS NULL
        ORDER BY created_at DESC, session_id DESC`
      const revoked = live.slice(sessionsMax).map((row) => row.session_id)
      for (const sessionId of revoked) yield* revokeSession(sessionId, now)
      return revoked
    })

    return Sessions.of({
      open: Effect.fn("Sessions.open")(
        function* (session) {
          const now = yield* Clock.currentTimeMillis
          // The lock under which a user's logins are counted.
          yield* lockUsers(sql, session.userId)
          yield* forgetExpired(session.userId, now)
          const refreshToken = yield* insert(session, now)
          return { refreshToken, revoked: yield* revokeOldest(session.userId, now) }
        },
        inTransaction(sql),
        Effect.catch(storeFailure)
      ),

      refresh: Effect.fn("Sessions.refresh")(
        function* (refreshToken): Effect.fn.Return<RefreshResult, SqlError.SqlError> {
          const now = yield* Clock.currentTimeMillis
          const tokenHash = hashOf(refreshToken)
          const [row] = yield* sql<TokenRow>`
            SELECT session_id, user_id, device_id, platform, expires_at, used_at, revoked_at
            FROM refresh_tokens WHERE token_hash = ${tokenHash} ${forUpdate(sql)}`
          if (row === undefined) return unknown
          const session = sessionOf(row)
          if (row.used_at !== null) {
            // Also when this has been said before: that answer may have been lost.
            yield* revokeSession(session.sessionId, now)
            return { _tag: "Reused", session }
          }
          if (row.revoked_at !== null || row.expires_at <= now) return unknown
          yield* forgetExpired(session.userId, now)
          yield* sql`UPDATE refresh_tokens SET used_at = ${now} WHERE token_hash = ${tokenHash}`
          return { _tag: "Rotated", session, next: yield* insert(session, now) }
        },
        inTransaction(sql),
        Effect.catch(storeFailure)
      ),

      revoke: Effect.fn("Sessions.revoke")(
        function* (sessionId) {
          yield* revokeSession(sessionId, yield* Clock.currentTimeMillis)
        },
        // A refresh of the same login may cross it: it locks a token and adds the next one, this locks all of them.
        inTransaction(sql),
        Effect.catch(storeFailure)
      ),

      isRevoked: (sessionId) =>
        sql`
          SELECT 1 FROM refresh_tokens WHERE session_id = ${sessionId} AND used_at IS NULL AND revoked_at IS NULL LIMIT 1
        `.pipe(
          Effect.map((rows) => rows.length === 0),
          Effect.catch(storeFailure)
        )
    })
  })
)
