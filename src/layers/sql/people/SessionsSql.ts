/** {@link Sessions} on SQL: one row per refresh token, found by its hash. */
import { createHash, createHmac, randomBytes } from "node:crypto"
import { Clock, Effect, Layer, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import {
  type RefreshResult,
  refreshGraceMillis,
  type Session,
  Sessions,
  sessionsMax
} from "../../../domain/accounts/Auth.ts"
import { UserId } from "../../../domain/shared/Ids.ts"
import { Settings } from "../../settings/Settings.ts"
import { Nullable, rowAs, rowsAs } from "../database/Rows.ts"
import { inTransaction, storeFailure } from "../database/Sql.ts"
import { forUpdate } from "../database/SqlDialect.ts"
import { lockUsers } from "./UserPairs.ts"

const TokenRow = Schema.Struct({
  sessionId: Schema.String,
  userId: UserId,
  deviceId: Schema.String,
  platform: Schema.String,
  expiresAt: Schema.Int,
  usedAt: Nullable(Schema.Int),
  revokedAt: Nullable(Schema.Int),
  successorSeed: Nullable(Schema.String)
}).pipe(
  Schema.encodeKeys({
    sessionId: "session_id",
    userId: "user_id",
    deviceId: "device_id",
    expiresAt: "expires_at",
    usedAt: "used_at",
    revokedAt: "revoked_at",
    successorSeed: "successor_seed"
  })
)

const hashOf = (refreshToken: string): string => createHash("sha256").update(refreshToken).digest("hex")

const tokenColumns = "session_id, user_id, device_id, platform, expires_at, used_at, revoked_at, successor_seed"

/**
 * The next token: the same each time, so that a refresh can be repeated, and known to nobody who has only the database, in
 * which tokens are hashed.
 */
const successorOf = (refreshToken: string, seed: string): string =>
  createHmac("sha256", refreshToken).update(seed).digest("base64url")

const unknown: RefreshResult = { _tag: "Unknown" }

const sessionOf = ({ sessionId, userId, deviceId, platform }: typeof TokenRow.Type): Session => ({
  sessionId,
  userId,
  deviceId,
  platform
})

export const layer = Layer.effect(
  Sessions,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { refreshTtlMillis, tokenTtlMillis } = yield* Settings

    const insert = (session: Session, token: string, now: number) =>
      sql`INSERT INTO refresh_tokens ${sql.insert({
        token_hash: hashOf(token),
        session_id: session.sessionId,
        user_id: session.userId,
        device_id: session.deviceId,
        platform: session.platform,
        created_at: now,
        expires_at: now + refreshTtlMillis
      })}`

    /** The row of a token, locked until the commit. */
    const find = (token: string) =>
      rowAs(TokenRow)(sql`
        SELECT ${sql.literal(tokenColumns)} FROM refresh_tokens WHERE token_hash = ${hashOf(token)} ${forUpdate(sql)}`)

    /** The next token of one that has been used, if it may be given out once more. */
    const repeated = Effect.fnUntraced(function* (refreshToken: string, row: typeof TokenRow.Type, now: number) {
      if (row.successorSeed === undefined || row.usedAt === undefined) return undefined
      const next = successorOf(refreshToken, row.successorSeed)
      const nextRow = yield* find(next)
      if (nextRow === undefined || nextRow.revokedAt !== undefined) return undefined
      // A time of the future is from before the clock was set back: how long ago it was cannot be known.
      const isRecent = Math.abs(now - row.usedAt) < refreshGraceMillis
      return nextRow.usedAt === undefined || isRecent ? next : undefined
    })

    const revokeSession = (sessionId: string, now: number) =>
      sql`UPDATE refresh_tokens SET revoked_at = ${now} WHERE session_id = ${sessionId} AND revoked_at IS NULL`

    /**
     * Deletes refresh tokens that have expired, once the access tokens issued with them have expired too. They are looked up
     * first: a `DELETE` by user would lock all rows of the user, and the gap for their next token.
     */
    const forgetExpired = Effect.fnUntraced(function* (userId: UserId, now: number) {
      const expired = yield* rowsAs(Schema.Struct({ token_hash: Schema.String }))(sql`
        SELECT token_hash FROM refresh_tokens WHERE user_id = ${userId} AND expires_at < ${now - tokenTtlMillis}`)
      if (expired.length === 0) return
      yield* sql`DELETE FROM refresh_tokens WHERE token_hash IN ${sql.in(expired.map((row) => row.token_hash))}`
    })

    /** Keeps the newest logins of a user, so that the table has a bound; answers which ones had to go. */
    const revokeOldest = Effect.fnUntraced(function* (userId: UserId, now: number) {
      const live = yield* rowsAs(Schema.Struct({ session_id: Schema.String }))(sql`
        SELECT session_id FROM refresh_tokens WHERE user_id = ${userId} AND used_at IS NULL AND revoked_at IS NULL
        ORDER BY created_at DESC, session_id DESC`)
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
          const refreshToken = randomBytes(32).toString("base64url")
          yield* insert(session, refreshToken, now)
          return { refreshToken, revoked: yield* revokeOldest(session.userId, now) }
        },
        inTransaction(sql),
        Effect.catch(storeFailure)
      ),

      refresh: Effect.fn("Sessions.refresh")(
        function* (refreshToken): Effect.fn.Return<RefreshResult, SqlError.SqlError> {
          const now = yield* Clock.currentTimeMillis
          const row = yield* find(refreshToken)
          if (row === undefined) return unknown
          const session = sessionOf(row)
          if (row.usedAt !== undefined) {
            const next = yield* repeated(refreshToken, row, now)
            if (next !== undefined) return { _tag: "Rotated", session, next }
            // Also when this has been said before: that answer may have been lost.
            yield* revokeSession(session.sessionId, now)
            return { _tag: "Reused", session }
          }
          if (row.revokedAt !== undefined || row.expiresAt <= now) return unknown
          yield* forgetExpired(session.userId, now)
          const seed = randomBytes(32).toString("base64url")
          const next = successorOf(refreshToken, seed)
          yield* sql`
            UPDATE refresh_tokens SET used_at = ${now}, successor_seed = ${seed}
            WHERE token_hash = ${hashOf(refreshToken)}`
          yield* insert(session, next, now)
          return { _tag: "Rotated", session, next }
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
