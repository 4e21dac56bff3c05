/**
 * A user's device in a fault run, as an application would have it: sends with several messages in flight, comes back
 * after every end of its connection, sends again what was not acknowledged, and asks for what it has missed.
 */
import { WebSocket } from "ws"
import type { Account } from "../harness/Account.ts"
import type { Chance } from "../harness/Chance.ts"
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
  textField,
  type WireFrame
} from "../harness/Wire.ts"
import { Ledger } from "./Ledger.ts"
import { messageKey, View } from "./View.ts"
import type { Violations } from "./Violations.ts"

const inFlightMax = 8
const handshakeMillis = 5_000
const reconnectMillisMax = 500
const syncId = "sync"
/** Ends of a connection that say that the client has done something wrong. */
const unexpectedCodes = new Set([1002, 1003, 1007, 1008, 1009, 1011, 4003])
/** Errors that the server may send while it, or a part it needs, is unable: the frame is sent again later. */
const passingCodes: ReadonlySet<number> = new Set([codes.overloaded, codes.database])

export const contentOf = (account: Account, number: number): string => `${account.name} says ${number}`

/** The id of the conversation of two users: both ids, the smaller number first. */
export const conversationOf = (a: Account, b: Account): string =>
  (BigInt(a.userId) < BigInt(b.userId) ? [a, b] : [b, a]).map(({ userId }) => userId).join("_")

export class Device {
  readonly account: Account
  readonly partners: ReadonlyArray<Account>
  readonly ledger = new Ledger()
  /** By conversation, one for each partner. */
  readonly views: ReadonlyMap<string, View>
  /** How often the connection was there. */
  connections = 0
  /** How long an ack took at most, with everything in between. */
  ackMillisMax = 0
  private readonly chance: Chance
  private readonly violations: Violations
  private readonly sentAt = new Map<number, number>()
  /** Refused, and not to be sent again before its time. */
  private readonly resting = new Set<number>()
  private socket: WebSocket | undefined
  private isReady = false
  private isSyncing = false
  private wantsSync = false
  private cursor: string | undefined
  private credit = 0
  private ended = false
  private failures = 0
  private readonly questions = new Map<string, PromiseWithResolvers<WireFrame>>()
  private asked = 0

  constructor(account: Account, partners: ReadonlyArray<Account>, chance: Chance, violations: Violations) {
    this.account = account
    this.partners = partners
    this.chance = chance
    this.violations = violations
    this.views = new Map(partners.map((partner) => [conversationOf(account, partner), new View()]))
  }

  /** Whether everything sent is acknowledged. */
  get isSettled(): boolean {
    return this.ledger.open.size === 0
  }

  /** Opens the connection; from now on it comes back by itself. */
  connect(): void {
    if (this.ended) return
    const socket = new WebSocket(`${this.account.url.replace(/^http/, "ws")}/ws?ack=once&deviceId=device`, {
      headers: { authorization: `Bearer ${this.account.token}` },
      handshakeTimeout: handshakeMillis
    })
    this.socket = socket
    socket.on("message", (data) => {
      if (this.socket === socket) this.received(String(data))
    })
    socket.on("error", () => socket.terminate())
    socket.on("close", (code, reason) => {
      if (this.socket !== socket) return
      if (unexpectedCodes.has(code)) {
        this.violations.add("against the protocol", `${this.account.name} was closed with ${code} ${reason}`)
      }
      this.lost()
    })
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.socket?.terminate()
  }

  /** For good. */
  end(): void {
    this.ended = true
    this.socket?.terminate()
  }

  /** Lets so many more messages be sent; what is not used up is kept for a while. */
  allow(messages: number): void {
    this.credit = Math.min(this.credit + messages, inFlightMax)
    this.pump()
  }

  /** Asks a question; fails when the answer does not come on this connection. */
  ask(method: string, data: unknown): Promise<WireFrame> {
    if (!this.isReady) return Promise.reject(new Error(`${this.account.name} is not connected`))
    this.asked += 1
    const id = `question ${this.asked}`
    const question = Promise.withResolvers<WireFrame>()
    this.questions.set(id, question)
    this.transmit({ id, frameType: frameTypes.data, method, data })
    return question.promise
  }

  private transmit(frame: unknown): void {
    this.socket?.send(JSON.stringify(frame))
  }

  private send(number: number): void {
    const partner = this.partners[this.ledger.partnerOf(number)]
    const message = { messageType: 0, content: contentOf(this.account, number) }
    const data = { chatType: 1, receiveId: partner?.userId, message }
    this.transmit({ id: String(number), frameType: frameTypes.data, method: "conversation.chat", data })
  }

  /** Sends new messages, as many as are allowed. */
  private pump(): void {
    while (this.isReady && this.credit >= 1 && this.ledger.open.size < inFlightMax) {
      this.credit -= 1
      const number = this.ledger.add(this.chance.between(0, this.partners.length - 1))
      this.sentAt.set(number, performance.now())
      this.send(number)
    }
  }

  private lost(): void {
    this.isReady = false
    this.isSyncing = false
    this.resting.clear()
    for (const { reject } of this.questions.values()) reject(new Error(`${this.account.name} has lost its connection`))
    this.questions.clear()
    this.failures += 1
    const millis = this.chance.between(10, Math.min(reconnectMillisMax, 50 * 2 ** Math.min(this.failures, 5)))
    setTimeout(() => this.connect(), millis)
  }

  private received(text: string): void {
    try {
      this.handle(readFrame(text))
    } catch (error) {
      this.violations.add("against the protocol", `${this.account.name} got what is no frame: ${error}`)
    }
  }

  private handle(frame: WireFrame): void {
    const question = this.questions.get(frame.id)
    if (question !== undefined) {
      this.questions.delete(frame.id)
      return question.resolve(frame)
    }
    if (frame.id === syncId) return this.synced(frame)
    if (frame.method === "session.ready") return this.ready()
    if (frame.method === "push") return this.pushed(frame)
    if (frame.method === "sync.required") return this.sync()
    if (frame.frameType === frameTypes.ack) return this.acked(frame)
    if (frame.frameType === frameTypes.err) this.refused(frame)
  }

  private ready(): void {
    this.isReady = true
    this.failures = 0
    this.connections += 1
    for (const number of this.ledger.open) this.send(number)
    this.sync()
    this.pump()
  }

  private acked(frame: WireFrame): void {
    const number = Number(frame.id)
    const { conversationID, seq, messageId } = readReceipt(frame.data)
    const other = this.ledger.acknowledge(number, { seq, messageId })
    if (other !== undefined) {
      const promised = `${other.seq} (${other.messageId})`
      this.violations.add("contradicted", `${this.nameOf(number)}: first ${promised}, then ${seq} (${messageId})`)
    }
    const sentAt = this.sentAt.get(number)
    if (sentAt !== undefined) this.ackMillisMax = Math.max(this.ackMillisMax, performance.now() - sentAt)
    this.sentAt.delete(number)
    this.take(conversationID, seq, messageKey(true, number))
    this.pump()
  }

  private refused(frame: WireFrame): void {
    const number = Number(frame.id)
    const code = codeOf(frame)
    if (!this.ledger.open.has(number)) {
      // A push's ack that nobody wants, or an id that was acknowledged: neither may be refused, but for a passing reason.
      if (!passingCodes.has(code))
        this.violations.add("against the protocol", `${this.account.name}: "${frame.id}" got ${code}`)
      return
    }
    if (!passingCodes.has(code)) {
      this.violations.add("against the protocol", `${this.nameOf(number)} was refused with ${code}`)
      return
    }
    this.ledger.refuse(number)
    this.resting.add(number)
    const { socket } = this
    setTimeout(() => {
      // A new connection has sent it again already.
      if (this.socket === socket && this.isReady && this.resting.delete(number)) this.send(number)
    }, retryAfterOf(frame))
  }

  private pushed({ id, data }: WireFrame): void {
    const message = readMessage(data)
    const { conversationID } = message
    this.took(message)
    const view = this.views.get(conversationID)
    const upTo = { conversationID, seq: view?.upTo ?? 0 }
    this.transmit({ id, frameType: frameTypes.ack, ackSeq: 1, data: upTo })
    if (view?.hasGap) this.sync()
  }

  /** Takes a message of somebody's from a push or from sync. */
  private took(message: StoredMessage): void {
    const isOwn = message.sendId === this.account.userId
    this.take(message.conversationID, message.seq, messageKey(isOwn, Number(message.clientId)))
  }

  private take(conversationID: string, seq: number, key: number): void {
    const view = this.views.get(conversationID)
    if (view === undefined) {
      this.violations.add("against the protocol", `${this.account.name} got a message of ${conversationID}`)
    } else if (!view.take(seq, key)) {
      this.violations.add("contradicted", `${this.account.name} saw two messages at ${conversationID} #${seq}`)
    }
  }

  /** Asks for what was missed, once at a time. */
  private sync(): void {
    if (!this.isReady) return
    if (this.isSyncing) {
      this.wantsSync = true
      return
    }
    this.isSyncing = true
    this.wantsSync = false
    const conversations = Object.fromEntries([...this.views].map(([id, { upTo }]) => [id, upTo]))
    const data = { ...(this.cursor === undefined ? {} : { cursor: this.cursor }), conversations }
    this.transmit({ id: syncId, frameType: frameTypes.data, method: "conversation.sync", data })
  }

  private synced(frame: WireFrame): void {
    this.isSyncing = false
    if (frame.frameType === frameTypes.err) {
      const code = codeOf(frame)
      if (!passingCodes.has(code)) {
        this.violations.add("against the protocol", `${this.account.name}'s sync was refused with ${code}`)
      }
      setTimeout(() => this.sync(), retryAfterOf(frame))
      return
    }
    this.cursor = textField(frame.data, "cursor")
    for (const conversation of listField(frame.data, "conversations")) {
      for (const message of listField(conversation, "messages")) this.took(readMessage(message))
    }
    if (this.wantsSync || field(frame.data, "hasMore") === true) this.sync()
  }

  private nameOf(number: number): string {
    return `message ${number} of ${this.account.name}`
  }
}
