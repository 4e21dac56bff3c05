/**
 * The worker's side of the Kafka pipeline: a member of the consumer group. Offsets are committed when their drafts are
 * stored and handed over, so that a crash anywhere repeats work and loses none.
 */
import { Cause, Deferred, Effect, Exit, FiberSet, Metric, Semaphore } from "effect"
import type { EachBatchPayload, Kafka, KafkaMessage } from "kafkajs"
import type { Draft } from "../../domain/messages/Draft.ts"
import type { Consumer, Transfer } from "../../domain/messages/Transfer.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"
import type { KafkaSettings } from "../settings/Settings.ts"
import { backoff } from "../shared/Backoff.ts"
import { batchMax, isPassing, makeDraftQueue } from "./DraftQueue.ts"
import { draftOf, recordOf } from "./DraftRecords.ts"
import {
  attempt,
  connectedConsumer,
  connectedProducer,
  deadLetterTopic,
  ensureTopics,
  isTooLarge,
  KafkaProblem
} from "./KafkaClient.ts"

/** Partitions whose records are worked on at the same time; they share the batches of the store. */
const partitionsAtOnce = 16
const heartbeatMillis = 1_000
/** Characters of a dead letter's reason. */
const reasonMax = 1_000
const again = backoff("200 millis")

const deadLetters = Metric.counter("fiberchat_transfer_dead_letters_total", {
  description: "Records that could not be stored and went to the dead-letter topic",
  incremental: true
})

const lagOf = (partition: number) =>
  Metric.gauge("fiberchat_transfer_lag", {
    description: "Records of a partition that are not stored yet",
    attributes: { partition: String(partition) }
  })

/** The reason for which the store always refuses a draft. */
const reasonOf = (cause: Cause.Cause<Failure<"DatabaseError" | "ServerError">>): string => {
  const [reason] = cause.reasons
  if (reason?._tag !== "Fail") return Cause.pretty(cause)
  const { error } = reason
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

/**
 * Consumes until it is interrupted, whether or not the broker and the store answer. `onRunning` is called when it becomes
 * a member of the group, and when it is one no longer.
 */
export const consumeFrom = (
  kafka: Kafka,
  settings: KafkaSettings,
  { process, refuse }: Consumer,
  settle: Transfer["Service"]["settle"],
  onRunning: (running: boolean) => void
): Effect.Effect<never> =>
  Effect.gen(function* () {
    const queue = yield* makeDraftQueue
    const commits = yield* Semaphore.make(1)

    /** Does not return before the record is safe: it will not be read again. */
    const deadLetter = (record: Pick<KafkaMessage, "key" | "value">, reason: string) =>
      Effect.gen(function* () {
        const producer = yield* connectedProducer(kafka)
        const send = (value: Buffer | null) =>
          attempt(() => {
            const messages = [{ key: record.key, value, headers: { reason: reason.slice(0, reasonMax) } }]
            return producer.send({ topic: deadLetterTopic(settings.topic), acks: -1, messages })
          })
        // With its reason it may be larger than a record can be.
        yield* Effect.catchIf(send(record.value), isTooLarge, () => send(null))
        yield* Metric.update(deadLetters, 1)
        yield* Effect.logError(`a record was put into ${deadLetterTopic(settings.topic)}: ${reason}`)
      }).pipe(
        Effect.scoped,
        Effect.tapError((problem) => Effect.logWarning("a dead letter cannot be sent, trying again", problem)),
        Effect.retry(again),
        Effect.orDie
      )

    /** Waits without a limit for a store that is away. A draft that the store always refuses becomes a dead letter. */
    const store: Consumer["process"] = (drafts) =>
      Effect.suspend(() => process(drafts)).pipe(
        Effect.retry({ while: isPassing, schedule: again }),
        Effect.catchCause((cause) => {
          const [only] = drafts
          if (Cause.hasInterruptsOnly(cause) || only === undefined || drafts.length > 1) return Effect.failCause(cause)
          const { key, value } = recordOf(only)
          const error = failure("ServerError")
          return deadLetter({ key: Buffer.from(key), value }, reasonOf(cause)).pipe(
            Effect.andThen(refuse(only, error)),
            Effect.as([{ _tag: "Rejected" as const, error }])
          )
        })
      )

    /** Brings drafts to the store, in their order, and waits until all are done with. */
    const stored = Effect.fnUntraced(function* (drafts: ReadonlyArray<Draft>) {
      if (drafts.length === 0) return
      const done = yield* Deferred.make<void>()
      let open = drafts.length
      for (const draft of drafts) {
        const offer = () =>
          queue.offer(draft, (result) => {
            settle(draft.messageId, result)
            open -= 1
            if (open === 0) Deferred.doneUnsafe(done, Effect.void)
          })
        // Other partitions may have filled the queue.
        while (!offer()) yield* queue.room
      }
      yield* Deferred.await(done)
    })

    const work = Effect.fnUntraced(function* (records: ReadonlyArray<KafkaMessage>) {
      const drafts: Array<Draft> = []
      for (const record of records) {
        const draft = draftOf(record)
        if (draft._tag === "Success") drafts.push(draft.success)
        else yield* deadLetter(record, `not a draft: ${draft.failure}`)
      }
      yield* stored(drafts)
    })

    const eachBatch = Effect.fnUntraced(function* (payload: EachBatchPayload) {
      const { batch, resolveOffset, heartbeat, commitOffsetsIfNecessary, uncommittedOffsets } = payload
      const lag = lagOf(batch.partition)
      yield* Metric.update(
        lag,
        Number(BigInt(batch.highWatermark) - BigInt(batch.firstOffset() ?? batch.highWatermark))
      )
      const alive = Effect.forever(Effect.delay(attempt(heartbeat), heartbeatMillis))
      // Partitions that are done together commit together.
      const commit = commits.withPermit(
        Effect.suspend(() => {
          const offsets = uncommittedOffsets()
          return offsets.topics.length === 0 ? Effect.void : attempt(() => commitOffsetsIfNecessary(offsets))
        })
      )
      for (let start = 0; start < batch.messages.length; start += batchMax) {
        if (!payload.isRunning() || payload.isStale()) return
        const records = batch.messages.slice(start, start + batchMax)
        yield* Effect.raceFirst(work(records), alive)
        const last = records.at(-1)?.offset ?? batch.lastOffset()
        resolveOffset(last)
        yield* commit
        yield* Metric.update(lag, Number(BigInt(batch.highWatermark) - BigInt(last) - 1n))
      }
    })

    const session = Effect.gen(function* () {
      yield* ensureTopics(kafka, settings)
      const consumer = yield* connectedConsumer(settings)
      // Ends before the consumer, which waits for the batches in work.
      const fork = yield* FiberSet.makeRuntime<never, void, KafkaProblem>()
      const crashed = yield* Deferred.make<never, KafkaProblem>()
      consumer.on("consumer.crash", ({ payload }) => {
        Deferred.doneUnsafe(crashed, Effect.fail(new KafkaProblem({ cause: payload.error })))
      })
      // A group that has never committed begins with the first record: nothing was stored yet.
      yield* attempt(() => consumer.subscribe({ topic: settings.topic, fromBeginning: true }))
      yield* attempt(() =>
        consumer.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: partitionsAtOnce,
          eachBatch: (payload) =>
            new Promise((resolve, reject) => {
              fork(eachBatch(payload)).addObserver((exit) => {
                // At the end of the session offsets stay uncommitted, and the next owner reads the records again.
                if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return resolve()
                // An error of kafkajs goes back to kafkajs, which handles a rebalance.
                const error = Cause.squash(exit.cause)
                reject(error instanceof KafkaProblem ? error.cause : error)
              })
            })
        })
      )
      onRunning(true)
      return yield* Deferred.await(crashed)
    }).pipe(Effect.ensuring(Effect.sync(() => onRunning(false))), Effect.scoped)

    const sessions = session.pipe(
      Effect.tapError((problem) => Effect.logWarning("drafts cannot be read from Kafka, trying again", problem)),
      Effect.retry(again),
      Effect.orDie
    )
    // Neither can do without the other.
    return yield* Effect.raceFirst(sessions, queue.consume(store))
  }).pipe(Effect.scoped, Effect.withTracerEnabled(false))
