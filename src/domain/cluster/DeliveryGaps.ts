/** The port to durable gaps: gateways that lack outcomes, which some worker must tell to have their clients sync. */
import { Context, type Effect } from "effect"
import type { Failure } from "../shared/Failure.ts"

/** A gateway that lacks outcomes, by its address; the mark changes with each further one. */
export interface DeliveryGap {
  readonly gateway: string
  readonly mark: string
}

export class DeliveryGaps extends Context.Service<
  DeliveryGaps,
  {
    /** Notes that a gateway lacks outcomes. Durable when it returns: a worker may end then, and another one tells. */
    readonly open: (gateway: string) => Effect.Effect<void, Failure<"DatabaseError">>
    /** All gaps that are open, of any worker. */
    readonly list: Effect.Effect<ReadonlyArray<DeliveryGap>, Failure<"DatabaseError">>
    /** The gateway has been told. A gap that has got another mark since stays open. */
    readonly close: (gap: DeliveryGap) => Effect.Effect<void, Failure<"DatabaseError">>
  }
>()("fiberchat/domain/DeliveryGaps") {}
