/** A user's device as the protocol wants it: acknowledges, confirms, goes by seq, and syncs with its cursor. */
import { assert } from "@effect/vitest"
import { Effect, Schema, type Scope } from "effect"
import { FrameType, type ServerFrame } from "../../src/domain/Frame.ts"
import { ChatAck, Message } from "../../src/domain/Message.ts"
import { SyncedConversation } from "../../src/domain/Sync.ts"
import { connect, type Peer } from "../support/Peer.ts"

/** What a device does by itself. */
export interface Habits {
  readonly ack: "once" | "rigor"
  /** Acknowledges pushes one by one, all up to the newest, or not at all. */
  readonly acksPushes: "each" | "upTo" | "never"
}

export type Sent =
  | { readonly _tag: "Acked"; readonly ack: ChatAck }
  | { readonly _tag: "Refused"; readonly code: number }

const decodeMessage = Schema.decodeUnknownSync(Message)
const decodeAck = Schema.decodeUnknownSync(ChatAck)
const decodeSync = Schema.decodeUnknownSync(
  Schema.Struct({ cursor: Schema.String, hasMore: Schema.Boolean, conversations: Schema.Array(SyncedConversation) })
)
const errorCode = (frame: ServerFrame): number => (frame.data as { readonly code: number }).code

let asked = 0

export class Device {
  readonly userId: string
  /** What it has, by conversation and seq. */
  readonly messages = new Map<string, Map<number, Message>>()
  /** What the last sync said of each conversation. */
  readonly synced = new Map<string, SyncedConversation>()
  /** Messages that came again and were not the same. */
  readonly contradictions: Array<Message> = []
  /** Whether its socket was ever cut, so that pushes may be missing. */
  wasCut = false
  private readonly open: Effect.Effect<Peer, Error, Scope.Scope>
  private readonly habits: Habits
  private peer: Peer | undefined
  private cursor: string | undefined

  constructor(chatUrl: string, user: { readonly id: string; readonly token: string }, name: string, habits: Habits) {
    this.userId = user.id
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

  /** Sends a message and waits for what becomes of it. */
  send(id: string, receiveId: string, content: string, loseAnswer: boolean) {
    return Effect.gen({ self: this }, function* () {
      const data = { chatType: 1, receiveId, message: { messageType: 0, content } }
      const send = (peer: Peer) => peer.send({ id, method: "conversation.chat", data })
      if (loseAnswer) {
        send(yield* this.online())
        this.cut()
      }
      const peer = yield* this.online()
      const before = peer.frames.length
      const isEnd = ({ frameType, ackSeq }: ServerFrame) =>
        frameType === FrameType.err || (frameType === FrameType.ack && ackSeq === (this.habits.ack === "rigor" ? 3 : 1))
      send(peer)
      const end = yield* peer.find((frame) => frame.id === id && isEnd(frame) && peer.frames.indexOf(frame) >= before)
      const sent: Sent =
        end.frameType === FrameType.err
          ? { _tag: "Refused", code: errorCode(end) }
          : { _tag: "Acked", ack: decodeAck(end.data) }
      return sent
    })
  }

  /** Moves the read position; answers the position after it. */
  markRead(conversationID: string, seq: number) {
    return Effect.gen({ self: this }, function* () {
      const id = `q${++asked}`
      const peer = yield* this.online()
      peer.send({ id, method: "conversation.markRead", data: { conversationID, seq } })
      const last = this.habits.ack === "rigor" ? 3 : 1
      const ack = yield* peer.find((frame) => frame.id === id && (frame.frameType === 9 || frame.ackSeq === last))
      assert.strictEqual(ack.frameType, FrameType.ack)
      return (ack.data as { readonly seq: number }).seq
    })
  }

  history(query: { readonly conversationID: string; readonly limit: number }) {
    return Effect.map(this.ask("conversation.history", query), (frame) =>
      frame.frameType === FrameType.err
        ? { code: errorCode(frame) }
        : (frame.data as { readonly messages: ReadonlyArray<Message>; readonly hasMore: boolean })
    )
  }

  /** Asks for what it missed until there is no more. */
  sync(limit: number) {
    return Effect.gen({ self: this }, function* () {
      for (let hasMore = true; hasMore; ) {
        const query = { ...(this.cursor === undefined ? {} : { cursor: this.cursor }), limit }
        const answer = decodeSync((yield* this.ask("conversation.sync", query)).data)
        for (const conversation of answer.conversations) {
          this.synced.set(conversation.conversationID, conversation)
          for (const message of conversation.messages) this.take(message)
        }
        this.cursor = answer.cursor
        hasMore = answer.hasMore
      }
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

  private received(peer: Peer, frame: ServerFrame): void {
    if (frame.frameType === FrameType.ack && frame.ackSeq === 1 && this.habits.ack === "rigor") {
      peer.send({ id: frame.id, frameType: FrameType.ack, ackSeq: 2 })
    }
    if (frame.method !== "push") return
    const message = decodeMessage(frame.data)
    this.take(message)
    const { conversationID, seq } = message
    if (this.habits.acksPushes === "each") peer.send({ id: frame.id, frameType: FrameType.ack, ackSeq: 1 })
    if (this.habits.acksPushes === "upTo") {
      peer.send({ id: "", frameType: FrameType.ack, ackSeq: 1, data: { conversationID, seq } })
    }
  }

  /** A message that comes again must be the same. */
  private take(message: Message): void {
    const conversation = this.messages.get(message.conversationID) ?? new Map<number, Message>()
    this.messages.set(message.conversationID, conversation)
    const first = conversation.get(message.seq)
    if (first !== undefined && JSON.stringify(message) !== JSON.stringify(first)) this.contradictions.push(message)
    conversation.set(message.seq, message)
  }
}
