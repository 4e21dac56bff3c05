/** Common parts of requests to become friends and requests to join a group. */
import { Schema } from "effect"
import { isWellFormed } from "./Text.ts"

/** The Go project's numbers: `none` has not been answered yet. */
export const HandleResult = { none: 1, pass: 2, refuse: 3, cancel: 4 } as const
export const AnyHandleResult = Schema.Literals([1, 2, 3, 4])
export type HandleResult = typeof AnyHandleResult.Type

/**
 * Responses to a request. The user who was asked, or a manager of the group, passes or refuses it; the requester cancels
 * it, and so may the user whom a group request would bring in.
 */
export const RequestResponse = Schema.Literals([HandleResult.pass, HandleResult.refuse, HandleResult.cancel])
export type RequestResponse = typeof RequestResponse.Type

/** The requester's message, at most 255 code points. */
export const RequestMessage = Schema.String.check(Schema.isMaxCodePoints(255), isWellFormed)
