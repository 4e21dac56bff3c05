/** The load generator of `pnpm bench durable`, a process of its own: pairs that write as they are told over IPC. */
import { wait } from "../measure.ts"
import type { Login } from "../ServerUnderTest.ts"
import { Latencies, type LatencySummary } from "./Latencies.ts"
import { Pair, type PairListener } from "./Pair.ts"

/** The orders of the benchmark; each is answered with an {@link Answer}. */
export type Order =
  | {
      readonly _tag: "Open"
      readonly url: string
      /** Two for each pair. */
      readonly logins: ReadonlyArray<Login>
      readonly isNumbered: boolean
      readonly acksPushes: boolean
    }
  /** As fast as the server acknowledges: each pair has `window` messages under way. */
  | { readonly _tag: "Flood"; readonly window: number; readonly warmUpMillis: number; readonly millis: number }
  /** So many messages per second, whether or not the server keeps up; latency counts from when each was due. */
  | { readonly _tag: "Pace"; readonly perSecond: number; readonly warmUpMillis: number; readonly millis: number }
  /** Reads the conversations of so many pairs and compares them with what was acknowledged. */
  | { readonly _tag: "Verify"; readonly pairs: number }
  | { readonly _tag: "Close" }

export interface Measurement {
  /** Acknowledged per second, without the warm-up. */
  readonly perSecond: number
  readonly ack: LatencySummary
  readonly push: LatencySummary
  /** Messages of the whole order, warm-up included, and how long it took. */
  readonly messages: number
  readonly millis: number
  /** Pushes that came more than once. */
  readonly repeated: number
}

export type Answer = { readonly measurement?: Measurement; readonly verified?: number; readonly problem?: string }

/** Handshakes under way at once. */
const openingMax = 50
/** How long the last messages may take. */
const settleMillisMax = 30_000
/** Messages under way, above which a paced load is one that the server cannot carry. */
const behindMax = 20_000

let pairs: ReadonlyArray<Pair> = []
const acks = new Latencies()
const pushes = new Latencies()
let acked = 0
let underWay = 0
let onAcked: (pair: Pair, now: number) => void = () => {}
/** The first failure; nothing is measured after it. */
const failed = Promise.withResolvers<never>()
failed.promise.catch(() => {})

const listener: PairListener = {
  onAck: (pair, dueAt) => {
    const now = performance.now()
    acks.add(now - dueAt)
    acked += 1
    underWay -= 1
    onAcked(pair, now)
  },
  onPush: (_, dueAt) => pushes.add(performance.now() - dueAt),
  onFailure: failed.reject
}

const open = async (order: Extract<Order, { _tag: "Open" }>): Promise<void> => {
  const { logins, ...options } = order
  const opened: Array<Pair> = []
  let next = 0
  const worker = async () => {
    for (let from = logins[next], to = logins[next + 1]; from && to; from = logins[next], to = logins[next + 1]) {
      next += 2
      opened.push(await Pair.open({ ...options, from, to }, listener))
    }
  }
  await Promise.all(Array.from({ length: openingMax }, worker))
  pairs = opened
}

/** Measures while `start` sends, until it is told to stop, and waits for all that is under way. */
const measured = async (
  { warmUpMillis, millis }: { readonly warmUpMillis: number; readonly millis: number },
  start: () => { readonly stop: () => void }
): Promise<Measurement> => {
  const count = (of: (pair: Pair) => number) => pairs.reduce((sum, pair) => sum + of(pair), 0)
  const [sentBefore, repeatedBefore] = [count(({ sent }) => sent), count(({ repeated }) => repeated)]
  const begun = performance.now()
  const load = start()
  await wait(warmUpMillis)
  acks.clear()
  pushes.clear()
  acked = 0
  const since = performance.now()
  await wait(millis)
  const perSecond = (acked / (performance.now() - since)) * 1000
  load.stop()
  const end = performance.now() + settleMillisMax
  while (pairs.some((pair) => !pair.isSettled)) {
    if (performance.now() > end) throw new Error("messages were not acknowledged, or not pushed")
    await wait(5)
  }
  return {
    perSecond,
    ack: acks.summary(),
    push: pushes.summary(),
    messages: count(({ sent }) => sent) - sentBefore,
    millis: performance.now() - begun,
    repeated: count(({ repeated }) => repeated) - repeatedBefore
  }
}

const send = (pair: Pair, dueAt: number): void => {
  underWay += 1
  pair.send(dueAt)
}

const flood = (order: Extract<Order, { _tag: "Flood" }>): Promise<Measurement> =>
  measured(order, () => {
    onAcked = send
    for (const pair of pairs) for (let index = 0; index < order.window; index++) send(pair, performance.now())
    return {
      stop: () => {
        onAcked = () => {}
      }
    }
  })

const pace = (order: Extract<Order, { _tag: "Pace" }>): Promise<Measurement> =>
  measured(order, () => {
    const begun = performance.now()
    let count = 0
    let timer: NodeJS.Timeout | undefined
    const turn = () => {
      timer = setTimeout(turn, 1)
      const due = ((performance.now() - begun) / 1000) * order.perSecond
      for (; count < due; count++) {
        const pair = pairs[count % pairs.length]
        if (pair !== undefined) send(pair, begun + (count / order.perSecond) * 1000)
      }
      if (underWay > behindMax) failed.reject(new Error(`${order.perSecond} messages per second are too many`))
    }
    turn()
    return { stop: () => clearTimeout(timer) }
  })

const verify = async (count: number): Promise<number> => {
  let verified = 0
  // Spread over all, so that every partition is among them.
  const step = Math.max(1, Math.floor(pairs.length / count))
  for (let index = 0; index < pairs.length; index += step) verified += (await pairs[index]?.verify()) ?? 0
  return verified
}

const perform = async (order: Order): Promise<Answer> => {
  switch (order._tag) {
    case "Open":
      await open(order)
      return {}
    case "Flood":
      return { measurement: await flood(order) }
    case "Pace":
      return { measurement: await pace(order) }
    case "Verify":
      return { verified: await verify(order.pairs) }
    case "Close":
      for (const pair of pairs) pair.close()
      return {}
  }
}

process.on("message", async (order: Order) => {
  try {
    process.send?.(await Promise.race([failed.promise, perform(order)]))
  } catch (error) {
    process.send?.({ problem: error instanceof Error ? error.message : String(error) } satisfies Answer)
  }
})
process.on("disconnect", () => process.exit())
