/** Tells who follows a conversation on this node that there is something new in it. */
import { Context, Effect, Latch, Layer, type Scope } from "effect"
import type { ConversationId } from "../domain/Conversation.ts"
import { ApiError } from "../domain/ErrorTable.ts"

/** Those who follow a conversation at the same time. */
const watchersMax = 1_000

/** Waits for something new since it waited last. */
export type Watch = Effect.Effect<void>

export class ConversationWatchers extends Context.Service<
  ConversationWatchers,
  {
    /** Something new is in this conversation, or may be in any. */
    readonly nudge: (conversationId: ConversationId | undefined) => void
    /** Follows a conversation until the scope ends. Fails with `Overloaded` when too many do. */
    readonly watch: (conversationId: ConversationId) => Effect.Effect<Watch, ApiError, Scope.Scope>
  }
>()("fiberchat/actors/ConversationWatchers") {
  static readonly layer = Layer.sync(ConversationWatchers, () => {
    const watching = new Map<ConversationId, Set<Latch.Latch>>()
    let size = 0

    const add = (conversationId: ConversationId, latch: Latch.Latch): void => {
      const others = watching.get(conversationId)
      if (others === undefined) watching.set(conversationId, new Set([latch]))
      else others.add(latch)
      size += 1
    }
    const remove = (conversationId: ConversationId, latch: Latch.Latch): void => {
      const others = watching.get(conversationId)
      others?.delete(latch)
      if (others?.size === 0) watching.delete(conversationId)
      size -= 1
    }

    return ConversationWatchers.of({
      nudge: (conversationId) => {
        if (size === 0) return
        const nudged = conversationId === undefined ? [...watching.values()] : [watching.get(conversationId) ?? []]
        for (const latches of nudged) for (const latch of latches) latch.openUnsafe()
      },
      watch: (conversationId) =>
        Effect.suspend(() => {
          if (size >= watchersMax) return Effect.fail(ApiError.of("Overloaded", { retryAfter: 5_000 }))
          const latch = Latch.makeUnsafe()
          return Effect.as(
            Effect.acquireRelease(
              Effect.sync(() => add(conversationId, latch)),
              () => Effect.sync(() => remove(conversationId, latch))
            ),
            Effect.andThen(
              latch.await,
              Effect.sync(() => latch.closeUnsafe())
            )
          )
        })
    })
  })
}
