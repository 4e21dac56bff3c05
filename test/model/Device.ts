/** A user's device as the protocol wants it: acknowledges, confirms, goes by seq, and syncs with its cursor. */
import { Effect, Schema, type Scope } from "effect"
import { FrameType, type ServerFrame } from "../../src/domain/protocol/Frame.ts"
import { connect, type Peer } from "../support/Peer.ts"
import { Message, SyncedConversation } from "../support/WireShapes.ts"
import type { Outcome } from "./Commands.ts"
import type { Person } from "./People.ts"

/** What a device does by itself. */
export interface Habits {
  readonly ack: "once" | "rigor"
  /** Acknowledges pushes one by one, all up to the newest, or not at all. */
  readonly acksPushes: "each" | "upTo" | "never"
}

/** A frame that is to take effect once. */
export interface Request {
  readonly id: string
  readonly method: string
  readonly data: object
  /** The answer to its first sending is lost with the connection. */
  readonly loseAnswer: boolean
}

/** Tells that a user has read up to `seq`. */
export interface ReadNotice {
  readonly conversationID: string
  readonly userId: string
  readonly seq: number
}

const HistoryPage = Schema.Struct({ messages: Schema.Array(Message), hasMore: Schema.Boolean })
const decodeMessage = Schema.decodeUnknownSync(Message)
const decodePage = Schema.decodeUnknownSync(HistoryPage)
const decodeSync = Schema.decodeUnknownSync(
  Schema.Struct({ cursor: Schema.String, hasMore: Schema.Boolean, conversations: Schema.Array(SyncedConversation) })
)
const errorCode = (frame: ServerFrame): number => (frame.data as { readonly code: number }).code

let asked = 0

export class Device {
  readonly user: Person
  /** What it has, by conversation and seq, as it came. */
  readonly messages = new Map<string, Map<number, Message>>()
  /** What the last sync said of each conversation. */
  readonly synced = new Map<string, SyncedConversation>()
  /** What came by itself, as long as nobody has looked at it. */
  readonly pushed: Array<Message> = []
  readonly notices: Array<ReadNotice> = []
  /** Whether its socket was ever cut, so that pushes may be missing. */
  wasCut = false
  /** The moment of its last sync, if any. */
  syncedAt: number | undefined
  private readonly open: Effect.Effect<Peer, Error, Scope.Scope>
  private readonly habits: Habits
  private peer: Peer | undefined
  private cursor: string | undefined

  constructor(chatUrl: string, user: Person, name: string, habits: Habits) {
    this.user = user
    this.habits = habits
    this.open = connect(`${chatUrl}?deviceId=${name}&ack=${habits.ack}`, user.token)
  }

  /** Its socket; a new one after a cut. */
  online(): Effect.Effect<Peer, Error, Scope.Scope> {
    if (this.peer !== undefined) return Effect.succeed(this.peer)
    return Effect.map(this.open, (peer) => {
      this.peer = peer
      peer.socket.on("message", (data) => this.received(peer, JSON.parse(String(data))))
      // What came with the handshake is there already.
      for (const frame of peer.frames) this.received(peer, frame)
      return peer
    })
  }

  cut(): void {
    this.peer?.socket.terminate()
    this.peer = undefined
    this.wasCut = true
  }

  /** Sends a command and waits for what becomes of it. */
  request({ loseAnswer, ...frame }: Request): Effect.Effect<Outcome, Error, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      if (loseAnswer) {
        const first = yield* this.online()
        first.send(frame)
        this.cut()
      }
      const peer = yield* this.online()
      const before = peer.frames.length
      const isEnd = ({ frameType, ackSeq }: ServerFrame) =>
        frameType === FrameType.err || (frameType === FrameType.ack && ackSeq === (this.habits.ack === "rigor" ? 3 : 1))
      peer.send(frame)
      const end = yield* peer.find(
        (answer) => answer.id === frame.id && isEnd(answer) && peer.frames.indexOf(answer) >= before
      )
      return end.frameType === FrameType.err ? { code: errorCode(end) } : (end.data as Outcome)
    })
  }

  /** Moves the read position; answers the position after it. */
  markRead(conversationID: string, seq: number) {
    const id = `q${++asked}`
    return this.request({ id, method: "conversation.markRead", data: { conversationID, seq }, loseAnswer: false })
  }

  history(query: { readonly conversationID: string; readonly limit: number }) {
    return Effect.map(this.ask("conversation.history", query), (frame) =>
      frame.frameType === FrameType.err ? { code: errorCode(frame) } : decodePage(frame.data)
    )
  }

  /** Asks for what it missed until there is no more; gives the messages of the answers. */
  sync(limit: number) {
    return Effect.gen({ self: this }, function* () {
      const found: Array<Message> = []
      for (let hasMore = true; hasMore; ) {
        const query = { ...(this.cursor === undefined ? {} : { cursor: this.cursor }), limit }
        const answer = decodeSync((yield* this.ask("conversation.sync", query)).data)
        for (const conversation of answer.conversations) {
          this.keep(conversation)
          found.push(...conversation.messages)
        }
        this.cursor = answer.cursor
        hasMore = answer.hasMore
      }
      return found
    })
  }

  private ask(method: string, data: unknown) {
    return Effect.gen({ self: this }, function* () {
      const id = `q${++asked}`
      const peer = yield* this.online()
      peer.send({ id, method, data })
      return yield* peer.answer(id)
    })
  }

  /** Takes over what a sync tells, and drops what its user sees no more. */
  private keep(conversation: SyncedConversation): void {
    const { conversationID, joinedSeq = 0, left, messages } = conversation
    this.synced.set(conversationID, conversation)
    for (const message of messages) this.take(message)
    const kept = this.messages.get(conversationID)
    for (const seq of kept?.keys() ?? []) if (left === true || seq <= joinedSeq) kept?.delete(seq)
  }

  private received(peer: Peer, frame: ServerFrame): void {
    if (frame.frameType === FrameType.ack && frame.ackSeq === 1 && this.habits.ack === "rigor") {
      peer.send({ id: frame.id, frameType: FrameType.ack, ackSeq: 2 })
    }
    if (frame.method === "conversation.read") this.notices.push(frame.data as ReadNotice)
    if (frame.method !== "push") return
    const message = decodeMessage(frame.data)
    this.pushed.push(message)
    const { conversationID, seq } = message
    // What comes after a new joining is found by the next sync.
    const { left, joinedSeq = 0 } = this.synced.get(conversationID) ?? {}
    if (left !== true && seq > joinedSeq) this.take(message)
    if (this.habits.acksPushes === "each") peer.send({ id: frame.id, frameType: FrameType.ack, ackSeq: 1 })
    if (this.habits.acksPushes === "upTo") {
      peer.send({ id: "", frameType: FrameType.ack, ackSeq: 1, data: { conversationID, seq } })
    }
  }

  /** What it has already is what the message was when it came first. */
  private take(message: Message): void {
    const conversation = this.messages.get(message.conversationID) ?? new Map<number, Message>()
    this.messages.set(message.conversationID, conversation)
    if (!conversation.has(message.seq)) conversation.set(message.seq, message)
  }
}
