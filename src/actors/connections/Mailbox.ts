/**
 * A connection actor's mailbox: one reader, bounded, and it slows the socket down before it is full. An Effect `Queue`
 * would do, but it is made for many takers and waiting offers, which costs every idle connection a kilobyte
 * (docs/decisions/0004).
 */
import { Effect, Result, type Scheduler } from "effect"
import type { ConnectionEvent } from "../../domain/connection/ConnectionMachine.ts"
import { isCommand } from "../../domain/protocol/ClientMethods.ts"
import { closeCodes } from "../../domain/protocol/CloseCode.ts"
import { FrameType, parseFrame } from "../../domain/protocol/Frame.ts"
import type { Transport } from "./Transport.ts"

/** Events that may wait before the socket is paused, and the texts of their frames together, in UTF-16 units. */
const highWater = 256
const sizeHighWater = 256 * 1024
/** A paused socket still delivers frames that were read already: at most 64 KiB, in frames of 6 bytes or more. */
const capacity = highWater + 10_923
/** Past so many events one more push closes the socket: pushes take memory while they wait for a peer that does not read. */
const pushesMax = 1_024

/** A text as it came from the peer. It is read as a frame when its turn comes. */
export interface TextReceived {
  readonly _tag: "TextReceived"
  readonly text: string
}

/** An event for a connection actor. */
export type MailboxEvent = ConnectionEvent | TextReceived

/** Whether the peer sent it, as something to be handled. */
export const isFromPeer = ({ _tag }: MailboxEvent): boolean =>
  _tag === "TextReceived" || _tag === "FrameReceived" || _tag === "BadFrameReceived"

/** The event for the connection machine: a text is read now. A command without an id gets a new one. */
export const eventOf = (received: MailboxEvent, newId: () => string): ConnectionEvent => {
  if (received._tag !== "TextReceived") return received
  const parsed = parseFrame(received.text)
  if (Result.isFailure(parsed)) return { _tag: "BadFrameReceived", bad: parsed.failure }
  const frame = parsed.success
  const isNameless = frame.id === "" && isData(frame.frameType) && isCommand(frame.method)
  return { _tag: "FrameReceived", frame: isNameless ? { ...frame, id: newId() } : frame }
}

const isData = (type: FrameType): boolean => type === FrameType.data || type === FrameType.noAck

const sizeOf = (event: MailboxEvent): number => (event._tag === "TextReceived" ? event.text.length : 0)

const isPush = ({ _tag }: MailboxEvent): boolean => _tag === "MessagePushed" || _tag === "Notified"

export class Mailbox {
  private events: Array<MailboxEvent> = []
  private size = 0
  private wake: (() => void) | undefined
  private backlogged = false
  private overflowed = false
  private readonly transport: Transport
  private readonly dispatcher: Scheduler.SchedulerDispatcher

  constructor(transport: Transport, dispatcher: Scheduler.SchedulerDispatcher) {
    this.transport = transport
    this.dispatcher = dispatcher
  }

  /** Adds an event without waiting. Without room the socket is closed: nothing is dropped silently. */
  tell(event: MailboxEvent): void {
    if (this.events.length >= (isPush(event) ? pushesMax : capacity)) {
      this.overflowed = true
      const { code, reason } = closeCodes.SlowConsumer
      return this.transport.close(code, reason)
    }
    this.events.push(event)
    this.size += sizeOf(event)
    if (this.wake !== undefined) {
      // Later in this turn of the event loop, together with the events that come until then.
      this.dispatcher.scheduleTask(this.wake, 0)
      this.wake = undefined
    }
    if (!this.backlogged && (this.events.length >= highWater || this.size >= sizeHighWater)) {
      this.backlogged = true
      this.transport.pause()
    }
  }

  /** Waits for an event and takes all of them. For one fiber at a time. */
  take(): Effect.Effect<ReadonlyArray<MailboxEvent>> {
    return Effect.callback((resume) => {
      if (this.events.length > 0) resume(Effect.succeed(this.takeAll()))
      else this.wake = () => resume(Effect.sync(() => this.takeAll()))
    })
  }

  /** Puts unhandled events back, before those that have come since. */
  giveBack(events: ReadonlyArray<MailboxEvent>): void {
    this.events = [...events, ...this.events]
    for (const event of events) this.size += sizeOf(event)
  }

  /** Resumes the socket if this mailbox paused it. */
  release(): void {
    if (!this.backlogged) return
    this.backlogged = false
    this.transport.resume()
  }

  private takeAll(): ReadonlyArray<MailboxEvent> {
    const { events } = this
    this.events = []
    this.size = 0
    if (this.overflowed) events.push({ _tag: "CloseAsked", close: "SlowConsumer" })
    return events
  }
}
