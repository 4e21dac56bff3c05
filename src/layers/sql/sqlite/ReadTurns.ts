/**
 * The order of reads where one connection serves all (docs/decisions/0007). The server's own reads, such as token checks,
 * come first; then users take turns, so that no user waits for all that another one has asked for.
 */
import type { UserId } from "../../../domain/shared/Ids.ts"

/** Reads that may wait: about ten for each connection of a full node. */
const waitingMax = 100_000
/** Reads that are handed over: the second one is there when the first has ended. */
const startedMax = 2

export class ReadTurns {
  private readonly own = new Set<() => void>()
  /** In the order of their turns; a user has at least one read here. */
  private readonly byUser = new Map<UserId, Set<() => void>>()
  private waiting = 0
  private started = 0

  /**
   * Calls `start` when its turn comes, maybe at once; {@link ReadTurns.ended} must be called when that read has ended.
   * Returns a function that gives the turn up, without effect once it has come. `undefined`, and nothing done, when too
   * many wait.
   */
  join(userId: UserId | undefined, start: () => void): (() => void) | undefined {
    if (this.waiting >= waitingMax) return undefined
    const turns = userId === undefined ? this.own : (this.byUser.get(userId) ?? new Set())
    if (userId !== undefined) this.byUser.set(userId, turns)
    turns.add(start)
    this.waiting += 1
    this.startNext()
    return () => {
      if (!turns.delete(start)) return
      this.waiting -= 1
      if (userId !== undefined && turns.size === 0) this.byUser.delete(userId)
    }
  }

  ended(): void {
    this.started -= 1
    this.startNext()
  }

  private startNext(): void {
    if (this.started >= startedMax) return
    const start = this.next()
    if (start === undefined) return
    this.waiting -= 1
    this.started += 1
    start()
  }

  private next(): (() => void) | undefined {
    const [own] = this.own
    if (own !== undefined) {
      this.own.delete(own)
      return own
    }
    for (const [userId, turns] of this.byUser) {
      this.byUser.delete(userId)
      const [first] = turns
      if (first === undefined) continue
      turns.delete(first)
      if (turns.size > 0) this.byUser.set(userId, turns)
      return first
    }
    return undefined
  }
}
