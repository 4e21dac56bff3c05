/** A database and a topic of one's own on the servers, for a test, a benchmark or a fault run: removed after it. */
import { randomBytes } from "node:crypto"
import { MysqlClient } from "@effect/sql-mysql2"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { Kafka, logLevel } from "kafkajs"
import { databaseUrl, databaseUrlOf, infraEnv, kafkaBroker } from "./addresses.ts"

export interface Scratch {
  /** Settings with which Fiberchat runs on them. */
  readonly settings: Readonly<Record<string, string>>
  readonly database: string
  readonly topic: string
  readonly remove: () => Promise<void>
}

/** Runs statements one after the other, on the server's own database. */
const execute = (...statements: ReadonlyArray<string>): Promise<void> =>
  Effect.gen(function* () {
    const sql = yield* MysqlClient.make({ url: Redacted.make(databaseUrl.href), maxConnections: 1 })
    for (const statement of statements) yield* sql.unsafe(statement)
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer), Effect.runPromise)

const removeFromKafka = async (topic: string, group: string): Promise<void> => {
  const kafka = new Kafka({ brokers: [kafkaBroker], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  try {
    const own = (await admin.listTopics()).filter((name) => name === topic || name.startsWith(`${topic}.`))
    if (own.length > 0) await admin.deleteTopics({ topics: own })
    // A member that was killed is in it for a while.
    await admin.deleteGroups([group]).catch(() => {})
  } finally {
    await admin.disconnect()
  }
}

/** Makes an empty database; the topic is created by the server that uses it. */
export const makeScratch = async (purpose: string): Promise<Scratch> => {
  const name = `${purpose}_${randomBytes(6).toString("hex")}`
  const database = `${databaseUrl.pathname.slice(1)}_${name}`
  await execute(`CREATE DATABASE \`${database}\``)
  return {
    settings: {
      ...infraEnv,
      CHAT_DATABASE_URL: databaseUrlOf(database),
      CHAT_KAFKA_TOPIC: name,
      CHAT_KAFKA_GROUP: name,
      CHAT_KAFKA_PARTITIONS: "4"
    },
    database,
    topic: name,
    remove: async () => {
      await execute(`DROP DATABASE IF EXISTS \`${database}\``)
      await removeFromKafka(name, name)
    }
  }
}
