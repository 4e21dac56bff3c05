/**
 * `src/layers/transfer/KafkaConsumer.ts` by `@platformatic/kafka`: records come as a stream whose heartbeats need nobody's help, go
 * into the queue in front of the store, and are committed, for all partitions together, when they are stored.
 */
import type { Message } from "@platformatic/kafka"
import { Cause, Deferred, Effect, FiberSet, Latch } from "effect"
import type { Consumer, Transfer } from "../../src/domain/cluster/Transfer.ts"
import type { Draft } from "../../src/domain/messages/Message.ts"
import { failure } from "../../src/domain/shared/Failure.ts"
import type { KafkaSettings } from "../../src/layers/settings/Settings.ts"
import { backoff } from "../../src/layers/shared/Backoff.ts"
import { makeDraftQueue } from "../../src/layers/transfer/DraftQueue.ts"
import { draftOf, recordOf } from "../../src/layers/transfer/DraftRecords.ts"
import {
  attempt,
  connectedProducer,
  deadLetterTopic,
  ensureTopics,
  isTooLarge,
  KafkaProblem
} from "../../src/layers/transfer/KafkaClient.ts"
import { PartitionProgress } from "./PartitionProgress.ts"
import { asKafkajs, groupMember, recordsOf } from "./PlatformaticClient.ts"

/** Records that are being worked on; above it no more are read. Well below what the queue takes. */
const openMax = 2_048
const again = backoff("200 millis")
/** Characters of a dead letter's reason. */
const reasonMax = 1_000

/**
 * Consumes for as long as it runs, whether or not the broker and the store are there. `onRunning` is told whether it is
 * a member of the group.
 */
export const consumeFrom = (
  settings: KafkaSettings,
  { process, refuse }: Consumer,
  settle: Transfer["Service"]["settle"],
  onRunning: (running: boolean) => void
): Effect.Effect<never> =>
  Effect.gen(function* () {
    const queue = yield* makeDraftQueue
    const kafka = asKafkajs(settings)

    /** Does not return before the record is safe: it will not be read again. */
    const deadLetter = (record: { readonly key: string | Buffer; readonly value: Buffer }, reason: string) =>
      Effect.gen(function* () {
        const producer = yield* connectedProducer(kafka)
        const send = (value: Buffer | null) =>
          attempt(() => {
            const messages = [{ key: record.key, value, headers: { reason: reason.slice(0, reasonMax) } }]
            return producer.send({ topic: deadLetterTopic(settings.topic), acks: -1, messages })
          })
        // With its reason it may be larger than a record can be.
        yield* Effect.catchIf(send(record.value), isTooLarge, () => send(null))
        yield* Effect.logError(`a record was put into ${deadLetterTopic(settings.topic)}: ${reason}`)
      }).pipe(
        Effect.scoped,
        Effect.tapError((problem) => Effect.logWarning("a dead letter cannot be sent, trying again", problem)),
        Effect.retry(again),
        Effect.orDie
      )

    /** Waits for a store that is away, for as long as it takes. What it refuses for good is put aside. */
    const store: Consumer["process"] = (drafts) =>
      Effect.suspend(() => process(drafts)).pipe(
        Effect.retry({
          while: (error) => error._tag === "DatabaseError" || error._tag === "Overloaded",
          schedule: again
        }),
        Effect.catchCause((cause) => {
          const [only] = drafts
          if (Cause.hasInterruptsOnly(cause) || only === undefined || drafts.length > 1) return Effect.failCause(cause)
          const error = failure("ServerError")
          return deadLetter(recordOf(only), Cause.pretty(cause)).pipe(
            Effect.andThen(refuse(only, error)),
            Effect.as([{ _tag: "Rejected" as const, error }])
          )
        })
      )

    const session = Effect.gen(function* () {
      yield* ensureTopics(kafka, settings)
      const consumer = yield* groupMember(settings)
      const fork = yield* FiberSet.makeRuntime<never, void, never>()
      const crashed = yield* Deferred.make<never, KafkaProblem>()
      const crash = (cause: unknown) => {
        Deferred.doneUnsafe(crashed, Effect.fail(new KafkaProblem({ cause })))
      }
      consumer.on("error", crash)
      consumer.on("consumer:heartbeat:stalled", ({ lastError }) => crash(lastError ?? new Error("no heartbeat")))
      const stream = yield* recordsOf(consumer, settings)
      stream.on("error", crash)

      const partitions = new Map<number, PartitionProgress>()
      const moved = yield* Latch.make()
      let open = 0
      let isPaused = false

      const progressOf = (partition: number): PartitionProgress => {
        const known = partitions.get(partition) ?? new PartitionProgress()
        partitions.set(partition, known)
        return known
      }

      const take = (record: Message): void => {
        const done = progressOf(record.partition).begin(record.offset, record.leaderEpoch)
        open += 1
        const finish = () => {
          open -= 1
          if (isPaused && open <= openMax / 2) {
            isPaused = false
            stream.resume()
          }
          if (done()) moved.openUnsafe()
        }
        const draft = draftOf(record)
        if (draft._tag === "Success") bring(draft.success, finish)
        else {
          const reason = `not a draft: ${draft.failure}`
          fork(Effect.andThen(deadLetter(record, reason), Effect.sync(finish)))
        }
        if (!isPaused && open >= openMax) {
          isPaused = true
          stream.pause()
        }
      }

      const bring = (draft: Draft, finish: () => void): void => {
        const taken = queue.offer(draft, (result) => {
          settle(draft.messageId, result)
          finish()
        })
        // It takes ten times as many as are open, unless a session before this one has left them there.
        if (!taken) crash(new Error("the queue in front of the store is full"))
      }

      const committed = new Map<number, bigint>()
      const commit = Effect.gen(function* () {
        yield* moved.await
        moved.closeUnsafe()
        const offsets = [...partitions].flatMap(([partition, { committable, leaderEpoch }]) =>
          committable === undefined || committable === committed.get(partition)
            ? []
            : [{ topic: settings.topic, partition, offset: committable, leaderEpoch }]
        )
        if (offsets.length === 0) return
        yield* attempt(() => consumer.commit({ offsets }))
        for (const { partition, offset } of offsets) committed.set(partition, offset)
      })

      stream.on("data", take)
      onRunning(true)
      // Ends before the stream, which would otherwise flow on.
      yield* Effect.addFinalizer(() => Effect.sync(() => stream.off("data", take)))
      return yield* Effect.raceFirst(Deferred.await(crashed), Effect.forever(commit))
    }).pipe(Effect.ensuring(Effect.sync(() => onRunning(false))), Effect.scoped)

    const sessions = session.pipe(
      Effect.tapError((problem) => Effect.logWarning("drafts cannot be read from Kafka, trying again", problem)),
      Effect.retry(again),
      Effect.orDie
    )
    // Neither can do without the other.
    return yield* Effect.raceFirst(sessions, queue.consume(store))
  }).pipe(Effect.scoped, Effect.withTracerEnabled(false))
