/** A device that writes to somebody, remembers every answer, and sends again what was refused: as a client should. */
import { Effect } from "effect"
import { FrameType, type ServerFrame } from "../../src/domain/protocol/Frame.ts"
import { until } from "./Eventually.ts"
import { connect, type Peer } from "./Peer.ts"
import type { Address } from "./ServerProcess.ts"
import { chatFrame, type TestUser } from "./Users.ts"

/** The data of an err frame. */
export interface Refusal {
  readonly code: number
  readonly msg: string
  readonly method?: string
  readonly retryAfter?: number
}

export const refusalOf = (frame: ServerFrame): Refusal => frame.data as Refusal

export class Writer {
  readonly peer: Peer
  /** Content by id, in the order in which they were written first. */
  readonly written = new Map<string, string>()
  /** Answers by id, in the order in which they came. */
  readonly answers = new Map<string, Array<ServerFrame>>()
  readonly name: string
  private readonly receiver: { readonly id: string }
  /** Frames sent and not answered. */
  private pendingCount = 0

  constructor(name: string, peer: Peer, receiver: { readonly id: string }) {
    this.name = name
    this.peer = peer
    this.receiver = receiver
    peer.socket.on("message", (data) => {
      const frame: ServerFrame = JSON.parse(String(data))
      const answers = this.answers.get(frame.id)
      if (answers === undefined) return
      answers.push(frame)
      this.pendingCount -= 1
    })
  }

  /** In the order in which they were written first. */
  get ids(): ReadonlyArray<string> {
    return [...this.written.keys()]
  }

  get pending(): number {
    return this.pendingCount
  }

  /** Sends new messages, one after the other, and answers with their ids. */
  write(...contents: ReadonlyArray<string>): ReadonlyArray<string> {
    return contents.map((content) => {
      const id = `${this.name}-${this.written.size}`
      this.written.set(id, content)
      this.answers.set(id, [])
      this.send(id)
      return id
    })
  }

  /** Sends messages again, as they were. */
  again(ids: Iterable<string>): void {
    for (const id of ids) this.send(id)
  }

  /** The last answer of each id that has one. */
  get last(): ReadonlyMap<string, ServerFrame> {
    return new Map([...this.answers].flatMap(([id, all]) => (all.length > 0 ? [[id, all[all.length - 1]!]] : [])))
  }

  /** Frames whose last response is no ack, in the order in which they were written. */
  get refused(): ReadonlyArray<string> {
    return [...this.last].flatMap(([id, frame]) => (frame.frameType === FrameType.ack ? [] : [id]))
  }

  /** Waits until everything that was sent has been answered. The socket must stay open. */
  answered(millis?: number): Effect.Effect<true> {
    return until(
      () => `an answer to each frame of ${this.name}: ${this.pendingCount} are missing`,
      () => {
        if (this.peer.socket.readyState !== this.peer.socket.OPEN) throw new Error(`${this.name} was cut off`)
        return this.pendingCount === 0
      },
      millis
    )
  }

  /** Sends what was refused again, after the time that it was told, until everything is acked. */
  persist(millis = 30_000): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        yield* this.answered(millis)
        const { refused, last } = this
        const [first] = refused
        if (first === undefined) return
        yield* Effect.sleep(refusalOf(last.get(first)!).retryAfter ?? 0)
        this.again(refused)
      }
    })
  }

  private send(id: string): void {
    this.pendingCount += 1
    this.peer.send(chatFrame(id, this.receiver, this.written.get(id) ?? ""))
  }
}

/** A writer on a device of its own, connected in mode `once`. */
export const writerOf = ({ chatUrl }: Address, name: string, sender: TestUser, receiver: { readonly id: string }) =>
  Effect.map(connect(`${chatUrl}?deviceId=${name}&ack=once`, sender.token), (peer) => new Writer(name, peer, receiver))
