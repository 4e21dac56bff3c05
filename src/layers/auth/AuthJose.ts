/** {@link Auth} on jose: HS256 with pinned algorithm, issuer and audience, and a list of secrets for rotation. */
import { randomBytes, webcrypto } from "node:crypto"
import { existsSync } from "node:fs"
import { link, mkdir, open, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Effect, Layer, Redacted, Schema } from "effect"
import { type JWTPayload, jwtVerify, SignJWT } from "jose"
import { Auth, type Identity, Sessions } from "../../domain/accounts/Auth.ts"
import { type AnyFailure, failure } from "../../domain/shared/Failure.ts"
import { Ids, rootUserId, UserId } from "../../domain/shared/Ids.ts"
import { Settings } from "../settings/Settings.ts"

const algorithm = "HS256"
const kinds: ReadonlyArray<Identity["kind"]> = ["user", "service", "system"]
/** Other nodes make a token for each call; services use one for many calls, and take a new one in time. */
const internalTtlSeconds = 300
/** Longer texts are no tokens of ours; checked before any work is done on them. */
const tokenLengthMax = 4_096

const importSecret = (secret: string) =>
  Effect.promise(() =>
    webcrypto.subtle.importKey("raw", Buffer.from(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"])
  )

/** The claims of every token; times in seconds. */
const Claims = Schema.Struct({ aud: Schema.String, sub: Schema.String, exp: Schema.Finite })
/** Those of a user's token besides. */
const UserClaims = Schema.Struct({
  sub: UserId,
  sid: Schema.String,
  deviceId: Schema.optionalKey(Schema.String),
  platform: Schema.optionalKey(Schema.String)
})

const decodeClaims = Schema.decodeUnknownEffect(Claims)
const decodeUserClaims = Schema.decodeUnknownEffect(UserClaims)
/** A token that is not accepted, and why. */
const unauthenticated = (cause: unknown) => Effect.fail(failure("Unauthenticated", { cause }))

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

/** For operators: clients are not told why. */
const logRefusal = <A, E extends AnyFailure>(verified: Effect.Effect<A, E>) =>
  Effect.tapError(verified, ({ _tag, cause }) =>
    _tag === "Unauthenticated" ? Effect.logDebug("a token was refused", cause) : Effect.void
  )

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

    const audiences: { readonly [Kind in Identity["kind"]]: string } = {
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
      })

    return Auth.of({
      issueUser: Effect.fn("Auth.issueUser")(function* ({ userId, sessionId, deviceId, platform }) {
        const expire = nowSeconds() + Math.round(settings.tokenTtlMillis / 1000)
        return { token: yield* sign("user", userId, expire, { sid: sessionId, deviceId, platform }), expire }
      }),

      issueInternal: (kind, name = rootUserId) => sign(kind, name, nowSeconds() + internalTtlSeconds, {}),

      verify: Effect.fn("Auth.verify")(function* (token) {
        if (token.length > tokenLengthMax) return yield* unauthenticated("it is too long")
        const payload = yield* payloadOf(token)
        const { aud, sub, exp } = yield* Effect.catch(decodeClaims(payload), unauthenticated)
        const kind = kinds.find((kind) => audiences[kind] === aud)
        if (kind === undefined) return yield* unauthenticated("it is for another audience")
        const expiresAt = exp * 1000
        switch (kind) {
          case "system":
            return { kind, expiresAt }
          case "service":
            return { kind, name: sub, expiresAt }
          case "user": {
            const claims = yield* Effect.catch(decodeUserClaims(payload), unauthenticated)
            const { sub: userId, sid: sessionId, deviceId, platform } = claims
            if (yield* sessions.isRevoked(sessionId)) return yield* unauthenticated("its login is revoked")
            return { kind, userId, deviceId, platform, sessionId, expiresAt }
          }
        }
      }, logRefusal)
    })
  })
)
