/**
 * The wire as the clients here know it (protocol.md sections 1 and 2). Written anew on purpose: a client that shared code
 * with the server would share its mistakes.
 */

/** The numbers of the frame types that they meet. */
export const frameTypes = { data: 0, ack: 2, err: 9 } as const

/** The error codes that they expect (protocol.md section 2.3). */
export const codes = {
  forbidden: 100005,
  database: 100003,
  conflict: 100007,
  rateLimited: 100008,
  overloaded: 100009,
  noConversation: 300001,
  contentTooLarge: 300004
} as const

/** A frame as it came; `data` is whatever the method says. */
export interface WireFrame {
  readonly id: string
  readonly frameType: number
  readonly method: string
  readonly ackSeq: number
  readonly data: unknown
}

/** The promise of a chat message's ack. */
export interface Receipt {
  readonly messageId: string
  readonly conversationID: string
  readonly seq: number
  /** Server time, Unix milliseconds. */
  readonly sendTime: number
}

/** A stored message, whichever way it was read: push, history or chatlog. */
export interface StoredMessage extends Receipt {
  readonly clientId: string
  readonly sendId: string
  readonly receiveId: string
  readonly content: string
}

/** The field of a JSON object; `undefined` where there is none. */
export const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined

/** A field that must be a string. Throws when it is not. */
export const textField = (value: unknown, name: string): string => {
  const found = field(value, name)
  if (typeof found !== "string") throw new Error(`no text "${name}" in ${brief(value)}`)
  return found
}

/** A field that must be a number. Throws when it is not. */
export const numberField = (value: unknown, name: string): number => {
  const found = field(value, name)
  if (typeof found !== "number") throw new Error(`no number "${name}" in ${brief(value)}`)
  return found
}

/** A field that must be an array. Throws when it is not. */
export const listField = (value: unknown, name: string): ReadonlyArray<unknown> => {
  const found = field(value, name)
  if (!Array.isArray(found)) throw new Error(`no list "${name}" in ${brief(value)}`)
  return found
}

const brief = (value: unknown): string => String(JSON.stringify(value)).slice(0, 200)

/** Reads one WebSocket message; absent fields have their zero value. */
export const readFrame = (text: string): WireFrame => {
  const json: unknown = JSON.parse(text)
  const method = field(json, "method")
  const ackSeq = field(json, "ackSeq")
  return {
    id: textField(json, "id"),
    frameType: numberField(json, "frameType"),
    method: typeof method === "string" ? method : "",
    ackSeq: typeof ackSeq === "number" ? ackSeq : 0,
    data: field(json, "data")
  }
}

/** The code of an err frame; 0 for any other frame. */
export const codeOf = (frame: WireFrame): number =>
  frame.frameType === frameTypes.err ? numberField(frame.data, "code") : 0

/** The waiting time that an err frame asks for, in milliseconds. */
export const retryAfterOf = (frame: WireFrame): number => {
  const retryAfter = field(frame.data, "retryAfter")
  return typeof retryAfter === "number" ? retryAfter : 1_000
}

/** The data of a chat message's ack. */
export const readReceipt = (data: unknown): Receipt => ({
  messageId: textField(data, "messageId"),
  conversationID: textField(data, "conversationID"),
  seq: numberField(data, "seq"),
  sendTime: numberField(data, "sendTime")
})

/** A message of a push or of `conversation.history`. */
export const readMessage = (data: unknown): StoredMessage => ({
  ...readReceipt(data),
  clientId: textField(data, "clientId"),
  sendId: textField(data, "sendId"),
  receiveId: textField(data, "receiveId"),
  content: textField(data, "content")
})

/** A message of `GET /v1/im/chatlog`, which has the Go project's names. */
export const readChatLog = (data: unknown): StoredMessage => ({
  messageId: textField(data, "id"),
  conversationID: textField(data, "conversationId"),
  seq: numberField(data, "seq"),
  sendTime: numberField(data, "sendTime"),
  clientId: textField(data, "clientId"),
  sendId: textField(data, "sendId"),
  receiveId: textField(data, "recvId"),
  content: textField(data, "msgContent")
})
