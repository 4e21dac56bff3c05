/**
 * `pnpm bench acks`: what acknowledging costs a connection's machine, without sockets. A frame is one message sent and
 * one pushed: in mode `none` nothing is acknowledged, in `once` the message and the push are, in `rigor` the message
 * is confirmed, too.
 */
import { fixedAckLimits } from "../src/domain/connection/AckService.ts"
import { type ConnectionLimits, fixedLimits } from "../src/domain/connection/ConnectionLimits.ts"
import { type ConnectionEvent, type ConnectionState, open, step } from "../src/domain/connection/ConnectionMachine.ts"
import type { Request } from "../src/domain/connection/Outcome.ts"
import type { Message } from "../src/domain/messages/Message.ts"
import { type AckMode, ackModes } from "../src/domain/protocol/AckMode.ts"
import { FrameType, parseFrame } from "../src/domain/protocol/Frame.ts"
import { median } from "./measure.ts"

/** The limits that are shipped, without a rate. */
const limits: ConnectionLimits = {
  ...fixedLimits,
  ...fixedAckLimits,
  heartbeatIntervalMillis: 30_000,
  idleTimeoutMillis: 300_000,
  maxLifetimeMillis: 86_400_000,
  rateLimit: undefined,
  ackTimeoutMillis: 30_000,
  ackRetryMillis: 1_000,
  pushRetryMillis: 2_000,
  pushRetryCount: 5
}

export interface Figures {
  readonly mode: AckMode
  /** CPU per frame of the machine alone, a figure per round. */
  readonly machineMicros: ReadonlyArray<number>
  /** The same with the client's acks read from JSON and the server's written as JSON. */
  readonly withJsonMicros: ReadonlyArray<number>
}

const rounds = 9

/** Pushes that the client has not acknowledged yet, at any time. */
const unacked = 8

const messageOf = (seq: number): Message =>
  ({
    messageId: String(10 ** 15 + seq),
    clientId: "c",
    conversationId: "1_2",
    seq,
    chatType: 1,
    senderId: "2",
    receiveId: "1",
    sendTime: 0,
    messageType: 0,
    content: "a message of about a hundred letters, as people write them to each other in the course of a long day"
  }) as unknown as Message

/** Runs so many frames through a machine; answers the CPU per frame in microseconds. */
const measure = (mode: AckMode, frames: number, withJson: boolean): number => {
  let state: ConnectionState = open(0, limits, {
    ackMode: mode,
    tokenExpiresAt: Number.POSITIVE_INFINITY,
    lifetimeJitter: 0
  })
  let now = 0
  let written = 0
  const requests: Array<Request> = []
  const take = (event: ConnectionEvent) => {
    const [next, commands] = step(state, event, now, limits, now)
    state = next
    for (const command of commands) {
      if (command._tag === "Dispatch") requests.push(command.request)
      else if (command._tag === "SendFrame" && withJson) written += JSON.stringify(command.frame).length
    }
  }
  const ack = (id: string, ackSeq: number) => {
    const frame = { id, frameType: FrameType.ack, method: "", data: undefined, ackSeq, size: 0 }
    if (!withJson) return take({ _tag: "FrameReceived", frame })
    const parsed = parseFrame(`{"id":"${id}","frameType":2,"ackSeq":${ackSeq}}`)
    if (parsed._tag === "Success") take({ _tag: "FrameReceived", frame: parsed.success })
  }
  const encoded = new Uint8Array()
  const before = process.cpuUsage()
  for (let seq = 1; seq <= frames; seq++) {
    // Ten messages in a millisecond, as on a busy connection.
    if (seq % 10 === 0) now += 1
    const id = String(seq)
    take({
      _tag: "FrameReceived",
      frame: { id, frameType: FrameType.data, method: "conversation.chat", data: undefined, ackSeq: 0, size: 0 }
    })
    if (mode === "rigor") ack(id, 2)
    const request = requests.pop()
    if (request === undefined) throw new Error("a frame was not dispatched")
    take({ _tag: "RequestSettled", request, outcome: { _tag: "Done", data: undefined } })
    take({ _tag: "MessagePushed", message: messageOf(seq), encoded })
    if (mode !== "none" && seq > unacked) ack(String(10 ** 15 + seq - unacked), 1)
  }
  const { user, system } = process.cpuUsage(before)
  if (withJson && mode !== "none" && written === 0) throw new Error("nothing was acknowledged")
  if (state.outbound.unacked.length !== (mode === "none" ? 0 : unacked)) throw new Error("acks were not counted")
  return (user + system) / frames
}

/** The modes take turns, so that a slow minute of the machine meets them all. */
export const runAcks = (frames: number, progress: (line: string) => void): ReadonlyArray<Figures> => {
  const figures = ackModes.map((mode) => ({ mode, machineMicros: [] as number[], withJsonMicros: [] as number[] }))
  for (const { mode } of figures) {
    measure(mode, frames / 10, false)
    measure(mode, frames / 10, true)
  }
  for (let round = 1; round <= rounds; round++) {
    for (const { mode, machineMicros, withJsonMicros } of figures) {
      machineMicros.push(measure(mode, frames, false))
      withJsonMicros.push(measure(mode, frames, true))
    }
    progress(`round ${round} of ${rounds}`)
  }
  return figures
}

/** The report as a Markdown table, with what each mode costs above `none`. */
export const ackTable = (report: ReadonlyArray<Figures>): string => {
  const none = report.find(({ mode }) => mode === "none")
  const cells = (own: ReadonlyArray<number>, base: ReadonlyArray<number> | undefined) => [
    `${median(own).toFixed(2)} (${Math.min(...own).toFixed(2)}–${Math.max(...own).toFixed(2)})`,
    (median(own) - median(base ?? [])).toFixed(2)
  ]
  const head = [
    "ack mode",
    "machine, µs per frame: median (min–max)",
    "above none",
    "with JSON of acks, µs",
    "above none"
  ]
  const rows = report.map(({ mode, machineMicros, withJsonMicros }) => [
    mode,
    ...cells(machineMicros, none?.machineMicros),
    ...cells(withJsonMicros, none?.withJsonMicros)
  ])
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")
}
