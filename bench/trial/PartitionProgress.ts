/** How far the records of one partition are done with, whatever the order in which they are. */

interface Entry {
  readonly nextOffset: bigint
  done: boolean
}

export class PartitionProgress {
  /** Where a consumer has to go on, once everything before it is done; `undefined` as long as nothing is. */
  committable: bigint | undefined
  leaderEpoch = -1
  private entries: Array<Entry> = []
  private first = 0

  /** Takes a record; what comes back is called when it is done with, and answers whether {@link committable} has moved. */
  begin(offset: bigint, leaderEpoch: number): () => boolean {
    const entry: Entry = { nextOffset: offset + 1n, done: false }
    this.entries.push(entry)
    this.leaderEpoch = leaderEpoch
    return () => {
      entry.done = true
      return this.advance()
    }
  }

  private advance(): boolean {
    const before = this.committable
    for (let entry = this.entries[this.first]; entry?.done === true; entry = this.entries[this.first]) {
      this.first += 1
      // After a rebalance records come again: what was done with stays so.
      if (this.committable === undefined || entry.nextOffset > this.committable) this.committable = entry.nextOffset
    }
    if (this.first > 1_024) {
      this.entries = this.entries.slice(this.first)
      this.first = 0
    }
    return this.committable !== before
  }
}
