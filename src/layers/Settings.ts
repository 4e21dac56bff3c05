/** The configuration (protocol.md section 5): read once at start, checked as a whole. */
import { Config, Context, Data, Duration, Effect, Layer, Option, Redacted, Result } from "effect"
import { IpNetwork } from "effect/net"
import { isSupportedCountry } from "libphonenumber-js/max"
import { type AckLimits, type AckMode, ackModes, fixedAckLimits } from "../domain/AckService.ts"
import { fixedLimits } from "../domain/ConnectionLimits.ts"
import { GatewayPolicy } from "../domain/GatewayPolicy.ts"

export interface Settings {
  readonly host: string
  readonly port: number
  readonly dataDir: string
  /** The first signs, all verify. `undefined`: generate one into the data directory. */
  readonly jwtSecrets: ReadonlyArray<Redacted.Redacted> | undefined
  readonly jwtIssuer: string
  readonly jwtAudience: string
  readonly tokenTtlMillis: number
  readonly refreshTtlMillis: number
  readonly ackMode: AckMode
  readonly ackLimits: AckLimits
  readonly gateway: GatewayPolicy["Service"]
  readonly allowedOrigins: ReadonlyArray<string>
  readonly frameBytesMax: number
  readonly authRateLimit: RateLimit | undefined
  /** Networks whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  readonly phoneRegion: string | undefined
  readonly logFormat: "pretty" | "json"
  readonly logLevel: LogLevelName
}

/** So many operations per window. */
export interface RateLimit {
  readonly count: number
  readonly windowMillis: number
}

export const Settings = Context.Service<Settings>("fiberchat/layers/Settings")

/** Everything that is wrong with the configuration, a line per variable. */
export class BadConfiguration extends Data.TaggedError("BadConfiguration")<{
  readonly problems: ReadonlyArray<string>
}> {
  override get message(): string {
    return ["The configuration has problems:", ...this.problems.map((problem) => `  ${problem}`)].join("\n")
  }
}

const logLevels = ["trace", "debug", "info", "warn", "error"] as const
type LogLevelName = (typeof logLevels)[number]

/** Collects every problem instead of stopping at the first. */
const reader = () => {
  const problems: Array<string> = []
  const read = <A>(name: string, config: Config.Config<A>, fallback: A) =>
    Effect.map(Effect.result(Config.option(config)), (result) => {
      if (result._tag === "Success") return Option.getOrElse(result.success, () => fallback)
      problems.push(`${name}: ${result.failure.message.replace(/\s*\n\s*/g, " ")}`)
      return fallback
    })
  const refuse = (name: string, problem: string) => problems.push(`${name}: ${problem}`)
  return { problems, read, refuse }
}

const unitMillis: Record<string, number> = { second: 1_000, minute: 60_000, hour: 3_600_000 }

const parseRate = (text: string): RateLimit | undefined => {
  const match = /^([1-9][0-9]{0,6})\/(second|minute|hour)$/.exec(text)
  return match === null ? undefined : { count: Number(match[1]), windowMillis: unitMillis[match[2] ?? ""] ?? 0 }
}

/** `0` needs no unit: it switches a clock off. */
const durationOrZero = (name: string) =>
  Config.orElse(
    Config.map(Config.Literal("0", name), () => Duration.zero),
    () => Config.Duration(name)
  )

const list = (text: string): ReadonlyArray<string> => text.split(",").flatMap((item) => item.trim() || [])

const load = Effect.gen(function* () {
  const { problems, read, refuse } = reader()
  const text = (name: string, fallback: string) => read(name, Config.NonEmptyString(name), fallback)
  const items = (name: string) => read(name, Config.map(Config.NonEmptyString(name), list), [])
  const oneOf = <const A extends ReadonlyArray<string>>(name: string, values: A, fallback: A[number]) =>
    read<A[number]>(name, Config.Literals(values, name), fallback)
  const between = (name: string, minimum: number, maximum: number, fallback: number) =>
    Effect.map(read(name, Config.Int(name), fallback), (value) => {
      if (value < minimum || value > maximum) refuse(name, `expected ${minimum} to ${maximum}, got ${value}`)
      return value
    })
  const millis = (name: string, fallback: Duration.Input, minimum: number) =>
    Effect.map(read(name, durationOrZero(name), Duration.fromInputUnsafe(fallback)), (duration) => {
      const value = Duration.toMillis(duration)
      if (!Number.isFinite(value) || value < minimum) refuse(name, `expected at least ${minimum} milliseconds`)
      return value
    })
  const rate = (name: string, fallback: string) =>
    Effect.map(text(name, fallback), (value) => {
      if (value === "off") return undefined
      const limit = parseRate(value)
      if (limit === undefined) refuse(name, `expected "off" or a rate such as "50/second", got "${value}"`)
      return limit
    })

  const production = (yield* text("NODE_ENV", "development")) === "production"
  const secrets = yield* read(
    "CHAT_JWT_SECRET",
    Config.map(Config.Redacted("CHAT_JWT_SECRET"), Option.some),
    Option.none()
  )
  const jwtSecrets = Option.getOrUndefined(
    Option.map(secrets, (value) => list(Redacted.value(value)).map((secret) => Redacted.make(secret)))
  )
  if (jwtSecrets === undefined && production) refuse("CHAT_JWT_SECRET", "required when NODE_ENV=production")
  if (jwtSecrets?.length === 0) refuse("CHAT_JWT_SECRET", "expected at least one secret")
  if (jwtSecrets?.some((secret) => new TextEncoder().encode(Redacted.value(secret)).length < 32)) {
    refuse("CHAT_JWT_SECRET", "each secret needs at least 32 bytes")
  }
  yield* oneOf("CHAT_STORE", ["sqlite"], "sqlite")
  yield* oneOf("CHAT_TRANSFER", ["embedded"], "embedded")
  const region = yield* text("CHAT_PHONE_REGION", "none")
  if (region !== "none" && !isSupportedCountry(region)) {
    refuse("CHAT_PHONE_REGION", `expected a region of ISO 3166 such as FR, got "${region}"`)
  }

  const settings: Settings = {
    host: yield* text("CHAT_HOST", "127.0.0.1"),
    port: yield* between("CHAT_PORT", 0, 65_535, 5555),
    dataDir: yield* text("CHAT_DATA_DIR", ".data"),
    jwtSecrets,
    jwtIssuer: yield* text("CHAT_JWT_ISSUER", "fiberchat"),
    jwtAudience: yield* text("CHAT_JWT_AUDIENCE", "fiberchat"),
    tokenTtlMillis: yield* millis("CHAT_TOKEN_TTL", "2 hours", 1_000),
    refreshTtlMillis: yield* millis("CHAT_REFRESH_TTL", "30 days", 1_000),
    ackMode: yield* oneOf("CHAT_ACK_MODE", ackModes, "once"),
    ackLimits: {
      ...fixedAckLimits,
      ackTimeoutMillis: yield* millis("CHAT_ACK_TIMEOUT", "30 seconds", 1),
      ackRetryMillis: yield* millis("CHAT_ACK_RETRY", "1 second", 1),
      pushRetryMillis: yield* millis("CHAT_PUSH_RETRY", "2 seconds", 1),
      pushRetryCount: yield* between("CHAT_PUSH_RETRY_COUNT", 0, 20, 5)
    },
    gateway: {
      limits: {
        ...fixedLimits,
        heartbeatIntervalMillis: yield* millis("CHAT_HEARTBEAT_INTERVAL", "30 seconds", 0),
        idleTimeoutMillis: yield* millis("CHAT_IDLE_TIMEOUT", "5 minutes", 0),
        maxLifetimeMillis: yield* millis("CHAT_MAX_LIFETIME", "24 hours", 0),
        rateLimit: yield* rate("CHAT_RATE_LIMIT", "50/second")
      },
      loginPolicy: yield* oneOf("CHAT_LOGIN_POLICY", ["single", "perPlatform", "perDevice", "multi"], "perDevice"),
      connectionsMax: yield* between("CHAT_MAX_CONNECTIONS", 1, 1_000_000, 50_000),
      userConnectionsMax: yield* between("CHAT_MAX_USER_CONNECTIONS", 1, 1_000_000, 100),
      drainWindowMillis: yield* millis("CHAT_DRAIN_WINDOW", "30 seconds", 0)
    },
    allowedOrigins: yield* items("CHAT_ALLOWED_ORIGINS"),
    frameBytesMax: yield* between("CHAT_MAX_FRAME_BYTES", 1_024, 16 * 1024 * 1024, 65_536),
    authRateLimit: yield* rate("CHAT_AUTH_RATE_LIMIT", "20/minute"),
    trustedProxies: (yield* items("CHAT_TRUST_PROXY")).flatMap((item) => {
      const network = IpNetwork.fromString(item)
      if (Result.isSuccess(network)) return network.success
      refuse("CHAT_TRUST_PROXY", `expected networks such as 10.0.0.0/8, got "${item}"`)
      return []
    }),
    phoneRegion: region === "none" ? undefined : region,
    logFormat: yield* oneOf("CHAT_LOG_FORMAT", ["pretty", "json"], process.stdout.isTTY ? "pretty" : "json"),
    logLevel: yield* oneOf("CHAT_LOG_LEVEL", logLevels, "info")
  }
  if (problems.length > 0) return yield* new BadConfiguration({ problems })
  return settings
})

/** Settings from the environment, and the part of them that the actors need. Fails with every problem at once. */
export const layer = Layer.effect(
  GatewayPolicy,
  Effect.map(Settings, (settings) => GatewayPolicy.of(settings.gateway))
).pipe(Layer.provideMerge(Layer.effect(Settings, load)))
