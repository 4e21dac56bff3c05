/** Sends drafts: publishes them, and waits for their results. */
import { Clock, Context, Effect, Layer, Result } from "effect"
import type { Draft, Made, RefusalOf, Unsent } from "../messages/Draft.ts"
import { type Message, MessageType } from "../messages/Message.ts"
import type { AppendResult } from "../messages/MessageStore.ts"
import {
  type AppendRefusal,
  changeRefusals,
  type DraftProblem,
  groupEventRefusals,
  messageRefusals,
  type TransferFailure,
  transferFailures
} from "../messages/Refusals.ts"
import { Transfer } from "../messages/Transfer.ts"
import { type Failure, failure } from "../shared/Failure.ts"
import { type ConnectionId, Ids } from "../shared/Ids.ts"

/** How long a caller waits until its message is durable; afterwards it may still become so. */
const sendTimeout = "30 seconds"

/** Everything with which sending a draft of this kind fails. */
export type SendFailure<D extends Unsent> = Failure<DraftProblem | RefusalOf<D> | TransferFailure>

export class MessageSender extends Context.Service<
  MessageSender,
  {
    /**
     * Publishes a draft without waiting; drafts of one conversation keep the order of these calls. `reply` is called once,
     * with the stored message or the reason of the refusal. A draft that comes again under the same id has the first
     * message as its result.
     */
    readonly publish: <D extends Unsent>(
      made: Made<D>,
      origin: ConnectionId | undefined,
      reply: (result: Result.Result<Message, SendFailure<D>>) => void
    ) => void
    /** Waits until the message is durable; after {@link sendTimeout} it fails with `Overloaded`. */
    readonly send: <D extends Unsent>(made: Made<D>) => Effect.Effect<Message, SendFailure<D>>
  }
>()("fiberchat/domain/MessageSender") {
  static readonly layer = Layer.effect(
    MessageSender,
    Effect.gen(function* () {
      const transfer = yield* Transfer
      const ids = yield* Ids
      const clock = yield* Clock.Clock

      const publish: MessageSender["Service"]["publish"] = (made, origin, reply) => {
        if (Result.isFailure(made)) return reply(Result.fail(made.failure))
        const unsent: Unsent = made.success
        const draft: Draft = {
          ...unsent,
          messageId: ids.messageId(),
          sendTime: clock.currentTimeMillisUnsafe(),
          ...(origin === undefined ? {} : { origin })
        }
        const isTaken = transfer.publish(draft, (result) => reply(resultOf(made.success, result)))
        if (!isTaken) reply(Result.fail(overloaded))
      }

      const sent = <D extends Unsent>(made: Made<D>) =>
        Effect.callback<Message, SendFailure<D>>((resume) =>
          publish(made, undefined, (result) => resume(Effect.fromResult(result)))
        )

      return MessageSender.of({
        publish,
        send: (made) =>
          Effect.timeoutOrElse(sent(made), { duration: sendTimeout, orElse: () => Effect.fail(overloaded) }).pipe(
            Effect.withSpan("MessageSender.send")
          )
      })
    })
  )
}

const overloaded = failure("Overloaded", { retryAfter: 1_000 })

const resultOf = <D extends Unsent>(draft: D, result: AppendResult): Result.Result<Message, SendFailure<D>> =>
  result._tag === "Rejected" ? Result.fail(refusal(draft, result.error)) : Result.succeed(result.message)

/** The errors that the types promise for this kind of draft; any other is a fault of the store. */
const refusalsOf = (draft: Unsent): ReadonlyArray<AppendRefusal> => {
  switch (draft.messageType) {
    case MessageType.system:
      return groupEventRefusals[draft.event.event]
    case MessageType.recall:
    case MessageType.edit:
    case MessageType.reaction:
      return changeRefusals[draft.messageType]
    default:
      return messageRefusals
  }
}

const refusal = <D extends Unsent>(draft: D, error: Failure<AppendRefusal>): SendFailure<D> => {
  const isKnown = [...refusalsOf(draft), ...transferFailures].includes(error._tag)
  return (isKnown ? error : failure("ServerError", { cause: error })) as SendFailure<D>
}
