/** Frames that a client sends, and what it finds in the server's (protocol.md sections 1.2 to 1.7). */
import { randomUUID } from "node:crypto"
import type { User } from "./Accounts.ts"

export const type = { data: 0, ping: 1, ack: 2, noAck: 3, err: 9 } as const

/** A frame as the server sent it; absent fields have the zero value. */
export interface Frame {
  readonly id: string
  readonly frameType: number
  readonly method: string
  readonly fromID: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into payloads of any shape
  readonly data: any
  readonly ackSeq: number
  readonly ackTime: string
  readonly ackErrCount: number
  /** When it came, on the clock of `performance.now()`. */
  readonly receivedAt: number
}

/** A frame as a client sends it. */
export interface Draft {
  readonly id?: string
  readonly frameType?: number
  readonly method?: string
  readonly fromID?: string
  readonly data?: unknown
  readonly ackSeq?: number
}

export interface Message {
  readonly messageId: string
  readonly clientId: string
  readonly conversationID: string
  readonly seq: number
  readonly sendId: string
  readonly receiveId: string
  readonly sendTime: unknown
  readonly messageType: number
  readonly content: string
}

/** An id that no other frame has. */
export const freshId = (label: string): string => `${label}-${randomUUID()}`

export const chat = (id: string, receiver: User, content: string): Draft & { readonly id: string } => ({
  id,
  frameType: type.data,
  method: "conversation.chat",
  data: { chatType: 1, receiveId: receiver.id, message: { messageType: 0, content } }
})

export const request = (method: string, data: unknown = {}): Draft & { readonly id: string } => ({
  id: freshId(method),
  frameType: type.data,
  method,
  data
})

/** The second step of mode rigor. */
export const confirmation = (id: string): Draft => ({ id, frameType: type.ack, ackSeq: 2 })

/** The ack of a push; with a position it counts for every push of the conversation up to it. */
export const pushAck = (id: string, position?: { readonly conversationID: string; readonly seq: number }): Draft => ({
  id,
  frameType: type.ack,
  ackSeq: 1,
  ...(position === undefined ? {} : { data: position })
})

export const conversationOf = (a: User, b: User): string =>
  [a.id, b.id].toSorted((x, y) => (BigInt(x) < BigInt(y) ? -1 : 1)).join("_")

export const isAck =
  (id: string, ackSeq: number) =>
  (frame: Frame): boolean =>
    frame.id === id && frame.frameType === type.ack && frame.ackSeq === ackSeq

export const isErr =
  (id: string) =>
  (frame: Frame): boolean =>
    frame.id === id && frame.frameType === type.err

export const isPush = (frame: Frame): boolean => frame.method === "push"

/** A push of the message that its sender gave this id. */
export const isPushOf =
  (clientId: string) =>
  (frame: Frame): boolean =>
    isPush(frame) && frame.data.clientId === clientId

export const isSyncRequired =
  (conversationID: string) =>
  (frame: Frame): boolean =>
    frame.method === "sync.required" && frame.data?.conversationID === conversationID

export const seqsOf = (messages: ReadonlyArray<{ readonly seq: number }>): ReadonlyArray<number> =>
  messages.map(({ seq }) => seq)

/** `from`, `from + 1`, … `to`. */
export const range = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
