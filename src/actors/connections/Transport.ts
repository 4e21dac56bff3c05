/** What a connection actor needs of a socket. The driver is in `src/http`; tests bring their own. */
import type { Effect } from "effect"

export interface Transport {
  /** Queues one text message. */
  readonly send: (text: string | Uint8Array) => void
  /** Whether so much waits for the peer to read it that no more should be sent. */
  readonly isFull: () => boolean
  /** Waits until the peer has read what waits, or the socket is gone. */
  readonly drained: () => Effect.Effect<void>
  readonly ping: () => void
  /** Says why and closes; a peer that does not answer is cut off within a second. */
  readonly close: (code: number, reason: string) => void
  /** Stop and go on reading from the peer. */
  readonly pause: () => void
  readonly resume: () => void
  /** Holds what is sent back until `uncork`, so that several frames leave in one write. */
  readonly cork: () => void
  readonly uncork: () => void
}
