/** {@link Ids} from the snowflake generator of Effect's cluster module. */
import { Effect, Layer } from "effect"
import { Snowflake } from "effect/cluster"
import { type ConnectionId, Ids, type MessageId, type UserId } from "../domain/Ids.ts"

export const layer = Layer.effect(
  Ids,
  Effect.map(Snowflake.makeGenerator, (generator) => {
    const next = () => String(generator.nextUnsafe())
    return Ids.of({
      userId: () => next() as UserId,
      messageId: () => next() as MessageId,
      connectionId: () => next() as ConnectionId,
      uniqueId: next
    })
  })
)
