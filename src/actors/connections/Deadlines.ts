/**
 * One timer for all connections of this node. Each connection has at most one entry, for the nearest of its deadlines;
 * a single fiber sleeps until the earliest entry is due. A timer fiber per connection would cost about 5 KB each.
 */
import { Cause, Clock, Context, Effect, Latch, Layer } from "effect"
import { monotonicMillis } from "../../domain/shared/MonotonicTime.ts"

/** A wake-up that comes so much later than asked for: the process stood still, or had too much to do. */
const lateMillis = 500
/** How long what has arrived meanwhile is read before deadlines are judged; again while that, too, ends late. */
const readingMillis = 200
/** How often again: a process that is always late must judge at last. */
const readingsMax = 20

/** A timer. `at` and `index` belong to {@link Deadlines}. */
export interface DeadlineEntry {
  /** When it is due, in monotonic milliseconds; `Infinity` when it is not armed. */
  at: number
  /** Place in the heap, `-1` when not armed. */
  index: number
  /** Called once, not before `at`, and after everything that had arrived by then was read; must return at once. */
  onDue(): void
}

export class Deadlines extends Context.Service<
  Deadlines,
  {
    /**
     * Arms an entry for `at`, unless it is armed for an earlier time already: then it is called at that time, too early, and
     * must arm itself again. Most deadlines move many times before they come near, and moving them away costs nothing so.
     */
    readonly arm: (entry: DeadlineEntry, at: number) => void
    readonly cancel: (entry: DeadlineEntry) => void
  }
>()("fiberchat/actors/Deadlines") {
  static readonly layer = Layer.effect(
    Deadlines,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const heap = new DeadlineHeap()
      const earlier = yield* Latch.make()

      const fireDue = Effect.sync(() => {
        const now = monotonicMillis(clock)
        for (let entry = heap.popDue(now); entry !== undefined; entry = heap.popDue(now)) entry.onDue()
      })
      /** Sleeps, and answers whether it ended late. */
      const slept = (millis: number) =>
        Effect.suspend(() => {
          const end = monotonicMillis(clock) + millis
          return Effect.map(Effect.sleep(millis), () => monotonicMillis(clock) > end + lateMillis)
        })
      /** After a late wake-up the sockets hold what peers have sent in time. */
      const readWhatWaits = Effect.gen(function* () {
        for (let readings = 0; readings < readingsMax && (yield* slept(readingMillis)); readings++);
      })
      const sleepUntilFirst = Effect.suspend(() => {
        earlier.closeUnsafe()
        const first = heap.first()
        const wait = first === undefined ? Effect.never : slept(Math.max(0, first.at - monotonicMillis(clock)))
        return Effect.raceFirst(wait, Effect.as(earlier.await, false))
      })
      // A fault of one entry does not stop the others.
      const turn = sleepUntilFirst.pipe(
        Effect.tap((isLate) => (isLate ? readWhatWaits : Effect.void)),
        Effect.andThen(fireDue),
        Effect.catchCause((cause) =>
          Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause) : Effect.logError("a deadline failed", cause)
        )
      )
      yield* Effect.forkScoped(Effect.forever(turn))

      return Deadlines.of({
        arm: (entry, at) => {
          if (at >= entry.at) return
          heap.set(entry, at)
          if (heap.first() === entry) earlier.openUnsafe()
        },
        cancel: (entry) => heap.remove(entry)
      })
    })
  )
}

/** A binary heap by `at` whose entries know their place, so that one can be moved forward or taken out. */
class DeadlineHeap {
  private readonly entries: Array<DeadlineEntry> = []

  first(): DeadlineEntry | undefined {
    return this.entries[0]
  }

  popDue(now: number): DeadlineEntry | undefined {
    const first = this.entries[0]
    if (first === undefined || first.at > now) return undefined
    this.remove(first)
    return first
  }

  set(entry: DeadlineEntry, at: number): void {
    entry.at = at
    if (entry.index < 0) {
      entry.index = this.entries.length
      this.entries.push(entry)
    }
    this.siftUp(entry)
  }

  remove(entry: DeadlineEntry): void {
    const { index } = entry
    if (index < 0) return
    entry.index = -1
    entry.at = Number.POSITIVE_INFINITY
    const last = this.entries.pop()
    if (last === undefined || last === entry) return
    this.place(last, index)
    this.siftUp(last)
    this.siftDown(last)
  }

  private place(entry: DeadlineEntry, index: number): void {
    this.entries[index] = entry
    entry.index = index
  }

  private siftUp(entry: DeadlineEntry): void {
    while (entry.index > 0) {
      const { index } = entry
      const parent = this.entries[(index - 1) >> 1]
      if (parent === undefined || parent.at <= entry.at) return
      this.place(entry, parent.index)
      this.place(parent, index)
    }
  }

  private siftDown(entry: DeadlineEntry): void {
    for (;;) {
      const { index } = entry
      const left = this.entries[2 * index + 1]
      const right = this.entries[2 * index + 2]
      const child = right !== undefined && left !== undefined && right.at < left.at ? right : left
      if (child === undefined || child.at >= entry.at) return
      this.place(entry, child.index)
      this.place(child, index)
    }
  }
}
