/** A message on its way from a client, from its first sending to its last ack. */
import type { Receipt } from "../harness/Wire.ts"

/** A message that this client sends, and what became of it. */
export interface Outgoing {
  readonly id: string
  readonly content: string
  /** Position among the messages of this client, counted when it is first sent; `undefined` before. */
  order: number | undefined
  /** Whether the server's rate limit may have let later ones pass it: nobody can tell its place then. */
  isOvertaken: boolean
  /** The connection on which it was first sent: 1, 2, …; 0 before. */
  connection: number
  /** Frames sent on this connection that are not answered yet. */
  awaited: number
  /** The content of the first ack. */
  receipt: Receipt | undefined
  /** Acks after the first. */
  repeats: number
}

/** A message that was not sent yet. */
export const outgoing = (id: string, content: string): Outgoing => ({
  id,
  content,
  order: undefined,
  isOvertaken: false,
  connection: 0,
  awaited: 0,
  receipt: undefined,
  repeats: 0
})
