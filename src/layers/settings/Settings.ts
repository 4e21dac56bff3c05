/** The configuration (protocol.md section 5): read once at start, checked as a whole. */
import { Context, Data, Effect, Layer, Redacted, Result } from "effect"
import { IpNetwork } from "effect/net"
import { isSupportedCountry } from "libphonenumber-js/max"
import { type AckLimits, fixedAckLimits } from "../../domain/connection/AckService.ts"
import { fixedLimits } from "../../domain/connection/ConnectionLimits.ts"
import { GatewayPolicy } from "../../domain/connection/GatewayPolicy.ts"
import { MessagePolicy } from "../../domain/messages/MessagePolicy.ts"
import { type AckMode, ackModes } from "../../domain/protocol/AckMode.ts"
import { type FieldReader, fieldReader, list, type RateLimit, unknownNames } from "./SettingsReader.ts"

export interface Settings {
  /** Where clients connect. */
  readonly host: string
  readonly port: number
  /** Where other nodes, services and monitoring connect. */
  readonly internalHost: string
  readonly internalPort: number
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
  readonly messages: MessagePolicy["Service"]
  readonly allowedOrigins: ReadonlyArray<string>
  /** Variables that are set and begin with `CHAT_`, but are no settings. */
  readonly unknownNames: ReadonlyArray<string>
  readonly frameBytesMax: number
  readonly authRateLimit: RateLimit | undefined
  readonly findRateLimit: RateLimit | undefined
  /** Networks whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  readonly phoneRegion: string | undefined
  readonly role: Role
  readonly store: { readonly _tag: "Sqlite" } | MysqlSettings
  readonly transfer: { readonly _tag: "Embedded" } | KafkaSettings
  /** The internal addresses of the gateways, `http://host:port`. None for a process that has all connections itself. */
  readonly gatewayUrls: ReadonlyArray<string>
  readonly logFormat: "pretty" | "json"
  readonly logLevel: LogLevelName
}

/** The work of a process: it keeps connections (`gateway`), stores their messages (`worker`), or both (`all`). */
export type Role = (typeof roles)[number]
const roles = ["all", "gateway", "worker"] as const

export interface MysqlSettings {
  readonly _tag: "Mysql"
  /** `mysql://user:password@host:port/database`; `?ssl=true` encrypts, and checks the host's name. */
  readonly url: Redacted.Redacted
  readonly connectionsMax: number
}

export interface KafkaSettings {
  readonly _tag: "Kafka"
  /** `host:port` of the brokers to begin with. */
  readonly brokers: ReadonlyArray<string>
  readonly topic: string
  readonly group: string
  /** How many the topic gets when it is created. */
  readonly partitions: number
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

const storeOf = Effect.fnUntraced(function* ({
  oneOf,
  secret,
  refuse,
  between
}: FieldReader): Effect.fn.Return<Settings["store"]> {
  const kind = yield* oneOf("CHAT_STORE", ["sqlite", "mysql"], "sqlite")
  const url = (yield* secret("CHAT_DATABASE_URL")) ?? Redacted.make("")
  const connectionsMax = yield* between("CHAT_DATABASE_CONNECTIONS", 2, 1_000, 10)
  if (kind === "sqlite") return { _tag: "Sqlite" }
  const parsed = URL.parse(Redacted.value(url))
  // Not repeated in the message: it has a password in it.
  if (parsed?.protocol !== "mysql:" || parsed.pathname.length < 2 || parsed.hostname === "") {
    refuse("CHAT_DATABASE_URL", "CHAT_STORE=mysql needs mysql://user:password@host:port/database")
  } else {
    if ([parsed.username, parsed.password, parsed.pathname].some((part) => /%(?![0-9a-f]{2})/i.test(part))) {
      refuse("CHAT_DATABASE_URL", "a % in name, password or database is written %25")
    }
    for (const [name, value] of parsed.searchParams) {
      if (name !== "ssl" || !/^(true|false)$/.test(value))
        refuse("CHAT_DATABASE_URL", "knows ?ssl=true and no other option")
    }
  }
  return { _tag: "Mysql", url, connectionsMax }
})

/** The names of topics and groups that Kafka accepts. */
const kafkaName = /^[a-zA-Z0-9._-]{1,200}$/

const transferOf = Effect.fnUntraced(function* ({
  oneOf,
  items,
  text,
  refuse,
  between
}: FieldReader): Effect.fn.Return<Settings["transfer"]> {
  const kind = yield* oneOf("CHAT_TRANSFER", ["embedded", "kafka"], "embedded")
  const brokers = yield* items("CHAT_KAFKA_BROKERS", [])
  const topic = yield* text("CHAT_KAFKA_TOPIC", "msgChatTransfer")
  const group = yield* text("CHAT_KAFKA_GROUP", "fiberchat")
  const partitions = yield* between("CHAT_KAFKA_PARTITIONS", 1, 1_000, 8)
  if (kind === "embedded") return { _tag: "Embedded" }
  if (brokers.length === 0 || brokers.some((broker) => !/^[^\s:/]+:[0-9]{1,5}$/.test(broker))) {
    refuse("CHAT_KAFKA_BROKERS", "CHAT_TRANSFER=kafka needs host:port, or several of them separated by commas")
  }
  for (const [name, value] of Object.entries({ CHAT_KAFKA_TOPIC: topic, CHAT_KAFKA_GROUP: group })) {
    if (!kafkaName.test(value)) refuse(name, `expected letters, digits, ".", "_" and "-", got "${value}"`)
  }
  return { _tag: "Kafka", brokers, topic, group, partitions }
})

/** The default ports: a gateway and a worker may run on one machine. */
const publicPort = 5555
const gatewayInternalPort = 5556
const workerInternalPort = 5557

const load = Effect.gen(function* () {
  const fields = fieldReader()
  const { problems, refuse, secret, text, items, oneOf, flag, between, millis, rate } = fields
  const production = (yield* text("NODE_ENV", "development")) === "production"
  const secrets = yield* secret("CHAT_JWT_SECRET")
  const jwtSecrets = secrets && list(Redacted.value(secrets)).map((each) => Redacted.make(each))
  if (jwtSecrets === undefined && production) refuse("CHAT_JWT_SECRET", "required when NODE_ENV=production")
  if (jwtSecrets?.length === 0) refuse("CHAT_JWT_SECRET", "expected at least one secret")
  if (jwtSecrets?.some((secret) => new TextEncoder().encode(Redacted.value(secret)).length < 32)) {
    refuse("CHAT_JWT_SECRET", "each secret needs at least 32 bytes")
  }
  const store = yield* storeOf(fields)
  const transfer = yield* transferOf(fields)
  const role = yield* oneOf("CHAT_ROLE", roles, "all")
  if (role !== "all" && (store._tag === "Sqlite" || transfer._tag === "Embedded")) {
    refuse("CHAT_ROLE", `${role} needs CHAT_STORE=mysql and CHAT_TRANSFER=kafka`)
  }
  const defaultGateways = role === "worker" ? [`http://127.0.0.1:${gatewayInternalPort}`] : []
  const gatewayUrls = (yield* items("CHAT_GATEWAYS", defaultGateways)).map((url) => url.replace(/\/$/, ""))
  for (const url of gatewayUrls) {
    if (/^https?:\/\/[^/]+$/.test(url) && URL.canParse(url)) continue
    refuse("CHAT_GATEWAYS", `expected the internal address http://host:port of a gateway, got "${url}"`)
  }
  const region = yield* text("CHAT_PHONE_REGION", "none")
  if (region !== "none" && !isSupportedCountry(region)) {
    refuse("CHAT_PHONE_REGION", `expected a region of ISO 3166 such as FR, got "${region}"`)
  }

  const rateLimit = yield* rate("CHAT_RATE_LIMIT", "50/second")
  /** Budgets of several connections together are off where those of each are, unless they are set. */
  const sharedRate = (fallback: string) => (rateLimit === undefined ? "off" : fallback)

  const settings: Omit<Settings, "unknownNames"> = {
    host: yield* text("CHAT_HOST", "127.0.0.1"),
    port: yield* between("CHAT_PORT", 0, 65_535, publicPort),
    internalHost: yield* text("CHAT_INTERNAL_HOST", "127.0.0.1"),
    internalPort: yield* between(
      "CHAT_INTERNAL_PORT",
      0,
      65_535,
      role === "worker" ? workerInternalPort : gatewayInternalPort
    ),
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
        rateLimit
      },
      userRateLimit: yield* rate("CHAT_USER_RATE_LIMIT", sharedRate("200/second")),
      networkRateLimit: yield* rate("CHAT_NETWORK_RATE_LIMIT", sharedRate("2000/second")),
      loginPolicy: yield* oneOf("CHAT_LOGIN_POLICY", ["single", "perPlatform", "perDevice", "multi"], "perDevice"),
      connectionsMax: yield* between("CHAT_MAX_CONNECTIONS", 1, 1_000_000, 50_000),
      userConnectionsMax: yield* between("CHAT_MAX_USER_CONNECTIONS", 1, 1_000_000, 100),
      networkConnectionsMax: yield* between("CHAT_MAX_NETWORK_CONNECTIONS", 1, 1_000_000, 5_000),
      drainWindowMillis: yield* millis("CHAT_DRAIN_WINDOW", "30 seconds", 0)
    },
    messages: {
      windows: {
        recallMillis: yield* millis("CHAT_RECALL_WINDOW", "2 minutes", 0),
        editMillis: yield* millis("CHAT_EDIT_WINDOW", "15 minutes", 0)
      },
      requireFriendship: yield* flag("CHAT_REQUIRE_FRIENDSHIP", false),
      groupHistory: yield* oneOf("CHAT_GROUP_HISTORY", ["joined", "all"], "joined")
    },
    allowedOrigins: yield* items("CHAT_ALLOWED_ORIGINS", []),
    frameBytesMax: yield* between("CHAT_MAX_FRAME_BYTES", 1_024, 16 * 1024 * 1024, 65_536),
    authRateLimit: yield* rate("CHAT_AUTH_RATE_LIMIT", "20/minute"),
    findRateLimit: yield* rate("CHAT_FIND_RATE_LIMIT", "200/minute"),
    trustedProxies: (yield* items("CHAT_TRUST_PROXY", [])).flatMap((item) => {
      const network = IpNetwork.fromString(item)
      if (Result.isSuccess(network)) return network.success
      refuse("CHAT_TRUST_PROXY", `expected networks such as 10.0.0.0/8, got "${item}"`)
      return []
    }),
    phoneRegion: region === "none" ? undefined : region,
    role,
    store,
    transfer,
    gatewayUrls,
    logFormat: yield* oneOf("CHAT_LOG_FORMAT", ["pretty", "json"], process.stdout.isTTY ? "pretty" : "json"),
    logLevel: yield* oneOf("CHAT_LOG_LEVEL", logLevels, "info")
  }
  if (problems.length > 0) return yield* new BadConfiguration({ problems })
  return { ...settings, unknownNames: yield* unknownNames(fields.known) }
})

/** Settings from the environment, and the policies that are part of them. Fails with every problem at once. */
export const layer = Layer.merge(
  Layer.effect(
    GatewayPolicy,
    Effect.map(Settings, (settings) => GatewayPolicy.of(settings.gateway))
  ),
  Layer.effect(
    MessagePolicy,
    Effect.map(Settings, (settings) => MessagePolicy.of(settings.messages))
  )
).pipe(Layer.provideMerge(Layer.effect(Settings, load)))
