import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { layer, Settings } from "../../src/layers/settings/Settings.ts"

const load = (env: Record<string, string>) =>
  Settings.pipe(Effect.provide(layer), Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env))))

describe("the configuration", () => {
  it.effect("has the defaults of the protocol", () =>
    Effect.gen(function* () {
      const settings = yield* load({})
      assert.deepInclude(settings, { host: "127.0.0.1", port: 5555, dataDir: ".data", ackMode: "once" })
      assert.deepInclude(settings, { tokenTtlMillis: 7_200_000, refreshTtlMillis: 2_592_000_000 })
      assert.isFalse(settings.messages.requireFriendship)
      assert.deepInclude(settings, { frameBytesMax: 65_536, authRateLimit: { count: 20, windowMillis: 60_000 } })
      assert.deepInclude(settings.gateway, {
        loginPolicy: "perDevice",
        connectionsMax: 50_000,
        drainWindowMillis: 30_000
      })
      assert.deepInclude(settings.gateway.limits, {
        heartbeatIntervalMillis: 30_000,
        heartbeatGraceMillis: 5_000,
        idleTimeoutMillis: 300_000,
        maxLifetimeMillis: 86_400_000,
        rateLimit: { count: 50, windowMillis: 1_000 }
      })
    })
  )

  it.effect("reads durations, rates, lists and switches; 0 and off switch off", () =>
    Effect.gen(function* () {
      const settings = yield* load({
        CHAT_HEARTBEAT_INTERVAL: "0",
        CHAT_IDLE_TIMEOUT: "90 seconds",
        CHAT_MAX_LIFETIME: "12 hours",
        CHAT_RATE_LIMIT: "off",
        CHAT_AUTH_RATE_LIMIT: "100/hour",
        CHAT_REQUIRE_FRIENDSHIP: "true",
        CHAT_ALLOWED_ORIGINS: "https://a.example, https://b.example"
      })
      assert.deepInclude(settings.gateway.limits, {
        heartbeatIntervalMillis: 0,
        idleTimeoutMillis: 90_000,
        maxLifetimeMillis: 43_200_000,
        rateLimit: undefined
      })
      assert.deepStrictEqual(settings.authRateLimit, { count: 100, windowMillis: 3_600_000 })
      assert.isTrue(settings.messages.requireFriendship)
      assert.deepStrictEqual(settings.allowedOrigins, ["https://a.example", "https://b.example"])
    })
  )

  it.effect("tells of variables that look like settings and are none", () =>
    Effect.gen(function* () {
      const settings = yield* load({
        CHAT_PORT: "1",
        CHAT_RATELIMIT: "off",
        CHAT_PORT_NUMBER: "2",
        HOME: "/",
        CHATTER: "x"
      })
      assert.sameMembers([...settings.unknownNames], ["CHAT_RATELIMIT", "CHAT_PORT_NUMBER"])
      assert.deepStrictEqual((yield* load({})).unknownNames, [])
    })
  )

  it.effect("says of each bad value what was expected and what came, and never repeats a secret", () =>
    Effect.gen(function* () {
      const { problems } = yield* Effect.flip(
        load({
          CHAT_PORT: "70000",
          CHAT_ACK_MODE: "perhaps",
          CHAT_IDLE_TIMEOUT: "soon",
          CHAT_TOKEN_TTL: "0",
          CHAT_RATE_LIMIT: "50 a second",
          CHAT_REQUIRE_FRIENDSHIP: "yes",
          CHAT_DATABASE_URL: "mysql//name:word@host",
          CHAT_STORE: "mysql"
        })
      )
      assert.sameMembers(
        [...problems],
        [
          'CHAT_PORT: expected a whole number from 0 to 65535, got "70000"',
          'CHAT_ACK_MODE: expected none, once or rigor, got "perhaps"',
          'CHAT_IDLE_TIMEOUT: expected a duration such as "30 seconds", or 0 for none, got "soon"',
          'CHAT_TOKEN_TTL: expected a duration such as "30 seconds" of at least 1000 ms, got "0"',
          'CHAT_RATE_LIMIT: expected "off" or a rate such as "50/second", got "50 a second"',
          'CHAT_REQUIRE_FRIENDSHIP: expected true or false, got "yes"',
          "CHAT_DATABASE_URL: CHAT_STORE=mysql needs mysql://user:password@host:port/database"
        ]
      )
    })
  )

  it.effect("is refused as a whole: every problem by the name of its variable", () =>
    Effect.gen(function* () {
      const bad = {
        NODE_ENV: "production",
        CHAT_PORT: "65536",
        CHAT_STORE: "paper",
        CHAT_TRANSFER: "pigeon",
        CHAT_ACK_MODE: "perhaps",
        CHAT_LOGIN_POLICY: "many",
        CHAT_IDLE_TIMEOUT: "soon",
        CHAT_TOKEN_TTL: "0",
        CHAT_RATE_LIMIT: "50 a second",
        CHAT_MAX_CONNECTIONS: "0",
        CHAT_MAX_USER_CONNECTIONS: "0",
        CHAT_MAX_FRAME_BYTES: "many",
        CHAT_PHONE_REGION: "France",
        CHAT_TRUST_PROXY: "somewhere",
        CHAT_REQUIRE_FRIENDSHIP: "sometimes",
        CHAT_LOG_LEVEL: "loud"
      }
      const error = yield* Effect.flip(load(bad))
      const named = error.message.match(/CHAT_[A-Z_]+(?=:)/g)
      const { NODE_ENV: _, ...wrong } = bad
      assert.sameMembers([...new Set(named)], [...Object.keys(wrong), "CHAT_JWT_SECRET"])
    })
  )

  it.effect("reads where MySQL and Kafka are, and what a worker has to know", () =>
    Effect.gen(function* () {
      const infra = {
        CHAT_STORE: "mysql",
        CHAT_DATABASE_URL: "mysql://chat:secret@db.example:3307/chat",
        CHAT_TRANSFER: "kafka",
        CHAT_KAFKA_BROKERS: "one.example:9092, two.example:9092"
      }
      const all = yield* load(infra)
      assert.deepInclude(all, { role: "all", gatewayUrls: [], port: 5555, internalPort: 5556 })
      assert.deepInclude(all.store, { _tag: "Mysql", connectionsMax: 10 })
      assert.deepStrictEqual(all.transfer, {
        _tag: "Kafka",
        brokers: ["one.example:9092", "two.example:9092"],
        topic: "msgChatTransfer",
        group: "fiberchat",
        partitions: 8
      })
      const worker = yield* load({ ...infra, CHAT_ROLE: "worker" })
      assert.deepInclude(worker, {
        role: "worker",
        internalPort: 5557,
        gatewayUrls: ["http://127.0.0.1:5556"]
      })
      const gateways = "https://a.example,http://b.example:5556"
      assert.deepStrictEqual(
        (yield* load({ ...infra, CHAT_ROLE: "worker", CHAT_GATEWAYS: gateways })).gatewayUrls,
        gateways.split(",")
      )
    })
  )

  it.effect("is refused where MySQL, Kafka and roles do not fit together, without the password", () =>
    Effect.gen(function* () {
      const problemsOf = (env: Record<string, string>) =>
        Effect.map(Effect.flip(load(env)), ({ message }) => {
          assert.notInclude(message, "secret")
          return [...new Set(message.match(/CHAT_[A-Z_]+(?=:)/g))]
        })
      const mysql = { CHAT_STORE: "mysql", CHAT_DATABASE_URL: "mysql://chat:secret@db.example/chat" }
      const kafka = { CHAT_TRANSFER: "kafka", CHAT_KAFKA_BROKERS: "one.example:9092" }
      assert.deepStrictEqual(yield* problemsOf({ CHAT_STORE: "mysql" }), ["CHAT_DATABASE_URL"])
      const wrong = [
        "postgres://chat:secret@db.example/chat",
        "mysql://chat:secret@db.example",
        "mysql://chat:secret%@db.example/chat",
        "mysql://chat:secret@db.example/chat?ssl=1",
        "mysql://chat:secret@db.example/chat?sslmode=require",
        "secret"
      ]
      for (const url of wrong) {
        assert.deepStrictEqual(yield* problemsOf({ ...mysql, CHAT_DATABASE_URL: url }), ["CHAT_DATABASE_URL"])
      }
      assert.deepStrictEqual(yield* problemsOf({ CHAT_TRANSFER: "kafka" }), ["CHAT_KAFKA_BROKERS"])
      for (const brokers of ["one.example", "http://one.example:9092", "one.example:9092;two.example:9092"]) {
        assert.deepStrictEqual(yield* problemsOf({ ...kafka, CHAT_KAFKA_BROKERS: brokers }), ["CHAT_KAFKA_BROKERS"])
      }
      assert.deepStrictEqual(yield* problemsOf({ ...kafka, CHAT_KAFKA_TOPIC: "a topic" }), ["CHAT_KAFKA_TOPIC"])
      assert.deepStrictEqual(yield* problemsOf({ ...kafka, CHAT_KAFKA_GROUP: "ü" }), ["CHAT_KAFKA_GROUP"])
      assert.deepStrictEqual(yield* problemsOf({ ...kafka, CHAT_KAFKA_PARTITIONS: "0" }), ["CHAT_KAFKA_PARTITIONS"])
      for (const alone of [{}, mysql, kafka]) {
        assert.deepStrictEqual(yield* problemsOf({ ...alone, CHAT_ROLE: "worker" }), ["CHAT_ROLE"])
        assert.deepStrictEqual(yield* problemsOf({ ...alone, CHAT_ROLE: "gateway" }), ["CHAT_ROLE"])
      }
      assert.deepStrictEqual(yield* problemsOf({ CHAT_GATEWAYS: "ws://one.example:5555/ws" }), ["CHAT_GATEWAYS"])
    })
  )

  it.effect("wants secrets of 32 bytes, any number of them", () =>
    Effect.gen(function* () {
      const long = "0123456789abcdef0123456789abcdef"
      assert.strictEqual((yield* load({ CHAT_JWT_SECRET: `${long}, ${long}x` })).jwtSecrets?.length, 2)
      for (const secret of [`${long},short`, long.slice(1), ","]) {
        const error = yield* Effect.flip(load({ CHAT_JWT_SECRET: secret }))
        assert.match(error.message, /CHAT_JWT_SECRET/)
        assert.notInclude(error.message, long.slice(1))
      }
    })
  )
})
