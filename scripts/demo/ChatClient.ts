/**
 * A chat client as anybody would write it on the `ws` package: several sends in flight, every message kept until it is
 * acknowledged, and sent again with the same id when it is not known whether it arrived.
 */
import { WebSocket } from "ws"
import type { Account } from "../harness/Account.ts"
import { until, within } from "../harness/Waiting.ts"
import {
  codeOf,
  codes,
  field,
  frameTypes,
  listField,
  readFrame,
  readMessage,
  readReceipt,
  retryAfterOf,
  type StoredMessage,
  type WireFrame
} from "../harness/Wire.ts"
import type { Outgoing } from "./Outgoing.ts"
import { FrameCredit, type Pace } from "./Pace.ts"

const answerMillis = 10_000
const pageMax = 200

/** One user's device. */
export class ChatClient {
  readonly account: Account
  /** Every message so far, by id. */
  readonly outbox = new Map<string, Outgoing>()
  /** The pushes of the other side's messages, by message id. */
  readonly pushes = new Map<string, StoredMessage>()
  /** Acts of the server that it must never do. */
  readonly faults: Array<string> = []
  /** Acks that do not repeat what the first one said. */
  readonly contradictions: Array<string> = []
  /** Times that the server refused a frame for its rate or load; the frame is sent again. */
  delays = 0
  /** The number of the present connection, counted from 1. */
  connection = 0
  /** Called in the moment in which an ack has arrived. */
  onAck: () => void = () => {}
  /** Called when the socket has ended without a word; `undefined` where that is a fault. */
  onLost: (() => void) | undefined
  private readonly pace: Pace
  private readonly receiveId: string
  private readonly questions = new Map<string, (answer: WireFrame) => void>()
  private queue: Array<Outgoing> = []
  private socket: WebSocket | undefined
  private ready = false
  private isDeaf = false
  private held = false
  private nextOrder = 1
  private asked = 0
  private credit: FrameCredit
  private waitUntil = 0
  private timer: NodeJS.Timeout | undefined

  constructor(account: Account, receiveId: string, pace: Pace) {
    this.account = account
    this.receiveId = receiveId
    this.pace = pace
    this.credit = new FrameCredit(pace)
  }

  /** Opens a socket with the account's token and waits for `session.ready`; `url` is the server's, or a way to it. */
  async connect(url = this.account.url): Promise<void> {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws?ack=once`, {
      headers: { authorization: `Bearer ${this.account.token}` },
      handshakeTimeout: answerMillis
    })
    let failure: unknown
    socket.on("message", (data) => {
      if (this.socket === socket) this.received(String(data))
    })
    socket.on("error", (error) => {
      failure = error
      if (isAgainstProtocol(error)) this.faults.push(`the server does not speak WebSocket: ${error.message}`)
    })
    socket.on("close", (code, reason) => {
      failure ??= new Error(`closed with ${code}`)
      if (this.socket === socket) this.closed(code, String(reason))
    })
    this.socket = socket
    this.isDeaf = false
    this.connection += 1
    this.credit = new FrameCredit(this.pace)
    await until("session.ready", answerMillis, () => this.ready || failure !== undefined)
    if (!this.ready) {
      socket.terminate()
      throw new Error(`no connection: ${failure}`)
    }
    this.pump()
  }

  /** Whether the present connection is ready, as far as this side knows. */
  get isConnected(): boolean {
    return this.ready
  }

  /** Sends messages after all that wait. One that is in the list twice is sent twice. */
  enqueue(messages: ReadonlyArray<Outgoing>): void {
    for (const message of messages) this.outbox.set(message.id, message)
    this.queue.push(...messages)
    this.pump()
  }

  /** Nothing is sent until {@link release}. */
  hold(): void {
    this.held = true
  }

  /** Goes on sending. */
  release(): void {
    this.held = false
    this.pump()
  }

  /** From now on everything that the server sends on this connection is lost on its way. */
  loseAnswers(): void {
    this.isDeaf = true
  }

  /** Takes the coming end of the socket as wanted; nothing is sent from now on. */
  expectCut(): void {
    this.ready = false
  }

  /** Cuts the socket without a word, or finds it cut, and waits until it is gone. */
  async cut(): Promise<void> {
    this.expectCut()
    const { socket } = this
    if (socket === undefined) return
    socket.terminate()
    await until("the end of a socket", answerMillis, () => socket.readyState === WebSocket.CLOSED)
  }

  /** After a new connection: what is unknown goes first, in its old order; `again` follows, then what is new. */
  requeue(again: ReadonlyArray<Outgoing>): void {
    for (const message of this.outbox.values()) message.awaited = 0
    const unsent = this.queue.filter((message) => message.order === undefined)
    // Where the server limits the rate, a refusal may have been lost with the connection.
    if (this.delays > 0) for (const message of this.unacknowledged()) message.isOvertaken = true
    this.queue = [...this.unacknowledged(), ...again, ...unsent]
  }

  /** Messages that were sent and not acknowledged, in the order in which they were sent. */
  unacknowledged(): ReadonlyArray<Outgoing> {
    return [...this.outbox.values()]
      .filter((message) => message.order !== undefined && message.receipt === undefined)
      .sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
  }

  /** Messages whose ack has come, in the order in which they were queued. */
  acknowledged(): ReadonlyArray<Outgoing> {
    return [...this.outbox.values()].filter((message) => message.receipt !== undefined)
  }

  /** How many messages wait for an answer on this connection. */
  inFlight(): number {
    let count = 0
    for (const message of this.outbox.values()) if (message.awaited > 0) count += 1
    return count
  }

  /** Whether the server has done what it must not, so that waiting for it is of no use. */
  isBroken(): boolean {
    return this.faults.length + this.contradictions.length > 0
  }

  /** Whether everything was sent and everything sent was answered. */
  isSettled(): boolean {
    return this.queue.length === 0 && this.inFlight() === 0 && this.unacknowledged().length === 0
  }

  /** Sends a data frame and waits for its answer, whatever it is; waits and asks again where the server says so. */
  async ask(method: string, data: unknown, id = `question-${++this.asked}`): Promise<WireFrame> {
    for (;;) {
      let answer: WireFrame | undefined
      this.questions.set(id, (frame) => {
        answer = frame
      })
      this.transmit({ id, frameType: frameTypes.data, method, data })
      const isAnswered = await within(answerMillis, () => answer !== undefined)
      this.questions.delete(id)
      if (!isAnswered || answer === undefined) throw new Error(`${method} was not answered`)
      if (!isDelay(answer)) return answer
      const end = performance.now() + retryAfterOf(answer)
      await within(answerMillis, () => performance.now() >= end)
    }
  }

  /** The whole conversation by `conversation.history`, page by page from the first message; it begins with one. */
  async readHistory(conversationID: string): Promise<ReadonlyArray<StoredMessage>> {
    const messages: Array<StoredMessage> = []
    for (;;) {
      const afterSeq = messages.at(-1)?.seq ?? 0
      const answer = await this.ask("conversation.history", { conversationID, afterSeq, limit: pageMax })
      if (codeOf(answer) === codes.noConversation) return messages
      if (codeOf(answer) !== 0) throw new Error(`the history was refused with ${codeOf(answer)}`)
      const page = listField(answer.data, "messages").map(readMessage)
      messages.push(...page)
      if (field(answer.data, "hasMore") !== true) return messages
      if ((messages.at(-1)?.seq ?? 0) <= afterSeq) throw new Error("the history does not advance")
    }
  }

  /** Payload of `conversation.chat` to the other user. */
  chat(content: string): object {
    return { chatType: 1, receiveId: this.receiveId, message: { messageType: 0, content } }
  }

  private transmit(frame: unknown): void {
    this.socket?.send(JSON.stringify(frame))
  }

  /** Sends what may be sent now. */
  private pump(): void {
    while (this.ready && !this.held) {
      const [message] = this.queue
      if (message === undefined) return
      // A repetition needs no room: the message is in flight already.
      if (message.awaited === 0 && this.inFlight() >= this.pace.inFlightMax) return
      if (performance.now() < this.waitUntil || !this.credit.spend()) return this.pumpLater()
      this.queue.shift()
      message.order ??= this.nextOrder++
      message.connection ||= this.connection
      message.awaited += 1
      const data = this.chat(message.content)
      this.transmit({ id: message.id, frameType: frameTypes.data, method: "conversation.chat", data })
    }
  }

  private pumpLater(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      this.pump()
    }, 10)
  }

  private received(text: string): void {
    if (this.isDeaf) return
    try {
      const frame = readFrame(text)
      const question = this.questions.get(frame.id)
      if (question !== undefined) return question(frame)
      if (frame.method === "session.ready") this.ready = true
      else if (frame.method === "push") this.pushed(readMessage(frame.data))
      else if (frame.frameType === frameTypes.ack) this.acked(frame)
      else if (frame.frameType === frameTypes.err) this.refused(frame)
    } catch (error) {
      this.faults.push(`a frame that is none: ${error}`)
    }
    this.pump()
  }

  private closed(code: number, reason: string): void {
    // 1006 stands for a socket that ended without a close frame. With one, the server meant it.
    const isLost = code === 1006 && this.onLost !== undefined
    if (!isLost && (this.ready || code !== 1006)) this.faults.push(`the server closed the socket: ${code} ${reason}`)
    if (!this.ready) return
    this.ready = false
    if (isLost) this.onLost?.()
  }

  private pushed(message: StoredMessage): void {
    const first = this.pushes.get(message.messageId)
    // A push that was not acknowledged in time may come again, but it must be the same.
    if (first !== undefined && JSON.stringify(first) !== JSON.stringify(message)) {
      this.faults.push(`message ${message.seq} was pushed with different contents`)
    }
    this.pushes.set(message.messageId, message)
    if (this.ready) this.transmit({ id: message.messageId, frameType: frameTypes.ack, ackSeq: 1 })
  }

  private acked(frame: WireFrame): void {
    const message = this.outbox.get(frame.id)
    if (message === undefined) return void this.faults.push(`an ack of "${frame.id}", which was never sent`)
    const receipt = readReceipt(frame.data)
    if (frame.ackSeq !== 1) this.faults.push(`the ack of ${message.id} has ackSeq ${frame.ackSeq}`)
    message.awaited -= 1
    if (message.awaited < 0) this.faults.push(`${message.id} was acknowledged more often than sent`)
    if (message.receipt === undefined) {
      message.receipt = receipt
      return this.onAck()
    }
    message.repeats += 1
    if (JSON.stringify(receipt) !== JSON.stringify(message.receipt)) {
      const { seq, messageId } = message.receipt
      this.contradictions.push(
        `${message.id} was acknowledged as ${seq} (${messageId}), then as ${receipt.seq} (${receipt.messageId})`
      )
    }
  }

  private refused(frame: WireFrame): void {
    const message = this.outbox.get(frame.id)
    if (message === undefined) return
    message.awaited -= 1
    if (!isDelay(frame)) return void this.faults.push(`${message.id} was refused with ${codeOf(frame)}`)
    this.delays += 1
    this.credit.slowDown()
    this.waitUntil = Math.max(this.waitUntil, performance.now() + retryAfterOf(frame))
    if (message.receipt !== undefined || message.awaited > 0) return
    // It had no effect, so that it is now sent for the first time once more, after what overtook it; unless it may have
    // had one on an earlier connection.
    if (message.connection === this.connection) message.order = undefined
    else message.isOvertaken = true
    this.queue.unshift(message)
    this.queue.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  }
}

/** Whether the server asks for patience instead of refusing. */
const isDelay = (frame: WireFrame): boolean => codeOf(frame) === codes.overloaded

/** Whether `ws` ended the socket for what the server sent: an answer other than the upgrade, or a frame that is none. */
const isAgainstProtocol = (error: Error): boolean =>
  String(Reflect.get(error, "code")).startsWith("WS_ERR_") || error.message.startsWith("Unexpected server response")
