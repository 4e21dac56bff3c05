/** What a connection actor needs of a socket. The driver is in `src/http`; tests bring their own. */
export interface Transport {
  /** Queues one text message. `false` when too much is waiting for a peer that does not read: nothing was queued. */
  readonly send: (text: string | Uint8Array) => boolean
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
