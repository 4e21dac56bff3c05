/** The one table of error numbers (protocol.md section 2.3). */

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
  UnsupportedMediaType: { code: 100012, status: 415, msg: "unsupported media type" },
  PhoneTaken: { code: 200001, status: 409, msg: "phone already registered" },
  WrongCredentials: { code: 200002, status: 401, msg: "wrong phone or password" },
  UserNotFound: { code: 200003, status: 404, msg: "no such user" },
  BadPhone: { code: 200004, status: 400, msg: "not a valid phone number" },
  BadRefreshToken: { code: 200005, status: 401, msg: "refresh token is unknown, expired or revoked" },
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
  TooLate: { code: 300012, status: 403, msg: "too late to change this message" },
  StaleCursor: { code: 300013, status: 410, msg: "this cursor is from another past of the store: begin without one" },
  BadInvitation: { code: 300014, status: 410, msg: "this invitation is unknown, expired, used up or revoked" }
} as const satisfies Record<string, { code: number; status: number; msg: string }>

export type ErrorName = keyof typeof errorTable
export type ErrorCode = (typeof errorTable)[ErrorName]["code"]

/** The statuses of the table, each once, in ascending order. */
export const errorStatuses: ReadonlyArray<number> = [
  ...new Set(Object.values(errorTable).map((row) => row.status))
].sort((a, b) => a - b)
