/** Messages that one user has sent, and the server's acks for them: the memory of the run, few bytes per message. */

/** The content of the first ack of a message. */
export interface Promised {
  readonly seq: number
  readonly messageId: string
}

/** Messages are numbered from 0; the number is the frame's id. */
export class Ledger {
  /** To which of the user's partners each went. */
  private readonly partners: Array<number> = []
  private readonly promises: Array<Promised | undefined> = []
  /** Refused at least once: it took its turn later than it was first sent. */
  private readonly refused = new Set<number>()
  /** Sent and not acknowledged, in the order in which they were first sent. */
  readonly open = new Set<number>()
  acked = 0

  get sent(): number {
    return this.partners.length
  }

  /** A new message to this partner. */
  add(partner: number): number {
    const number = this.partners.push(partner) - 1
    this.open.add(number)
    return number
  }

  partnerOf(number: number): number {
    return this.partners[number] ?? -1
  }

  refuse(number: number): void {
    this.refused.add(number)
  }

  /** Whether the server has never refused it, so that it may not be overtaken. */
  keepsOrder(number: number): boolean {
    return !this.refused.has(number)
  }

  /** Takes an ack; answers what an earlier one said, if that was something else. */
  acknowledge(number: number, promised: Promised): Promised | undefined {
    const first = this.promises[number]
    if (first === undefined) {
      this.promises[number] = promised
      this.open.delete(number)
      this.acked += 1
      return undefined
    }
    return first.seq === promised.seq && first.messageId === promised.messageId ? undefined : first
  }

  promisedOf(number: number): Promised | undefined {
    return this.promises[number]
  }
}
