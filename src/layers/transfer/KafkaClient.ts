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

/** Something that Kafka, or the way to it, does not let us do now. `cause` is what kafkajs has thrown. */
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

/** What a broker takes unless it is told otherwise, in bytes. */
const recordBytesUsual = 1024 * 1024

/** Where records go that cannot be stored, with the reason in a header. */
export const deadLetterTopic = (topic: string): string => `${topic}.dead-letters`

/** How often a client tries by itself before it says so; whoever called begins anew. */
const retry = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 }
/**
 * The same for a consumer, about half a minute: who begins anew is a new member of the group, which has to wait until
 * the old one has timed out. A broker that is away for a moment must not come to that.
 */
const consumerRetry = { ...retry, retries: 30 }

const makeClient = ({ brokers }: KafkaSettings, retry: RetryOptions): Effect.Effect<Kafka> =>
  Effect.map(Effect.context<never>(), (context) => {
    // What matters comes back as a problem, and is logged by who had it.
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

/** Bytes of a record batch beside its records. */
const batchOverhead = 128

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
        { topic, numPartitions: partitions },
        { topic: deadLetterTopic(topic), numPartitions: 1 }
      ]
      const existing = new Set(yield* attempt(() => admin.listTopics()))
      const topics = wanted.filter(({ topic }) => !existing.has(topic))
      // Another process may create them at the same moment.
      if (topics.length > 0) yield* attempt(() => admin.createTopics({ topics, waitForLeaders: true }))
      const configNames = ["max.message.bytes"]
      const resources = [{ type: topicResource, name: topic, configNames }]
      // Not everybody may ask for it.
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
        // The least that a broker takes: the partitions of a worker that died are nobody's for so long.
        sessionTimeout: 6_000,
        heartbeatInterval: 1_000,
        // A fetch is answered as soon as there is something; an idle one holds up the end by so much.
        maxWaitTimeInMs: 500,
        // Who runs the consumer begins anew: one place decides.
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
