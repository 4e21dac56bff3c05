/** Sends what has no connection of its own to come from: a service's messages, and what happens to groups. */
import { Clock, Context, Effect, Layer } from "effect"
import { Transfer } from "../../domain/cluster/Transfer.ts"
import { draftOf, type Wish } from "../../domain/messages/Drafting.ts"
import type { Message } from "../../domain/messages/Message.ts"
import type { AppendResult } from "../../domain/messages/MessageStore.ts"
import { type Failure, failure, isFailure } from "../../domain/shared/Failure.ts"
import { Ids } from "../../domain/shared/Ids.ts"

/** How long a caller waits to hear that a message is durable; afterwards it may still become so. */
const patience = "30 seconds"

export class MessageSender extends Context.Service<
  MessageSender,
  {
    /**
     * Waits until the message is durable, and gives it; sent again under the same id it gives the first one. Fails
     * with what the wish came to, with why the store refused it, or with `Overloaded`.
     */
    readonly send: (wish: Wish | Failure) => Effect.Effect<Message, Failure>
  }
>()("fiberchat/actors/MessageSender") {
  static readonly layer = Layer.effect(
    MessageSender,
    Effect.gen(function* () {
      const transfer = yield* Transfer
      const ids = yield* Ids
      const clock = yield* Clock.Clock
      const overloaded = failure("Overloaded", { retryAfter: 1_000 })

      const published = (wish: Wish) =>
        Effect.callback<AppendResult, Failure>((resume) => {
          const draft = draftOf(wish, ids.messageId(), clock.currentTimeMillisUnsafe())
          const isTaken = transfer.publish(draft, (result) => resume(Effect.succeed(result)))
          if (!isTaken) resume(Effect.fail(overloaded))
        })

      return MessageSender.of({
        send: Effect.fn("MessageSender.send")(function* (wish) {
          if (isFailure(wish)) return yield* wish
          const result = yield* Effect.timeoutOrElse(published(wish), {
            duration: patience,
            orElse: () => Effect.fail(overloaded)
          })
          return result._tag === "Rejected" ? yield* result.error : result.message
        })
      })
    })
  )
}
