/** How long the server's clocks run, by what it says in `session.ready`, and which of them a test waits for. */
import type { Ready } from "./Peer.ts"

/** A wait that is longer than this is not worth its proof. */
const longestMillis = 90_000

/** Mode rigor: at most so many acks of one frame come before it is forgotten, the first included. */
export const acksUntilForgotten = ({ ackTimeout, ackRetry }: Ready): number =>
  Math.ceil(Math.log2(ackTimeout / ackRetry + 1))

/** From the first sending of something to its repetition of this number. */
export const untilRepetition = (retryMillis: number, repetition: number): number => retryMillis * (2 ** repetition - 1)

/** From a push to the `sync.required` that ends its repetitions. */
export const untilGivenUp = ({ pushRetry, pushRetryCount }: Ready): number =>
  untilRepetition(pushRetry, pushRetryCount + 1)

/** From the last sign of life to the end of the connection: the interval and five seconds. */
export const untilHeartbeatTimeout = ({ heartbeatInterval }: Ready): number => heartbeatInterval + 5_000

/** Skips the test where a clock of the server is off or too slow. */
export const affordable = (
  skip: (isSkipped: boolean, note: string) => void,
  setting: string,
  clockMillis: number,
  waitMillis = clockMillis
): void => {
  skip(clockMillis === 0, `${setting} is off`)
  skip(waitMillis > longestMillis, `${setting} makes a wait of ${Math.round(waitMillis / 1_000)} s`)
}
