/** Acknowledges pushes as a careful client does: for several at once, and soon. */

/** Pushes after which they are acknowledged at once, and how long fewer may wait. */
const togetherMax = 16
const waitMillis = 20

export class PushAcks {
  private newest: string | undefined
  private count = 0
  private timer: NodeJS.Timeout | undefined
  private readonly send: (text: string) => void

  constructor(send: (text: string) => void) {
    this.send = send
  }

  /** Takes a push frame; each pair of the load has one conversation. */
  take(frame: string): void {
    this.newest = frame
    this.count += 1
    if (this.count >= togetherMax) return this.flush()
    this.timer ??= setTimeout(() => this.flush(), waitMillis)
  }

  private flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.count = 0
    const { id, data } = JSON.parse(this.newest ?? "{}")
    const { conversationID, seq } = data
    this.send(JSON.stringify({ id, frameType: 2, ackSeq: 1, data: { conversationID, seq } }))
  }
}
