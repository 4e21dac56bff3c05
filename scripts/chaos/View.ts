/** A device's view of one conversation, from acks, pushes and sync: the number of each message. */

/** A message in a few bytes: who of the two has sent it, and its number in the sender's ledger. */
export const messageKey = (isOwn: boolean, number: number): number => (isOwn ? number : -1 - number)

export class View {
  private readonly keys: Array<number | undefined> = []
  /** Everything up to this seq is here. */
  upTo = 0
  /** The last seq that is here. */
  last = 0

  /** Whether something before the last message is missing. */
  get hasGap(): boolean {
    return this.upTo < this.last
  }

  /** Takes a message, as often as it comes; `false` when another one was at its place before. */
  take(seq: number, key: number): boolean {
    const first = this.keys[seq]
    if (first !== undefined) return first === key
    this.keys[seq] = key
    if (seq > this.last) this.last = seq
    while (this.keys[this.upTo + 1] !== undefined) this.upTo += 1
    return true
  }

  at(seq: number): number | undefined {
    return this.keys[seq]
  }
}
