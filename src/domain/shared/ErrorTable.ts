/**
 * The one table of error numbers (protocol.md section 2.3) and the error that carries a row of it
 * through HTTP responses, RPC failures and WebSocket err frames.
 */
import { Schema } from "effect"

/** Every error the outside can see: its number, the HTTP status that fits it, and the default text. */
export const errorTable = {
  ServerError: { code: 100001, status: 500, msg: "server error" },
  BadParameters: { code: 100002, status: 400, msg: "bad parameters" },
  DatabaseError: { code: 100003, status: 503, msg: "database error" },
  Unauthenticated: { code: 100004, status: 401, msg: "unauthenticated" },
  Forbidden: { code: 100005, status: 403, msg: "forbidden" },
  NotFound: { code: 100006, status: 404, msg: "not found" },
  Conflict: { code: 100007, status: 409, msg: "conflict" },
  RateLimited: { code: 100008, status: 429, msg: "rate limited" },
  Overloaded: { code: 100009, status: 503, msg: "overloaded or draining" },
  PayloadTooLarge: { code: 100010, status: 413, msg: "payload too large" },
  MethodNotAllowed: { code: 100011, status: 405, msg: "method not allowed" },
  PhoneTaken: { code: 200001, status: 409, msg: "phone already registered" },
  WrongCredentials: { code: 200002, status: 401, msg: "wrong phone or password" },
  UserNotFound: { code: 200003, status: 404, msg: "no such user" },
  BadPhone: { code: 200004, status: 400, msg: "not a valid phone number" },
  BadRefreshToken: { code: 200005, status: 401, msg: "refresh token is unknown, expired or used" },
  NoConversation: { code: 300001, status: 404, msg: "no such conversation" },
  NoReceiver: { code: 300002, status: 404, msg: "no such receiver" },
  Blocked: { code: 300003, status: 403, msg: "messages between these users are blocked" },
  ContentTooLarge: { code: 300004, status: 413, msg: "message content is larger than 16 KiB" },
  BadContent: { code: 300005, status: 400, msg: "message content is not well-formed text, or does not fit its type" },
  Unconfirmed: { code: 300006, status: 408, msg: "the server's ack was not confirmed in time" },
  NoRequest: { code: 300007, status: 404, msg: "no such request" },
  NotFriends: { code: 300008, status: 403, msg: "only friends may write to each other" },
  NotMember: { code: 300009, status: 404, msg: "not a member of the group" },
  GroupFull: { code: 300010, status: 409, msg: "the group has as many members as it may" },
  NoMessage: { code: 300011, status: 404, msg: "no such message" },
  TooLate: { code: 300012, status: 403, msg: "too late to change this message" }
} as const satisfies Record<string, { code: number; status: number; msg: string }>

export type ErrorName = keyof typeof errorTable
export type ErrorCode = (typeof errorTable)[ErrorName]["code"]

/** The statuses of the table, each once, in ascending order. */
export const errorStatuses: ReadonlyArray<number> = [
  ...new Set(Object.values(errorTable).map((row) => row.status))
].sort((a, b) => a - b)

const statusByCode = new Map<number, number>(Object.values(errorTable).map((row) => [row.code, row.status]))

/** Any code of the table. */
export const ErrorCode = Schema.Literals(Object.values(errorTable).map((row) => row.code))

/**
 * An expected failure, as clients see it. `retryAfter` (milliseconds) is set when trying again later can help; it
 * becomes the `Retry-After` header over HTTP and a field of the err frame over WebSocket.
 */
export class ApiError extends Schema.TaggedError<ApiError>()("ApiError", {
  code: ErrorCode,
  msg: Schema.String,
  retryAfter: Schema.optionalKey(Schema.Int)
}) {
  override get message(): string {
    return `${this.code} ${this.msg}`
  }

  /** The HTTP status of this error's row. */
  get status(): number {
    return statusByCode.get(this.code) ?? 500
  }

  /** The row `name`, with a more exact text and a waiting time where they help, and for operators the cause. */
  static of(
    name: ErrorName,
    options?: { readonly msg?: string; readonly retryAfter?: number; readonly cause?: unknown }
  ): ApiError {
    const row = errorTable[name]
    const error = new ApiError({
      code: row.code,
      msg: options?.msg ?? row.msg,
      ...(options?.retryAfter === undefined ? {} : { retryAfter: Math.ceil(options.retryAfter) })
    })
    // Never leaves the process: it is no field.
    if (options?.cause !== undefined) error.cause = options.cause
    return error
  }

  /** Whether this error is the row `name`. */
  is(name: ErrorName): boolean {
    return this.code === errorTable[name].code
  }
}
