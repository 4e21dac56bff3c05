/**
 * Two users of whom the first writes to the second, each on a connection of its own. The generator shares the machine
 * with the server, and what it costs is taken from what is measured: so frames are written from a template, and what
 * comes back is looked through for the few numbers that are wanted, without parsing it. A pair knows what must come:
 * its messages are named 1, 2, 3 …, so that the seq of each ack and each push has to be the message's name.
 */
import { createConnection, type NetConnectOpts, type Socket } from "node:net"
import { WebSocket } from "ws"
import { PushAcks } from "../PushAcks.ts"
import type { Login } from "../ServerUnderTest.ts"

export interface PairOptions {
  readonly url: string
  readonly from: Login
  readonly to: Login
  /** Whether each conversation is numbered 1, 2, 3 …; the bare relay has one number for all. */
  readonly isNumbered: boolean
  readonly acksPushes: boolean
}

/** The results of a pair, for the load; times are in milliseconds of `performance.now`. */
export interface PairListener {
  readonly onAck: (pair: Pair, dueAt: number) => void
  readonly onPush: (pair: Pair, dueAt: number) => void
  readonly onFailure: (error: Error) => void
}

/** Messages of a pair that may be under way at once; a power of two. */
export const underWayMax = 4_096
const historyLimit = 200
const content = "a message of about a hundred letters, as people write them to each other many times a day, or so"

export class Pair {
  sent = 0
  acked = 0
  pushed = 0
  /** Pushes that came again. */
  repeated = 0
  private readonly dueAt = new Float64Array(underWayMax)
  private readonly options: PairOptions
  private readonly listener: PairListener
  private readonly sender: WebSocket
  private readonly senderStream: Socket
  private readonly receiver: WebSocket
  private readonly frameEnd: string
  private readonly pushAcks: PushAcks
  private isCorked = false
  private conversationId = ""
  private onHistory: ((frame: string) => void) | undefined

  private constructor(options: PairOptions, listener: PairListener, sender: Client, receiver: Client) {
    this.options = options
    this.listener = listener
    this.sender = sender.socket
    this.senderStream = sender.stream
    this.receiver = receiver.socket
    const message = JSON.stringify({ messageType: 0, content })
    this.frameEnd = `","frameType":0,"method":"conversation.chat","data":{"chatType":1,"receiveId":"${options.to.userId}","message":${message}}}`
    this.pushAcks = new PushAcks((frame) => this.receiver.send(frame))
    for (const { socket } of [sender, receiver]) {
      socket.on("close", (code) => listener.onFailure(new Error(`a connection was closed with ${code}`)))
    }
    sender.socket.on("message", (data: Buffer) => this.receivedBySender(data.toString("latin1")))
    receiver.socket.on("message", (data: Buffer) => this.receivedByReceiver(data.toString("latin1")))
  }

  static async open(options: PairOptions, listener: PairListener): Promise<Pair> {
    const clients = await Promise.all([connect(options.url, options.from), connect(options.url, options.to)])
    return new Pair(options, listener, ...clients)
  }

  get isSettled(): boolean {
    return this.acked === this.sent && this.pushed === this.sent
  }

  /** Sends the next message; its latency counts from `dueAt`. Messages of one turn of the event loop leave in one write. */
  send(dueAt: number): void {
    if (this.sent - this.pushed >= underWayMax) throw new Error("the server fell behind")
    if (!this.isCorked) {
      this.isCorked = true
      this.senderStream.cork()
      process.nextTick(() => {
        this.isCorked = false
        this.senderStream.uncork()
      })
    }
    this.sent += 1
    this.dueAt[this.sent & (underWayMax - 1)] = dueAt
    this.sender.send(`{"id":"${this.sent}${this.frameEnd}`)
  }

  /** Reads the whole conversation and compares it with what was acknowledged; answers how many messages it has. */
  async verify(): Promise<number> {
    let seq = 0
    for (;;) {
      const { messages, hasMore } = await this.historyAfter(seq)
      for (const message of messages) {
        seq += 1
        if (message.seq !== seq || message.clientId !== String(seq)) {
          throw new Error(`position ${seq} of a conversation has seq ${message.seq} and id ${message.clientId}`)
        }
      }
      if (!hasMore) break
    }
    if (seq !== this.acked) throw new Error(`${this.acked} messages were acknowledged and ${seq} are stored`)
    return seq
  }

  close(): void {
    for (const socket of [this.sender, this.receiver]) {
      socket.removeAllListeners("close")
      socket.terminate()
    }
  }

  private receivedBySender(frame: string): void {
    const idEnd = frame.indexOf('"', idStart)
    if (!frame.startsWith(ackMark, idEnd)) return this.failed(`unexpected frame: ${frame}`)
    const id = numberAt(frame, idStart)
    if (id !== this.acked + 1) return this.failed(`the ack of ${id} came after that of ${this.acked}`)
    if (this.options.isNumbered && numberAfter(frame, seqMark) !== id) {
      return this.failed(`message ${id} of a conversation is acknowledged as ${frame}`)
    }
    if (this.conversationId === "") this.conversationId = JSON.parse(frame).data.conversationID
    this.acked = id
    this.listener.onAck(this, this.dueAt[id & (underWayMax - 1)] ?? Number.NaN)
  }

  private receivedByReceiver(frame: string): void {
    if (!frame.includes(pushMark)) {
      if (this.onHistory === undefined) return this.failed(`unexpected frame: ${frame}`)
      return this.onHistory(frame)
    }
    if (this.options.acksPushes) this.pushAcks.take(frame)
    const id = numberAfter(frame, clientIdMark)
    if (id <= this.pushed) {
      this.repeated += 1
      return
    }
    if (id !== this.pushed + 1) return this.failed(`the push of ${id} came after that of ${this.pushed}`)
    if (this.options.isNumbered && numberAfter(frame, seqMark) !== id) {
      return this.failed(`message ${id} of a conversation is pushed as ${frame}`)
    }
    this.pushed = id
    this.listener.onPush(this, this.dueAt[id & (underWayMax - 1)] ?? Number.NaN)
  }

  private failed(problem: string): void {
    this.listener.onFailure(new Error(problem))
  }

  private historyAfter(afterSeq: number): Promise<HistoryPage> {
    return new Promise((resolve) => {
      this.onHistory = (frame) => {
        this.onHistory = undefined
        resolve(JSON.parse(frame).data)
      }
      const data = { conversationID: this.conversationId, afterSeq, limit: historyLimit }
      this.receiver.send(JSON.stringify({ id: `h${afterSeq}`, method: "conversation.history", data }))
    })
  }
}

interface HistoryPage {
  readonly messages: ReadonlyArray<{ readonly seq: number; readonly clientId: string }>
  readonly hasMore: boolean
}

/** A connection, and the stream below it. */
interface Client {
  readonly socket: WebSocket
  readonly stream: Socket
}

/** Every frame of the servers under test begins with its id. */
const idStart = '{"id":"'.length
const ackMark = '","frameType":2'
const pushMark = '"method":"push"'
const seqMark = '"seq":'
const clientIdMark = '"clientId":"'

const numberAt = (text: string, start: number): number => {
  let value = 0
  for (let at = start; ; at++) {
    const digit = text.charCodeAt(at) - 48
    if (!(digit >= 0 && digit <= 9)) return value
    value = value * 10 + digit
  }
}

const numberAfter = (text: string, mark: string): number => numberAt(text, text.indexOf(mark) + mark.length)

const connect = (url: string, { token }: Login): Promise<Client> =>
  new Promise((resolve, reject) => {
    let stream: Socket | undefined
    const socket = new WebSocket(`${url.replace("http", "ws")}/ws?ack=once`, {
      headers: { authorization: token },
      perMessageDeflate: false,
      // Data of the servers is known to be UTF-8.
      skipUTF8Validation: true,
      createConnection: ((options: NetConnectOpts) => {
        stream = createConnection(options)
        return stream
      }) as typeof createConnection
    })
    socket.once("error", reject)
    // The first frame is `session.ready`.
    socket.once("message", () => {
      if (stream !== undefined) resolve({ socket, stream })
    })
  })
