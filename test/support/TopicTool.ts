/** A test's own hands in Kafka: puts records into a topic past every check, reads a topic to its end, creates one. */
import { randomBytes } from "node:crypto"
import { Effect } from "effect"
import { type Admin, Kafka, type KafkaMessage, logLevel, type Message } from "kafkajs"
import { kafkaBroker } from "../../infra/addresses.ts"
import { hangMillis } from "./HangLimit.ts"

const kafka = new Kafka({ brokers: [kafkaBroker], logLevel: logLevel.NOTHING, retry: { retries: 10 } })

const withAdmin = <A>(use: (admin: Admin) => Promise<A>): Effect.Effect<A> =>
  Effect.acquireUseRelease(
    Effect.promise(async () => {
      const admin = kafka.admin()
      await admin.connect()
      return admin
    }),
    (admin) => Effect.promise(() => use(admin)),
    (admin) => Effect.promise(() => admin.disconnect())
  )

/** Writes records, whatever they hold; they are at the broker when it returns. */
export const produce = (topic: string, messages: ReadonlyArray<Message>): Effect.Effect<void> =>
  Effect.acquireUseRelease(
    Effect.promise(async () => {
      const producer = kafka.producer({ allowAutoTopicCreation: false })
      await producer.connect()
      return producer
    }),
    (producer) => Effect.promise(() => producer.send({ topic, acks: -1, messages: [...messages] })),
    (producer) => Effect.promise(() => producer.disconnect())
  ).pipe(Effect.asVoid)

/** Creates a topic with settings of its own, and waits until it can be used. */
export const createTopic = (
  topic: string,
  numPartitions: number,
  settings: Readonly<Record<string, string>>
): Effect.Effect<void> =>
  withAdmin(async (admin) => {
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
    await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: true })
  })

/** How many records a topic has. */
export const sizeOf = (topic: string): Effect.Effect<number> =>
  withAdmin(async (admin) => {
    const offsets = await admin.fetchTopicOffsets(topic)
    return offsets.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0)
  })

/** Reads so many records of a topic, from its beginning, as a group of its own. */
export const recordsOf = (topic: string, count: number): Effect.Effect<ReadonlyArray<KafkaMessage>> =>
  Effect.gen(function* () {
    const groupId = `test_${randomBytes(6).toString("hex")}`
    const records: Array<KafkaMessage> = []
    yield* Effect.acquireUseRelease(
      Effect.promise(async () => {
        const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: 100 })
        await consumer.connect()
        return consumer
      }),
      (consumer) =>
        Effect.promise(async () => {
          await consumer.subscribe({ topic, fromBeginning: true })
          await new Promise<void>((resolve, reject) => {
            consumer.on("consumer.crash", ({ payload }) => reject(payload.error))
            consumer
              .run({
                eachMessage: async ({ message }) => {
                  records.push(message)
                  if (records.length === count) resolve()
                }
              })
              .catch(reject)
          })
        }),
      (consumer) => Effect.promise(() => consumer.disconnect())
    )
    yield* withAdmin((admin) => admin.deleteGroups([groupId]))
    return records
  }).pipe(Effect.timeout(hangMillis), Effect.orDie)
