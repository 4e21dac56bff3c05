/** Connections to Kafka: clients whose words go to our log, the topics, and producers that end with their scope. */
import { Data, Effect, Option, type Scope } from "effect"
import {
  type ConfigResourceTypes,
  type Consumer,
  Kafka,
  type LogEntry,
  logLevel,
  type Producer,
  type RetryOptions
} from "kafkajs"
import type { KafkaSettings } from "../settings/Settings.ts"

/** A failure of Kafka or of the connection to it. `cause` is the error of kafkajs. */
export class KafkaProblem extends Data.TaggedError("KafkaProblem")<{ readonly cause: unknown }> {
  override get message(): string {
    return this.cause instanceof Error ? this.cause.message : String(this.cause)
  }

  /** Kafka's own name of the error, where the broker has answered with one. */
  get type(): string | undefined {
    return (this.cause as { readonly type?: string } | undefined)?.type
  }
}

/** The broker takes no record, or no request, of this size. */
export const isTooLarge = ({ type }: KafkaProblem): boolean =>
  type === "MESSAGE_TOO_LARGE" || type === "RECORD_LIST_TOO_LARGE"

/** Runs a promise of kafkajs. It cannot be interrupted: the client's own time limits end it. */
export const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, KafkaProblem> =>
  Effect.tryPromise({ try: run, catch: (cause) => new KafkaProblem({ cause }) })

/** A broker's default limit of a record batch, in bytes. */
const recordBytesUsual = 1024 * 1024

/** Where records go that cannot be stored, with the reason in a header. */
export const deadLetterTopic = (topic: string): string => `${topic}.dead-letters`

/** Retries inside kafkajs before a call fails; then the caller begins again with a new client. */
const retry = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 }
/**
 * Retries of a consumer, for about half a minute: a new client is a new member of the group, and has to wait until the old
 * member has timed out. A short absence of the broker must not lead to that.
 */
const consumerRetry = { ...retry, retries: 30 }

const makeClient = ({ brokers }: KafkaSettings, retry: RetryOptions): Effect.Effect<Kafka> =>
  Effect.map(Effect.context<never>(), (context) => {
    // Failures that matter are returned as problems, and logged by the caller.
    const log = ({ namespace, log: { message } }: LogEntry) =>
      Effect.runForkWith(context)(Effect.logDebug(`kafkajs ${namespace}: ${message}`))
    return new Kafka({
      clientId: "fiberchat",
      brokers: [...brokers],
      connectionTimeout: 3_000,
      requestTimeout: 10_000,
      retry,
      logLevel: logLevel.WARN,
      logCreator: () => log
    })
  })

/** A client for producers and administration. Makes no connection yet. */
export const makeKafka = (settings: KafkaSettings): Effect.Effect<Kafka> => makeClient(settings, retry)

/** `ConfigResourceTypes.TOPIC`, which kafkajs exports for CommonJS only. */
const topicResource: ConfigResourceTypes.TOPIC = 2

/** Bytes of a record batch without its records. */
const batchOverhead = 128

/** By default a broker refuses records of a client whose clock is an hour ahead. */
const brokersTime = [{ name: "message.timestamp.type", value: "LogAppendTime" }]

/**
 * Creates our topics where they are missing, with the broker's default number of replicas. Answers how many bytes of
 * records the topic takes in one batch.
 */
export const ensureTopics = (kafka: Kafka, { topic, partitions }: KafkaSettings): Effect.Effect<number, KafkaProblem> =>
  Effect.scoped(
    Effect.gen(function* () {
      const admin = yield* Effect.acquireRelease(
        Effect.sync(() => kafka.admin()),
        (admin) => Effect.ignore(attempt(() => admin.disconnect()))
      )
      yield* attempt(() => admin.connect())
      const wanted = [
        { topic, numPartitions: partitions, configEntries: brokersTime },
        { topic: deadLetterTopic(topic), numPartitions: 1, configEntries: brokersTime }
      ]
      const existing = new Set(yield* attempt(() => admin.listTopics()))
      const topics = wanted.filter(({ topic }) => !existing.has(topic))
      // Another process may create them at the same moment.
      if (topics.length > 0) yield* attempt(() => admin.createTopics({ topics, waitForLeaders: true }))
      const configNames = ["max.message.bytes"]
      const resources = [{ type: topicResource, name: topic, configNames }]
      // Needs a right that the user of the broker may lack.
      const described = yield* Effect.option(
        attempt(() => admin.describeConfigs({ resources, includeSynonyms: false }))
      )
      const bytesMax = Number(Option.getOrUndefined(described)?.resources[0]?.configEntries[0]?.configValue)
      return (Number.isInteger(bytesMax) ? bytesMax : recordBytesUsual) - batchOverhead
    })
  )

/** A producer that is connected. Records are at the broker, each once, when `send` returns. */
export const connectedProducer = (kafka: Kafka): Effect.Effect<Producer, KafkaProblem, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false, retry })
    ),
    (producer) => Effect.ignore(attempt(() => producer.disconnect()))
  ).pipe(Effect.tap((producer) => attempt(() => producer.connect())))

/** A member of the group that is connected, and leaves it in the end. */
export const connectedConsumer = (settings: KafkaSettings): Effect.Effect<Consumer, KafkaProblem, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.map(makeClient(settings, consumerRetry), (kafka) =>
      kafka.consumer({
        groupId: settings.group,
        allowAutoTopicCreation: false,
        // The smallest that a broker accepts: the partitions of a worker that died are unassigned for this time.
        sessionTimeout: 6_000,
        heartbeatInterval: 1_000,
        // A fetch returns as soon as there is a record; an idle one delays the end by this time.
        maxWaitTimeInMs: 500,
        // The caller restarts the consumer: one place decides.
        retry: { ...consumerRetry, restartOnFailure: () => Promise.resolve(false) }
      })
    ),
    (consumer) =>
      Effect.ignore(
        Effect.timeout(
          attempt(() => consumer.disconnect()),
          "10 seconds"
        )
      )
  ).pipe(Effect.tap((consumer) => attempt(() => consumer.connect())))
