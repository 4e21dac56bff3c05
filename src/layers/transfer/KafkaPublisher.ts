/**
 * The gateway's side of the Kafka pipeline. Drafts wait here until a consumer, in this process or another, has delivered
 * their results; the limits count all waiting drafts, sent or not.
 */
import { Clock, Effect, Latch, type Scope } from "effect"
import type { Kafka, Producer } from "kafkajs"
import type { Draft } from "../../domain/messages/Draft.ts"
import type { MessageStore } from "../../domain/messages/MessageStore.ts"
import type { TransferFailure } from "../../domain/messages/Refusals.ts"
import type { Reply, Transfer } from "../../domain/messages/Transfer.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"
import { monotonicMillis } from "../../domain/shared/MonotonicTime.ts"
import type { KafkaSettings } from "../settings/Settings.ts"
import { backoff } from "../shared/Backoff.ts"
import { batchesOf } from "../shared/Batches.ts"
import { waitingContentMax, waitingMax } from "./DraftQueue.ts"
import { type DraftRecord, recordOf, sizeOf } from "./DraftRecords.ts"
import { attempt, connectedProducer, ensureTopics, isTooLarge } from "./KafkaClient.ts"

/** Bytes of one request at first; never more than the topic takes for one partition. */
const requestBytesUsual = 512 * 1024
/** How long the first draft of a request waits for others. */
const lingerMillis = 2
/** A draft without a result is asked for so long after it was last sent or asked for: the result may be lost. */
const askMillis = 5_000
/** Drafts that are asked for at once. */
const askMax = 512
/** A draft without a result is refused so long after it was published. */
const giveUpMillis = 30_000
const sweepMillis = 1_000

/** A draft whose sender waits for the result. */
interface Waiting {
  readonly draft: Draft
  readonly reply: Reply
  readonly publishedAt: number
  readonly record: DraftRecord
  /** When it was last sent; `undefined` while it waits for that. */
  sentAt: number | undefined
  /** When its result was last asked for, or it was sent. */
  askedAt: number
  settled: boolean
}

const bytesOf = ({ record }: Waiting): number => sizeOf(record)

type Publisher = Omit<Transfer["Service"], "consume">

/**
 * Sends until the scope ends, whether or not the broker answers. The broker keeps what it has taken: a draft whose result does
 * not come is not sent again, its result is looked up (`decided`).
 */
export const makePublisher = (
  kafka: Kafka,
  settings: KafkaSettings,
  decided: MessageStore["Service"]["decided"]
): Effect.Effect<Publisher, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    /** In the order of their publication. */
    const waiting = new Map<string, Waiting>()
    let waitingContent = 0
    /** Drafts to be sent, and a latch that is open while there are some. */
    let unsent: ReadonlyArray<Waiting> = []
    let added: Array<Waiting> = []
    const hasAdded = Latch.makeUnsafe()
    let connected = false
    let requestBytesMax = requestBytesUsual

    const add = (entry: Waiting) => {
      added.push(entry)
      hasAdded.openUnsafe()
    }

    const settle: Publisher["settle"] = (draftId, result) => {
      const entry = waiting.get(draftId)
      if (entry === undefined) return
      entry.settled = true
      waiting.delete(draftId)
      waitingContent -= entry.draft.content.length
      entry.reply(result)
    }

    const publish: Publisher["publish"] = (draft, reply) => {
      const { length } = draft.content
      if (waiting.size >= waitingMax || waitingContent + length > waitingContentMax) return false
      const publishedAt = monotonicMillis(clock)
      const entry = {
        ...{ draft, reply, record: recordOf(draft), publishedAt },
        ...{ sentAt: undefined, askedAt: publishedAt, settled: false }
      }
      waiting.set(draft.messageId, entry)
      waitingContent += length
      add(entry)
      return true
    }

    const refuse = (entry: Waiting, error: Failure<TransferFailure>) =>
      settle(entry.draft.messageId, { _tag: "Rejected", error })

    /**
     * The topic accepts less than its configuration says: a single draft is refused; of several the next session sends
     * fewer in one request.
     */
    const tooLarge = (request: ReadonlyArray<Waiting>) => {
      const [only] = request
      if (only !== undefined && request.length === 1) refuse(only, failure("PayloadTooLarge"))
      else requestBytesMax = Math.ceil(request.reduce((sum, entry) => sum + bytesOf(entry), 0) / 2)
    }

    const send = (producer: Producer, request: ReadonlyArray<Waiting>) =>
      attempt(() => {
        const messages = request.map(({ record }) => record)
        return producer.send({ topic: settings.topic, acks: -1, messages })
      }).pipe(
        Effect.tap(() => {
          const sentAt = monotonicMillis(clock)
          for (const entry of request) Object.assign(entry, { sentAt, askedAt: sentAt })
          return Effect.void
        }),
        Effect.tapError((problem) => Effect.sync(() => (isTooLarge(problem) ? tooLarge(request) : undefined)))
      )

    /**
     * Sends all drafts, one request after the other, so that their order stays. A draft that is larger than the topic
     * accepts is refused first: the broker would refuse the whole request.
     */
    const sendAll = Effect.fnUntraced(function* (producer: Producer, topicBytesMax: number) {
      unsent = [...unsent, ...added].filter((entry) => !entry.settled && entry.sentAt === undefined)
      added = []
      hasAdded.closeUnsafe()
      for (const entry of unsent) if (bytesOf(entry) > topicBytesMax) refuse(entry, failure("PayloadTooLarge"))
      const fitting = unsent.filter((entry) => !entry.settled)
      for (const request of batchesOf(fitting, bytesOf, Math.min(requestBytesMax, topicBytesMax))) {
        yield* send(producer, request)
      }
      unsent = []
    })

    const session = Effect.gen(function* () {
      const topicBytesMax = yield* ensureTopics(kafka, settings)
      const producer = yield* connectedProducer(kafka)
      connected = true
      // Drafts that an earlier session could not send go first.
      yield* sendAll(producer, topicBytesMax)
      return yield* Effect.forever(
        Effect.gen(function* () {
          yield* hasAdded.await
          yield* Effect.sleep(lingerMillis)
          yield* sendAll(producer, topicBytesMax)
        })
      )
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          connected = false
        })
      ),
      Effect.scoped,
      Effect.withTracerEnabled(false)
    )

    yield* session.pipe(
      Effect.tapError((problem) => Effect.logWarning("drafts cannot be sent to Kafka, trying again", problem)),
      Effect.retry(backoff("200 millis")),
      Effect.forkScoped
    )

    const sweep = Effect.sync(() => {
      const now = monotonicMillis(clock)
      for (const entry of waiting.values()) {
        if (entry.publishedAt > now - giveUpMillis) break
        refuse(entry, failure("Overloaded", { retryAfter: 1_000 }))
      }
      // Settled drafts must not be kept while the broker is away.
      added = added.filter((entry) => !entry.settled)
      unsent = unsent.filter((entry) => !entry.settled)
    })
    yield* Effect.forkScoped(Effect.forever(Effect.delay(sweep, sweepMillis)))

    /** A worker may have stored or refused a draft, and have died before it told. */
    const ask = Effect.gen(function* () {
      const now = monotonicMillis(clock)
      const asked: Array<Draft> = []
      for (const entry of waiting.values()) {
        if (entry.publishedAt > now - askMillis || asked.length === askMax) break
        if (entry.sentAt === undefined || entry.askedAt > now - askMillis) continue
        entry.askedAt = now
        asked.push(entry.draft)
      }
      for (const [draftId, result] of yield* decided(asked)) settle(draftId, result)
    }).pipe(Effect.catch((error) => Effect.logWarning("the results of drafts cannot be looked up", error)))
    yield* Effect.forkScoped(Effect.forever(Effect.delay(ask, sweepMillis)))

    return { publish, settle, isConnected: () => connected }
  })
