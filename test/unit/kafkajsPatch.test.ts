/** The faults that patches/kafkajs@2.2.4.patch mends, shown on kafkajs' own code with scripted brokers. */
import { createRequire } from "node:module"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

type Send = (request: {
  readonly acks: number
  readonly topicMessages: ReadonlyArray<{ readonly topic: string; readonly messages: ReadonlyArray<{ value: string }> }>
}) => Promise<ReadonlyArray<{ readonly partition: number }>>

interface TopicData {
  readonly topic: string
  readonly partitions: ReadonlyArray<{
    readonly partition: number
    readonly messages: ReadonlyArray<{ value: string }>
  }>
}

const require = createRequire(createRequire(import.meta.url).resolve("kafkajs"))
const makeSend: (options: object) => Send = require("./src/producer/sendMessages")
const makeRetrier: (options: object) => unknown = require("./src/retry")

/** A broker that leads partitions, and writes down what it has taken. */
class Broker {
  readonly nodeId: number
  readonly taken: Array<string> = []
  isDead = false

  constructor(nodeId: number) {
    this.nodeId = nodeId
  }

  async produce({ topicData }: { readonly topicData: ReadonlyArray<TopicData> }) {
    if (this.isDead) throw Object.assign(new Error("connection lost"), { retriable: true })
    const partitions = topicData.flatMap(({ partitions }) => partitions)
    for (const { partition, messages } of partitions) {
      this.taken.push(...messages.map(({ value }) => `${partition}:${value}`))
    }
    return {
      topics: [{ topicName: "t", partitions: partitions.map(({ partition }) => ({ partition, errorCode: 0 })) }]
    }
  }
}

const logger = { namespace: () => logger, debug: () => {}, error: () => {}, warn: () => {}, info: () => {} }
const eosManager = {
  isTransactional: () => false,
  getProducerId: () => 1,
  getProducerEpoch: () => 0,
  getSequence: () => 0,
  updateSequence: () => {},
  acquireBrokerLock: async () => {},
  releaseBrokerLock: async () => {}
}

describe("the producer of kafkajs", () => {
  it.live("sends to the new leader what the old one has not taken, and nothing twice", () =>
    Effect.promise(async () => {
      const [one, two] = [new Broker(1), new Broker(2)]
      one.isDead = true
      let leaderOfZero = one.nodeId
      const cluster = {
        isConnected: () => true,
        addMultipleTargetTopics: async () => {},
        refreshMetadataIfNecessary: async () => {},
        refreshMetadata: async () => {
          // The other broker takes over.
          leaderOfZero = two.nodeId
        },
        removeBroker: () => {
          leaderOfZero = two.nodeId
        },
        findTopicPartitionMetadata: () => [{ partitionId: 0 }, { partitionId: 1 }],
        findLeaderForPartitions: (_topic: string, partitions: ReadonlyArray<string>) => {
          const leaders: Record<number, Array<number>> = {}
          for (const partition of partitions.map(Number)) {
            const leader = partition === 0 ? leaderOfZero : two.nodeId
            leaders[leader] = [...(leaders[leader] ?? []), partition]
          }
          // The next time somebody asks, the dead broker leads nothing any more.
          leaderOfZero = two.nodeId
          return leaders
        },
        findBroker: async ({ nodeId }: { readonly nodeId: string }) => (Number(nodeId) === 1 ? one : two)
      }
      const send = makeSend({
        logger,
        cluster,
        partitioner: ({ message }: { readonly message: { readonly value: string } }) => Number(message.value[0]),
        eosManager,
        retrier: makeRetrier({ initialRetryTime: 1, retries: 5 })
      })
      const messages = [{ value: "0a" }, { value: "1b" }, { value: "0c" }]
      const answers = await send({ acks: -1, topicMessages: [{ topic: "t", messages }] })
      assert.sameMembers(
        answers.map(({ partition }) => partition),
        [0, 1]
      )
      assert.sameMembers(two.taken, ["1:1b", "0:0a", "0:0c"])
    })
  )
})
