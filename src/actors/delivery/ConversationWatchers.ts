/** Tells who follows a conversation on this node that there is something new in it, and lets them read together. */
import { Clock, Context, Effect, Fiber, Latch, Layer, type Scope } from "effect"
import type { HistoryPage } from "../../domain/messages/MessageStore.ts"
import type { ConversationId } from "../../domain/shared/ConversationIds.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"

/** Those who follow a conversation at the same time. */
const watchersMax = 1_000
/** How old a page may be that is handed out again, as long as nobody was told of something newer. */
const freshMillis = 1_000
/** Pages of one conversation that are being read, or may be handed out again. */
const pagesMax = 8

type ReadFailure = Failure<"NoConversation" | "DatabaseError">
type PageRead = Effect.Effect<HistoryPage, ReadFailure>

/** One follower's view of a conversation. */
export interface Watch {
  /** Waits for something new since it waited last. */
  readonly news: Effect.Effect<void>
  /**
   * The page after this seq, read once for all followers who stand there. What it was told of as new before it asks is
   * in the page: a read that began before is not handed out any more.
   */
  readonly pageAfter: (afterSeq: number, read: PageRead) => PageRead
}

interface Page {
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly fiber: Fiber.Fiber<HistoryPage, ReadFailure>
}

/** A conversation that is followed. */
class Watched {
  readonly latches = new Set<Latch.Latch>()
  /** By the seq that they come after, the oldest read first. */
  private readonly pages = new Map<number, Page>()

  /** How often a new message came. */
  private wakes = 0

  wake(): void {
    this.wakes += 1
    this.pages.clear()
    for (const latch of this.latches) latch.openUnsafe()
  }

  /** Reads in a fiber of its own: that one follower leaves must not end the read of the others. */
  pageAfter(afterSeq: number, read: PageRead, scope: Scope.Scope): PageRead {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const known = this.pages.get(afterSeq)
      if (known !== undefined && now - known.startedAt < freshMillis) return Fiber.join(known.fiber)
      const { wakes } = this
      return Effect.flatMap(Effect.forkIn(read, scope), (fiber) => {
        if (this.wakes === wakes) this.keep(afterSeq, { startedAt: now, fiber })
        return Fiber.join(fiber)
      })
    })
  }

  private keep(afterSeq: number, page: Page): void {
    this.pages.delete(afterSeq)
    for (const oldest of this.pages.keys()) {
      if (this.pages.size < pagesMax) break
      this.pages.delete(oldest)
    }
    this.pages.set(afterSeq, page)
    page.fiber.addObserver((exit) => {
      // Only the end of a conversation is where many stand; a failure is not handed out twice.
      const isWorthKeeping = exit._tag === "Success" && !exit.value.hasMore
      if (!isWorthKeeping && this.pages.get(afterSeq) === page) this.pages.delete(afterSeq)
    })
  }
}

export class ConversationWatchers extends Context.Service<
  ConversationWatchers,
  {
    /** Wakes the followers of a conversation that has a new message, or of all of them. */
    readonly wake: (conversationId: ConversationId | undefined) => void
    /** Follows a conversation until the scope ends; a limited number can do so at once. */
    readonly watch: (conversationId: ConversationId) => Effect.Effect<Watch, Failure<"Overloaded">, Scope.Scope>
  }
>()("fiberchat/actors/ConversationWatchers") {
  static readonly layer = Layer.effect(
    ConversationWatchers,
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const conversations = new Map<ConversationId, Watched>()
      let size = 0

      const add = (conversationId: ConversationId, latch: Latch.Latch): Watched => {
        const watched = conversations.get(conversationId) ?? new Watched()
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
      const watchOf = (watched: Watched, latch: Latch.Latch): Watch => ({
        news: Effect.andThen(
          latch.await,
          Effect.sync(() => latch.closeUnsafe())
        ),
        pageAfter: (afterSeq, read) => watched.pageAfter(afterSeq, read, scope)
      })

      return ConversationWatchers.of({
        wake: (conversationId) => {
          if (size === 0) return
          if (conversationId !== undefined) conversations.get(conversationId)?.wake()
          else for (const watched of conversations.values()) watched.wake()
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
              (watched) => watchOf(watched, latch)
            )
          })
      })
    })
  )
}
