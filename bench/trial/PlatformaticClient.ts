/** Connections to Kafka by `@platformatic/kafka`: as much of what `src/layers/transfer/KafkaClient.ts` has as the trial needs. */
import {
  Admin,
  type BaseOptions,
  ConfigResourceTypes,
  Consumer,
  compatibilityPartitioner,
  findErrorBy,
  type MessagesStream,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  Producer
} from "@platformatic/kafka"
import { Effect, type Scope } from "effect"
import type { Kafka } from "kafkajs"
import type { KafkaSettings } from "../../src/layers/settings/Settings.ts"
import { attempt, type KafkaProblem } from "../../src/layers/transfer/KafkaClient.ts"

/** How long a client tries by itself before it says so; whoever called begins anew. The same as with kafkajs. */
const retry = { retries: 3, retryDelay: 100 }
/** A consumer tries for longer: who begins anew is a new member, which has to wait until the old one has timed out. */
const consumerRetry = { retries: 30, retryDelay: 1_000 }

const optionsOf = ({ brokers }: KafkaSettings): BaseOptions => ({
  clientId: "fiberchat",
  bootstrapBrokers: [...brokers],
  connectTimeout: 3_000,
  requestTimeout: 10_000,
  ...retry
})

/** What the broker has answered, by Kafka's own name, where the publisher wants to know it. */
const namedAsByKafkajs = (error: unknown): unknown => {
  const isTooLarge =
    error instanceof Error &&
    ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"].find((id) => findErrorBy(error, "apiId", id))
  return isTooLarge ? Object.assign(new Error("too large", { cause: error }), { type: isTooLarge }) : error
}

interface OutgoingRecord {
  readonly key?: string | Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string>>
}

/** A record whose key decides its partition as it does with kafkajs and with Java's client, which 2.12 does not by itself. */
const producerOf = (settings: KafkaSettings) => {
  const producer = new Producer({
    ...optionsOf(settings),
    idempotent: true,
    partitioner: compatibilityPartitioner
  })
  return {
    connect: () => producer.metadata({ topics: [settings.topic] }),
    disconnect: () => producer.close(true),
    send: async ({ topic, messages }: { readonly topic: string; readonly messages: ReadonlyArray<OutgoingRecord> }) => {
      try {
        return await producer.send({
          messages: messages.map(({ key, value, headers }) => ({
            topic,
            ...(key === undefined || key === null ? {} : { key: Buffer.from(key) }),
            ...(value === null ? {} : { value }),
            ...(headers === undefined
              ? {}
              : {
                  headers: new Map(
                    Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])
                  )
                })
          }))
        })
      } catch (error) {
        throw namedAsByKafkajs(error)
      }
    }
  }
}

const adminOf = (settings: KafkaSettings) => {
  const admin = new Admin(optionsOf(settings))
  return {
    connect: () => admin.metadata({ topics: [] }),
    disconnect: () => admin.close(),
    listTopics: () => admin.listTopics(),
    createTopics: async ({
      topics
    }: {
      readonly topics: ReadonlyArray<{ readonly topic: string; readonly numPartitions: number }>
    }) => {
      try {
        await admin.createTopics({
          topics: topics.map(({ topic, numPartitions }) => ({ topic, partitions: numPartitions }))
        })
      } catch (error) {
        // Another process may create them at the same moment.
        if (!(error instanceof Error && findErrorBy(error, "apiId", "TOPIC_ALREADY_EXISTS"))) throw error
      }
    },
    describeConfigs: async ({
      resources
    }: {
      readonly resources: ReadonlyArray<{ readonly name: string; readonly configNames: ReadonlyArray<string> }>
    }) => {
      const described = await admin.describeConfigs({
        resources: resources.map(({ name, configNames }) => ({
          resourceType: ConfigResourceTypes.TOPIC,
          resourceName: name,
          configurationKeys: [...configNames]
        }))
      })
      return {
        resources: described.map(({ configs }) => ({
          configEntries: configs.map(({ name, value }) => ({ configName: name, configValue: value }))
        }))
      }
    }
  }
}

/**
 * The part of kafkajs that our publisher and our topics are made with, so that the code under trial is the code that is
 * shipped. The cast says that the rest is not there.
 */
export const asKafkajs = (settings: KafkaSettings): Kafka =>
  ({ producer: () => producerOf(settings), admin: () => adminOf(settings) }) as unknown as Kafka

/** A member of the group, which leaves it in the end. */
export const groupMember = (settings: KafkaSettings): Effect.Effect<Consumer, KafkaProblem, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(
      () =>
        new Consumer({
          ...optionsOf(settings),
          ...consumerRetry,
          groupId: settings.group,
          sessionTimeout: 6_000,
          heartbeatInterval: 1_000,
          rebalanceTimeout: 60_000
        })
    ),
    (consumer) => closing(() => consumer.close(true))
  )

/** The records of the topic from where the group has committed, or from the first. */
export const recordsOf = (
  consumer: Consumer,
  { topic }: KafkaSettings
): Effect.Effect<MessagesStream<Buffer, Buffer, Buffer, Buffer>, KafkaProblem, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(() =>
      consumer.consume({
        topics: [topic],
        autocommit: false,
        mode: MessagesStreamModes.COMMITTED,
        fallbackMode: MessagesStreamFallbackModes.EARLIEST,
        // A fetch is answered as soon as there is something; an idle one holds up the end by so much.
        maxWaitTime: 500
      })
    ),
    (stream) => closing(() => stream.close())
  )

const closing = (close: () => Promise<void>): Effect.Effect<void> =>
  Effect.ignore(Effect.timeout(attempt(close), "10 seconds"))
