/** Requests of a client and how they end (protocol.md sections 1.4 and 1.6). */
import { ackFrame, dataFrame, errFrame, type ServerFrame } from "../protocol/Frame.ts"
import type { AnyFailure } from "../shared/Failure.ts"
import { rootUserId } from "../shared/Ids.ts"

/** The part of a data frame that its response needs. */
export interface Request {
  readonly id: string
  readonly method: string
  readonly ackSeq: number
  readonly wantsAck: boolean
}

/** How a request ended: a command that took effect, a query with its answer, or an error. */
export type Outcome =
  | { readonly _tag: "Done"; readonly data: unknown }
  | { readonly _tag: "Answered"; readonly data: unknown }
  | { readonly _tag: "Failed"; readonly error: AnyFailure }

/** The frame that answers a request; `ackTime` in Unix milliseconds. */
export const responseTo = (request: Request, outcome: Outcome, ackTime: number): ServerFrame | undefined => {
  switch (outcome._tag) {
    case "Done":
      return request.wantsAck ? ackFrame(request.id, request.ackSeq, ackTime, { data: outcome.data }) : undefined
    case "Answered":
      return dataFrame(request.id, request.method, rootUserId, outcome.data)
    case "Failed":
      return errFrame(request.id, outcome.error, request.method)
  }
}
