/** The frame: one JSON text message on the socket, in both directions (protocol.md section 1.2). */
import { Result, Schema } from "effect"
import type { AnyFailure } from "../shared/Failure.ts"
import { depthMax, isTooDeep } from "../shared/Json.ts"
import { isWellFormed } from "../shared/Text.ts"
import { inCaseOf } from "./KeyCase.ts"

/** The Go project's numbers. `noAck` is a data frame that wants no ack in any mode. */
export const FrameType = { data: 0, ping: 1, ack: 2, noAck: 3, err: 9 } as const
export type FrameType = (typeof FrameType)[keyof typeof FrameType]

/** A frame as a client sends it. Absent fields have the zero value, unknown ones are ignored. */
export const ClientFrame = Schema.Struct({
  id: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64), isWellFormed)),
  frameType: Schema.optionalKey(
    Schema.Literals([FrameType.data, FrameType.ping, FrameType.ack, FrameType.noAck, FrameType.err])
  ),
  method: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64))),
  fromID: Schema.optionalKey(Schema.String),
  data: Schema.optionalKey(Schema.Unknown),
  ackSeq: Schema.optionalKey(Schema.Int),
  ackTime: Schema.optionalKey(Schema.String),
  ackErrCount: Schema.optionalKey(Schema.Int)
})

/** A client's frame with every field that the server reads filled in. */
export interface Frame {
  readonly id: string
  readonly frameType: FrameType
  readonly method: string
  readonly data: unknown
  readonly ackSeq: number
  /** The length of its text, in UTF-16 units: what it costs to keep it. */
  readonly size: number
}

/** Why a text is not a frame, and the id that it carries as far as that could be read. */
export interface BadFrame {
  readonly id: string
  readonly problem: string
  /** As of a {@link Frame}. */
  readonly size: number
}

const decodeClientFrame = Schema.decodeUnknownResult(ClientFrame)
const inCaseOfFrame = inCaseOf(ClientFrame)

/** Reads the text of one WebSocket message. */
export const parseFrame = (text: string): Result.Result<Frame, BadFrame> => {
  if (isTooDeep(text)) return Result.fail({ id: "", problem: `nested more than ${depthMax} deep`, size: text.length })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return Result.fail({ id: "", problem: "not JSON", size: text.length })
  }
  json = inCaseOfFrame(json)
  const decoded = decodeClientFrame(json)
  if (Result.isFailure(decoded)) {
    return Result.fail({ id: readableId(json), problem: decoded.failure.message, size: text.length })
  }
  const frame = decoded.success
  return Result.succeed({
    id: frame.id ?? "",
    frameType: frame.frameType ?? FrameType.data,
    method: frame.method ?? "",
    data: frame.data,
    ackSeq: frame.ackSeq ?? 0,
    size: text.length
  })
}

const readableId = (json: unknown): string =>
  typeof json === "object" && json !== null && "id" in json && typeof json.id === "string"
    ? json.id.slice(0, 64).toWellFormed()
    : ""

/** A frame as the server sends it; fields that would be zero are left out. */
export const ServerFrame = Schema.Struct({
  id: Schema.String,
  frameType: Schema.Literals([FrameType.data, FrameType.ping, FrameType.ack, FrameType.err]),
  method: Schema.optionalKey(Schema.String),
  fromID: Schema.optionalKey(Schema.String),
  data: Schema.optionalKey(Schema.Unknown),
  ackSeq: Schema.optionalKey(Schema.Int),
  ackTime: Schema.optionalKey(Schema.String),
  ackErrCount: Schema.optionalKey(Schema.Int)
})
export type ServerFrame = typeof ServerFrame.Type

const utf8 = new TextEncoder()
/** A frame as it goes over the wire: encoded once, however many get it. */
export const encodeFrame = (frame: ServerFrame): Uint8Array => utf8.encode(JSON.stringify(frame))

/** The response to a query, or an event. */
export const dataFrame = (id: string, method: string, fromID: string, data: unknown): ServerFrame => ({
  id,
  frameType: FrameType.data,
  method,
  fromID,
  data
})

/** The answer to a ping frame: a ping frame with the same id. */
export const pingFrame = (id: string): ServerFrame => ({ id, frameType: FrameType.ping })

/** The ack of the client's step `ackSeq`, itself a step further; `errCount` says how often it was sent before. */
export const ackFrame = (
  id: string,
  ackSeq: number,
  ackTimeMillis: number,
  options: { readonly data?: unknown; readonly errCount?: number }
): ServerFrame => ({
  id,
  frameType: FrameType.ack,
  ackSeq: ackSeq + 1,
  ackTime: rfc3339(ackTimeMillis),
  ...repeated(options.errCount),
  ...(options.data === undefined ? {} : { data: options.data })
})

/** Keeps the last text: a millisecond has many acks, and formatting the time is a third of the cost of an ack. */
const rfc3339 = (millis: number): string => {
  if (millis !== lastMillis) {
    lastMillis = millis
    lastText = new Date(millis).toISOString()
  }
  return lastText
}
let lastMillis = Number.NaN
let lastText = ""

/** How often a frame was sent before; absent for the first time. */
export const repeated = (errCount: number | undefined): { readonly ackErrCount?: number } =>
  errCount === undefined || errCount === 0 ? {} : { ackErrCount: errCount }

/** The failure of the frame with this id. */
export const errFrame = (id: string, error: AnyFailure, method?: string): ServerFrame => ({
  id,
  frameType: FrameType.err,
  data: {
    code: error.code,
    msg: error.msg,
    ...(method === undefined || method === "" ? {} : { method }),
    ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter })
  }
})

/** Optional data of a push's ack: it counts for every push of the conversation up to this seq. */
export const PushAck = Schema.Struct({ conversationID: Schema.String, seq: Schema.Int })
export type PushAck = typeof PushAck.Type
