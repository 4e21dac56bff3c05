/** Wakes the followers of a conversation on this node when it has a new message, and reads for all of them at once. */
import { Cache, Clock, Context, Effect, Exit, Latch, Layer, type Scope } from "effect"
import { type HistoryPage, MessageStore } from "../../domain/messages/MessageStore.ts"
import { fitting } from "../../domain/messages/Page.ts"
import type { ConversationId } from "../../domain/shared/ConversationIds.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"
import { monotonicMillis } from "../../domain/shared/MonotonicTime.ts"

/** Followers on this node. */
const watchersMax = 1_000
/** How long the end of a conversation is used again while no new message is known. */
const endFreshMillis = 1_000
/** Pages that are being read or may be used again. A page fits into a frame. */
const pagesMax = 1_000

/** A page, by everything that its content depends on. */
interface PageKey {
  readonly conversationId: ConversationId
  readonly afterSeq: number
  readonly limit: number
  /** Counts the wakes of the conversation: a page that was read before a wake is not used after it. */
  readonly generation: number
  /** The present period of {@link endFreshMillis}: the cache's own time to live is by the wall clock, which may be set back. */
  readonly period: number
}

/** One follower's view of a conversation. */
export interface Watch {
  /** Waits until there is a message that is newer than the last wait. */
  readonly news: Effect.Effect<void>
  /**
   * At most `limit` messages after this seq, and no more than fit into a frame; followers at the same seq share one read.
   * The page has every message for which `news` woke the follower.
   */
  readonly pageAfter: (
    afterSeq: number,
    limit: number
  ) => Effect.Effect<HistoryPage, Failure<"NoConversation" | "DatabaseError">>
}

/** The followers of one conversation. */
interface Watched {
  readonly latches: Set<Latch.Latch>
  generation: number
}

export class ConversationWatchers extends Context.Service<
  ConversationWatchers,
  {
    /** Wakes the followers of a conversation that has a new message; without an id, all followers. */
    readonly wake: (conversationId: ConversationId | undefined) => void
    /** Follows a conversation until the scope ends. Fails with `Overloaded` past {@link watchersMax} followers. */
    readonly watch: (conversationId: ConversationId) => Effect.Effect<Watch, Failure<"Overloaded">, Scope.Scope>
  }
>()("fiberchat/actors/ConversationWatchers") {
  static readonly layer = Layer.effect(
    ConversationWatchers,
    Effect.gen(function* () {
      const store = yield* MessageStore
      const clock = yield* Clock.Clock
      const conversations = new Map<ConversationId, Watched>()
      let size = 0
      /** Never repeats: a conversation that is followed anew gets no page of its former followers. */
      let generations = 0

      const pages = yield* Cache.makeWith(
        ({ conversationId, afterSeq, limit }: PageKey) =>
          Effect.map(
            store.history(undefined, { conversationId, afterSeq, limit }),
            ({ messages, hasMore, ...page }) => {
              const kept = fitting(messages)
              return { ...page, messages: kept, hasMore: hasMore || kept.length < messages.length }
            }
          ),
        {
          capacity: pagesMax,
          // Many followers wait at the end of a conversation; other pages and failures serve only the present readers.
          timeToLive: (exit) => (Exit.isSuccess(exit) && !exit.value.hasMore ? endFreshMillis : 0)
        }
      )

      const add = (conversationId: ConversationId, latch: Latch.Latch): Watched => {
        const watched = conversations.get(conversationId) ?? { latches: new Set(), generation: generations++ }
        conversations.set(conversationId, watched)
        watched.latches.add(latch)
        size += 1
        return watched
      }
      const remove = (conversationId: ConversationId, watched: Watched, latch: Latch.Latch): void => {
        watched.latches.delete(latch)
        if (watched.latches.size === 0) conversations.delete(conversationId)
        size -= 1
      }
      const wakeAll = (watched: Watched): void => {
        watched.generation = generations++
        for (const latch of watched.latches) latch.openUnsafe()
      }

      return ConversationWatchers.of({
        wake: (conversationId) => {
          if (size === 0) return
          const woken = conversationId === undefined ? conversations.values() : [conversations.get(conversationId)]
          for (const watched of woken) if (watched !== undefined) wakeAll(watched)
        },
        watch: (conversationId) =>
          Effect.suspend(() => {
            if (size >= watchersMax) return Effect.fail(failure("Overloaded", { retryAfter: 5_000 }))
            const latch = Latch.makeUnsafe()
            return Effect.map(
              Effect.acquireRelease(
                Effect.sync(() => add(conversationId, latch)),
                (watched) => Effect.sync(() => remove(conversationId, watched, latch))
              ),
              (watched): Watch => ({
                news: Effect.andThen(
                  latch.await,
                  Effect.sync(() => latch.closeUnsafe())
                ),
                pageAfter: (afterSeq, limit) =>
                  Effect.suspend(() =>
                    Cache.get(pages, {
                      conversationId,
                      afterSeq,
                      limit,
                      generation: watched.generation,
                      period: Math.floor(monotonicMillis(clock) / endFreshMillis)
                    })
                  )
              })
            )
          })
      })
    })
  )
}
