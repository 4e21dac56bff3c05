/** {@link Auth} on jose: HS256 with pinned algorithm, issuer and audience, and a list of secrets for rotation. */
import { randomBytes, webcrypto } from "node:crypto"
import { existsSync } from "node:fs"
import { link, mkdir, open, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Effect, Layer, Redacted } from "effect"
import { type JWTPayload, jwtVerify, SignJWT } from "jose"
import { Auth, type Identity, Sessions } from "../../domain/accounts/Auth.ts"
import { failure } from "../../domain/shared/Failure.ts"
import { Ids, rootUserId, type UserId } from "../../domain/shared/Ids.ts"
import { Settings } from "../settings/Settings.ts"

const algorithm = "HS256"
/** Other nodes make a token for each call; services use one for many calls, and take a new one in time. */
const internalTtlSeconds = 300
/** Longer texts are no tokens of ours; checked before any work is done on them. */
const tokenLengthMax = 4_096

const importSecret = (secret: string) =>
  Effect.promise(() =>
    webcrypto.subtle.importKey("raw", Buffer.from(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"])
  )

const textClaim = (payload: JWTPayload, name: string): string | undefined => {
  const claim = payload[name]
  return typeof claim === "string" ? claim : undefined
}

/** The development secret: made once, readable by the owner only, and the same after each restart. */
const developmentSecret = (dataDir: string) =>
  Effect.promise(async () => {
    await mkdir(dataDir, { recursive: true })
    const path = join(dataDir, "jwt-secret")
    if (existsSync(path)) return (await readFile(path, "utf8")).trim()
    // It gets its name when it is whole: a crash in between leaves no empty secret behind.
    const unfinished = `${path}.${process.pid}`
    const file = await open(unfinished, "w", 0o600)
    await file.writeFile(randomBytes(32).toString("base64url"))
    await file.sync()
    await file.close()
    try {
      await link(unfinished, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    }
    await rm(unfinished)
    return (await readFile(path, "utf8")).trim()
  })

export const layer = Layer.effect(
  Auth,
  Effect.gen(function* () {
    const settings = yield* Settings
    const sessions = yield* Sessions
    const ids = yield* Ids
    const clock = yield* Clock.Clock
    const secrets = settings.jwtSecrets?.map(Redacted.value) ?? [yield* developmentSecret(settings.dataDir)]
    const keys = yield* Effect.forEach(secrets, importSecret)
    const [signingKey] = keys
    if (signingKey === undefined) return yield* Effect.die(new Error("no signing key"))

    const audiences: Record<Identity["kind"], string> = {
      user: settings.jwtAudience,
      service: `${settings.jwtAudience}-rpc`,
      system: `${settings.jwtAudience}-system`
    }
    const nowSeconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

    const sign = (kind: Identity["kind"], subject: string, expire: number, claims: JWTPayload) =>
      Effect.promise(() =>
        new SignJWT({ ...claims })
          .setProtectedHeader({ alg: algorithm, typ: "JWT" })
          .setIssuer(settings.jwtIssuer)
          .setAudience(audiences[kind])
          .setSubject(subject)
          .setIssuedAt(nowSeconds())
          .setExpirationTime(expire)
          .setJti(ids.uniqueId())
          .sign(signingKey)
      )

    const payloadOf = (token: string) =>
      Effect.tryPromise({
        try: async () => {
          const options = {
            algorithms: [algorithm],
            issuer: settings.jwtIssuer,
            audience: Object.values(audiences),
            requiredClaims: ["sub", "exp", "iat", "jti"],
            currentDate: new Date(clock.currentTimeMillisUnsafe())
          }
          let problem: unknown
          for (const key of keys) {
            try {
              return (await jwtVerify(token, key, options)).payload
            } catch (error) {
              problem = error
            }
          }
          throw problem
        },
        catch: (cause) => failure("Unauthenticated", { cause })
      }).pipe(Effect.tapError(({ cause }) => Effect.logDebug("a token was refused", cause)))

    return Auth.of({
      issueUser: Effect.fn("Auth.issueUser")(function* ({ userId, sessionId, deviceId, platform }) {
        const expire = nowSeconds() + Math.round(settings.tokenTtlMillis / 1000)
        return { token: yield* sign("user", userId, expire, { sid: sessionId, deviceId, platform }), expire }
      }),

      issueInternal: (kind, name = rootUserId) => sign(kind, name, nowSeconds() + internalTtlSeconds, {}),

      verify: Effect.fn("Auth.verify")(function* (token) {
        if (token.length > tokenLengthMax) return yield* failure("Unauthenticated")
        const payload = yield* payloadOf(token)
        const { aud, sub, exp } = payload
        const kind = (Object.keys(audiences) as Array<Identity["kind"]>).find((kind) => audiences[kind] === aud)
        if (kind === undefined || sub === undefined || exp === undefined) return yield* failure("Unauthenticated")
        const expiresAt = exp * 1000
        switch (kind) {
          case "system":
            return { kind, expiresAt }
          case "service":
            return { kind, name: sub, expiresAt }
          case "user": {
            const sessionId = textClaim(payload, "sid")
            if (sessionId === undefined || (yield* sessions.isRevoked(sessionId)))
              return yield* failure("Unauthenticated")
            const deviceId = textClaim(payload, "deviceId")
            const platform = textClaim(payload, "platform")
            return { kind, userId: sub as UserId, deviceId, platform, sessionId, expiresAt }
          }
        }
      })
    })
  })
)
