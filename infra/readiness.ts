/** Whether the servers answer, asked with the clients that Fiberchat has. */
import { MysqlClient } from "@effect/sql-mysql2"
import { Effect, Redacted, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import { Kafka, logLevel } from "kafkajs"
import { databaseUrl, kafkaBroker, type ServerName } from "./addresses.ts"

const between = Schedule.spaced("250 millis")

const askMysql = Effect.asVoid(MysqlClient.make({ url: Redacted.make(databaseUrl.href), maxConnections: 1 })).pipe(
  Effect.scoped,
  Effect.provide(Reactivity.layer)
)

const askKafka = Effect.tryPromise(async () => {
  const client = new Kafka({
    brokers: [kafkaBroker],
    connectionTimeout: 2_000,
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 }
  })
  const admin = client.admin()
  try {
    await admin.connect()
    await admin.listTopics()
  } finally {
    await admin.disconnect()
  }
})

const asks: Readonly<Record<ServerName, Effect.Effect<void, { readonly cause?: unknown }>>> = {
  mysql: askMysql,
  kafka: askKafka
}

/** The client's message; errors of a refused connection may have a code and no text. */
const wordsOf = (error: { readonly cause?: unknown }): string => {
  const { code, message } = Object(Object(error.cause).cause ?? error.cause ?? error)
  return String(message || code || error)
}

/**
 * Asks until the server answers, the time is over or it is of no use any more: why it does not, or `undefined` when it
 * does.
 */
export const unreadiness = (
  name: ServerName,
  millis: number,
  isOfUse: () => boolean = () => true
): Promise<string | undefined> => {
  const end = performance.now() + millis
  return asks[name].pipe(
    Effect.retry({ while: () => performance.now() < end && isOfUse(), schedule: between }),
    Effect.match({ onSuccess: () => undefined, onFailure: wordsOf }),
    Effect.runPromise
  )
}
