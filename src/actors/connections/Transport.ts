/** The socket, as a connection actor uses it. The driver is in `src/http`; tests bring their own. */
import type { Effect } from "effect"

export interface Transport {
  /** Queues one text message. */
  readonly send: (text: string | Uint8Array) => void
  /** Whether so much is unread by the peer that no more should be sent. */
  readonly isFull: () => boolean
  /** Waits until the peer has read everything, or the socket is closed. */
  readonly drained: () => Effect.Effect<void>
  readonly ping: () => void
  /** Closes with a code and a reason; a peer that does not answer is cut off within a second. */
  readonly close: (code: number, reason: string) => void
  /** Stops reading from the peer, until `resume`. */
  readonly pause: () => void
  readonly resume: () => void
  /** Holds frames back until `uncork`, so that several leave in one write. */
  readonly cork: () => void
  readonly uncork: () => void
}
