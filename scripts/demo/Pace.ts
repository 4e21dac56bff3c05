/** How fast a client sends. */

/** Messages in flight at most, and frames per second where the server limits them. */
export interface Pace {
  readonly inFlightMax: number
  readonly frames: { readonly perSecond: number; readonly burst: number } | undefined
}

/** The frames that may be sent now: a token bucket, full when the connection opens. */
export class FrameCredit {
  private readonly frames: Pace["frames"]
  private credit: number
  private perSecond: number
  private creditedAt = performance.now()

  constructor({ frames }: Pace) {
    this.frames = frames
    this.credit = frames?.burst ?? 0
    this.perSecond = frames?.perSecond ?? 0
  }

  /** Takes the credit for one frame, if there is any. */
  spend(): boolean {
    if (this.frames === undefined) return true
    const now = performance.now()
    this.credit = Math.min(this.frames.burst, this.credit + ((now - this.creditedAt) * this.perSecond) / 1_000)
    this.creditedAt = now
    if (this.credit < 1) return false
    this.credit -= 1
    return true
  }

  /** After a refusal: nothing at once, and less from now on. A server cuts off who does not listen. */
  slowDown(): void {
    this.credit = 0
    this.perSecond = Math.max(2, this.perSecond * 0.9)
  }
}
