/** {@link Ids} from the snowflake generator of Effect's cluster module. */
import { Effect, Layer } from "effect"
import { MachineId, Snowflake } from "effect/cluster"
import {
  type ConnectionId,
  type FriendRequestId,
  type GroupId,
  type GroupRequestId,
  Ids,
  type MessageId,
  type UserId
} from "../../../domain/shared/Ids.ts"
import { ProcessLease } from "./ProcessLease.ts"

const make = Effect.map(Snowflake.makeGenerator, (generator) => {
  const next = () => String(generator.nextUnsafe())
  const ids = Ids.of({
    userId: () => next() as UserId,
    groupId: () => next() as GroupId,
    friendRequestId: () => next() as FriendRequestId,
    groupRequestId: () => next() as GroupRequestId,
    messageId: () => next() as MessageId,
    connectionId: () => next() as ConnectionId,
    uniqueId: next
  })
  return { ids, setMachineId: generator.setMachineId }
})

/** With a random machine id: for one process alone. */
export const layer = Layer.effect(
  Ids,
  Effect.map(make, ({ ids }) => ids)
)

/** With the machine id that this process has leased. */
export const layerLeased = Layer.effect(
  Ids,
  Effect.gen(function* () {
    const { machineId } = yield* ProcessLease
    const { ids, setMachineId } = yield* make
    yield* setMachineId(MachineId.make(machineId))
    return ids
  })
)
