/** Every default of the configuration is what the table of docs/protocol.md, section 5, says. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Layer } from "effect"
import * as Settings from "../../src/layers/settings/Settings.ts"

const page = readFileSync(join(import.meta.dirname, "../../docs/protocol.md"), "utf8")

/** The default of each variable, as the table writes it: `—` for none. */
const documented = new Map(
  [...page.matchAll(/^\| (`CHAT_[^|]*) \| ([^|]*) \|/gm)].flatMap(([, names = "", defaults = ""]) => {
    const variables = names.match(/CHAT_[A-Z_]+/g) ?? []
    const values = variables.length === 1 ? [defaults] : defaults.split(" · ")
    return variables.map((variable, index) => [variable, (values[index] ?? "").trim()] as const)
  })
)

const load = Effect.map(Settings.Settings, (settings) => settings).pipe(
  Effect.provide(
    Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ CHAT_LOG_FORMAT: "json" }))))
  )
)

const millis = (value: number) => (text: string) =>
  assert.strictEqual(Duration.toMillis(Duration.fromInputUnsafe(text.replaceAll("`", "") as Duration.Input)), value)
const text = (value: unknown) => (said: string) => assert.strictEqual(said.split(",")[0], `\`${value}\``)
const none = (value: unknown) => (said: string) => {
  assert.isTrue(value === undefined || (Array.isArray(value) && value.length === 0))
  assert.match(said, /^(—|same origin|generated|a worker's)/)
}
const rate = (value: { readonly count: number; readonly windowMillis: number } | undefined) => (said: string) => {
  const [count, unit] = said.replaceAll("`", "").split("/")
  assert.deepStrictEqual(value, { count: Number(count), windowMillis: unit === "second" ? 1_000 : 60_000 })
}

describe("the defaults of the configuration", () => {
  it.effect("are those of the protocol's table, each of them", () =>
    Effect.gen(function* () {
      const settings = yield* load
      const { gateway, messages, ackLimits } = settings
      const checks: Record<string, (said: string) => void> = {
        CHAT_HOST: text(settings.host),
        CHAT_PORT: text(settings.port),
        CHAT_INTERNAL_HOST: text(settings.internalHost),
        CHAT_INTERNAL_PORT: text(settings.internalPort),
        CHAT_STORE: text(settings.store._tag.toLowerCase()),
        CHAT_DATA_DIR: text(settings.dataDir),
        CHAT_TRANSFER: text(settings.transfer._tag.toLowerCase()),
        CHAT_ROLE: text(settings.role),
        CHAT_GATEWAYS: none(settings.gatewayUrls),
        CHAT_JWT_SECRET: none(settings.jwtSecrets),
        CHAT_JWT_ISSUER: text(settings.jwtIssuer),
        CHAT_JWT_AUDIENCE: text(settings.jwtAudience),
        CHAT_TOKEN_TTL: millis(settings.tokenTtlMillis),
        CHAT_REFRESH_TTL: millis(settings.refreshTtlMillis),
        CHAT_ACK_MODE: text(settings.ackMode),
        CHAT_ACK_TIMEOUT: millis(ackLimits.ackTimeoutMillis),
        CHAT_ACK_RETRY: millis(ackLimits.ackRetryMillis),
        CHAT_PUSH_RETRY: millis(ackLimits.pushRetryMillis),
        CHAT_PUSH_RETRY_COUNT: text(ackLimits.pushRetryCount),
        CHAT_HEARTBEAT_INTERVAL: millis(gateway.limits.heartbeatIntervalMillis),
        CHAT_IDLE_TIMEOUT: millis(gateway.limits.idleTimeoutMillis),
        CHAT_MAX_LIFETIME: millis(gateway.limits.maxLifetimeMillis),
        CHAT_LOGIN_POLICY: text(gateway.loginPolicy),
        CHAT_ALLOWED_ORIGINS: none(settings.allowedOrigins),
        CHAT_MAX_CONNECTIONS: text(gateway.connectionsMax),
        CHAT_MAX_USER_CONNECTIONS: text(gateway.userConnectionsMax),
        CHAT_MAX_NETWORK_CONNECTIONS: text(gateway.networkConnectionsMax),
        CHAT_MAX_FRAME_BYTES: text(settings.frameBytesMax),
        CHAT_RATE_LIMIT: rate(gateway.limits.rateLimit),
        CHAT_USER_RATE_LIMIT: rate(gateway.userRateLimit),
        CHAT_NETWORK_RATE_LIMIT: rate(gateway.networkRateLimit),
        CHAT_AUTH_RATE_LIMIT: rate(settings.authRateLimit),
        CHAT_FIND_RATE_LIMIT: rate(settings.findRateLimit),
        CHAT_DRAIN_WINDOW: millis(gateway.drainWindowMillis),
        CHAT_TRUST_PROXY: none(settings.trustedProxies),
        CHAT_PHONE_REGION: none(settings.phoneRegion),
        CHAT_RECALL_WINDOW: millis(messages.windows.recallMillis),
        CHAT_EDIT_WINDOW: millis(messages.windows.editMillis),
        CHAT_GROUP_HISTORY: text(messages.groupHistory),
        CHAT_REQUIRE_FRIENDSHIP: text(messages.requireFriendship),
        CHAT_LOG_LEVEL: text(settings.logLevel)
      }
      /** Read only with MySQL and Kafka, or from the terminal: test/unit/settings.test.ts has them. */
      const elsewhere = [
        "CHAT_DATABASE_URL",
        "CHAT_DATABASE_CONNECTIONS",
        "CHAT_KAFKA_BROKERS",
        "CHAT_KAFKA_TOPIC",
        "CHAT_KAFKA_GROUP",
        "CHAT_KAFKA_PARTITIONS",
        "CHAT_LOG_FORMAT"
      ]
      assert.sameMembers([...documented.keys()], [...Object.keys(checks), ...elsewhere])
      for (const [variable, check] of Object.entries(checks)) {
        try {
          check(documented.get(variable) ?? "")
        } catch (error) {
          throw new Error(`${variable}: the page says ${documented.get(variable)}`, { cause: error })
        }
      }
    })
  )
})
