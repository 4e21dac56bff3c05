/**
 * The gateway's side of the Kafka pipeline. Drafts wait here until a consumer, in this process or another, has said
 * what became of them; the bounds hold for all that wait, sent or not.
 */
import { Clock, Effect, Queue, Schedule, type Scope } from "effect"
import type { Kafka, Producer } from "kafkajs"
import { ApiError } from "../domain/ErrorTable.ts"
import type { Draft } from "../domain/Message.ts"
import type { Reply, Transfer } from "../domain/Transfer.ts"
import { waitingContentMax, waitingMax } from "./DraftQueue.ts"
import { recordOf } from "./DraftRecords.ts"
import { attempt, connectedProducer, ensureTopics, type KafkaProblem } from "./KafkaClient.ts"
import type { KafkaSettings } from "./Settings.ts"

/** Bytes of one request: below what a broker takes by default (1 MiB), even if all goes to one partition. */
const requestBytesMax = 512 * 1024
/** How long the first draft of a request waits for others. */
const lingerMillis = 2
/** A draft of which nothing is heard is sent again after this time, and refused after that. */
const resendMillis = 10_000
const giveUpMillis = 30_000
const sweepMillis = 1_000
const again = Schedule.jittered(Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("2 seconds")]))

/** A draft that somebody waits for. */
interface Waiting {
  readonly draft: Draft
  readonly reply: Reply
  readonly record: { readonly key: string; readonly value: Buffer }
  readonly publishedAt: number
  /** When it was last sent; `undefined` while it is in the queue. */
  sentAt: number | undefined
  settled: boolean
}

type Publisher = Omit<Transfer["Service"], "consume">

/** Sends for as long as the scope lives, whether or not the broker is there. */
export const makePublisher = (kafka: Kafka, settings: KafkaSettings): Effect.Effect<Publisher, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const queue = yield* Queue.dropping<Waiting>(waitingMax)
    const waiting = new Map<string, Waiting>()
    let waitingContent = 0

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
      const publishedAt = clock.currentTimeMillisUnsafe()
      const entry = { draft, reply, record: recordOf(draft), publishedAt, sentAt: undefined, settled: false }
      if (!Queue.offerUnsafe(queue, entry)) return false
      waiting.set(draft.messageId, entry)
      waitingContent += length
      return true
    }

    const refuse = (entry: Waiting, error: ApiError) => settle(entry.draft.messageId, { _tag: "Rejected", error })

    const send = (producer: Producer, request: ReadonlyArray<Waiting>): Effect.Effect<void, KafkaProblem> =>
      attempt(() =>
        producer.send({ topic: settings.topic, acks: -1, messages: request.map(({ record }) => record) })
      ).pipe(
        Effect.catch((problem) => {
          if (!isTooLarge(problem)) return Effect.fail(problem)
          // The topic takes less than is usual: the halves go on alone.
          const middle = request.length >> 1
          const [only] = request
          if (only !== undefined && middle === 0) return Effect.sync(() => refuse(only, ApiError.of("PayloadTooLarge")))
          return Effect.andThen(send(producer, request.slice(0, middle)), send(producer, request.slice(middle)))
        })
      )

    /** Taken from the queue, and not known to be at the broker: goes first, so that nothing overtakes it. */
    let carried: ReadonlyArray<Waiting> = []
    let connected = false

    const sendCarried = Effect.fnUntraced(function* (producer: Producer) {
      // What was refused meanwhile need not be sent, and what came through before the failure not again.
      for (const request of requests(carried.filter((entry) => !entry.settled && entry.sentAt === undefined))) {
        yield* send(producer, request)
        const sentAt = clock.currentTimeMillisUnsafe()
        for (const entry of request) entry.sentAt = sentAt
      }
      carried = []
    })

    const session = Effect.gen(function* () {
      yield* ensureTopics(kafka, settings)
      const producer = yield* connectedProducer(kafka)
      connected = true
      return yield* Effect.forever(
        Effect.gen(function* () {
          if (carried.length === 0) {
            const first = yield* Queue.take(queue)
            carried = [first]
            yield* Effect.sleep(lingerMillis)
            carried = [first, ...(yield* Queue.clear(queue))]
          }
          yield* sendCarried(producer)
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
      Effect.retry(again),
      Effect.forkScoped
    )

    const sweep = Effect.sync(() => {
      const now = clock.currentTimeMillisUnsafe()
      for (const entry of waiting.values()) {
        // They are in the order of their publication.
        if (entry.publishedAt > now - resendMillis) break
        if (entry.publishedAt <= now - giveUpMillis) {
          refuse(entry, ApiError.of("Overloaded", { retryAfter: 1_000 }))
        } else if (entry.sentAt !== undefined && entry.sentAt <= now - resendMillis) {
          if (Queue.offerUnsafe(queue, entry)) entry.sentAt = undefined
        }
      }
    })
    yield* Effect.forkScoped(Effect.forever(Effect.delay(sweep, sweepMillis)))

    return { publish, settle, isConnected: () => connected }
  })

const isTooLarge = (problem: KafkaProblem): boolean =>
  problem.type === "MESSAGE_TOO_LARGE" || problem.type === "RECORD_LIST_TOO_LARGE"

/** Cuts entries into requests that are not too large. */
const requests = (entries: ReadonlyArray<Waiting>): ReadonlyArray<ReadonlyArray<Waiting>> => {
  const cut: Array<Array<Waiting>> = []
  let room = 0
  for (const entry of entries) {
    const { length } = entry.record.value
    const last = cut.at(-1)
    if (last === undefined || length > room) {
      cut.push([entry])
      room = requestBytesMax - length
    } else {
      last.push(entry)
      room -= length
    }
  }
  return cut
}
