/** The load generator, a process of its own: opens connections and relays frames as it is told over IPC. */
import { io } from "socket.io-client"
import { WebSocket } from "ws"
import { PushAcks } from "./PushAcks.ts"
import type { Login, ServerName } from "./ServerUnderTest.ts"

/** The orders of the benchmark; each is answered with a {@link Done}. */
export type Order =
  | {
      readonly _tag: "Open"
      readonly server: ServerName
      readonly url: string
      readonly logins: ReadonlyArray<Login>
      readonly count: number
    }
  /** Sends so many frames over the first `pairs` pairs of connections, `window` of each pair in flight. */
  | { readonly _tag: "Relay"; readonly frames: number; readonly pairs: number; readonly window: number }
  | { readonly _tag: "Close" }

export interface Done {
  readonly millis: number
}

/** One open connection; a message of it is an ack or a push, and is only looked at as far as that needs. */
interface Connection {
  readonly userId: string
  readonly send: (id: string, receiveId: string) => void
  onAck: () => void
  onPush: () => void
  readonly close: () => void
}

/** Handshakes under way at once. */
const openingMax = 100
/** Longest wait for one order. */
const orderMillisMax = 120_000
const text = "a message of about a hundred letters, as people write them to each other many times a day, or so"

const connections: Array<Connection> = []
let sent = 0

const chatFrame = (id: string, receiveId: string) => ({
  id,
  frameType: 0,
  method: "conversation.chat",
  data: { chatType: 1, receiveId, message: { messageType: 0, content: text } }
})

const openWebSocket = (url: string, { token, userId }: Login, acksPushes: boolean): Promise<Connection> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, {
      headers: { authorization: token },
      perMessageDeflate: false
    })
    const connection: Connection = {
      userId,
      send: (id, receiveId) => socket.send(JSON.stringify(chatFrame(id, receiveId))),
      onAck: () => {},
      onPush: () => {},
      close: () => socket.terminate()
    }
    const pushAcks = new PushAcks((frame) => socket.send(frame))
    socket.on("error", reject)
    socket.on("message", (data) => {
      const frame = String(data)
      if (frame.includes('"frameType":2')) connection.onAck()
      else if (frame.includes('"method":"push"')) {
        if (acksPushes) pushAcks.take(frame)
        connection.onPush()
      } else if (frame.includes('"session.ready"')) resolve(connection)
      else throw new Error(`unexpected frame: ${frame}`)
    })
  })

const openSocketIo = (url: string, { token, userId }: Login): Promise<Connection> =>
  new Promise((resolve, reject) => {
    const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false, auth: { token } })
    const connection: Connection = {
      userId,
      send: (id, receiveId) => socket.emit("conversation.chat", chatFrame(id, receiveId), () => connection.onAck()),
      onAck: () => {},
      onPush: () => {},
      close: () => socket.disconnect()
    }
    socket.on("connect_error", reject)
    socket.on("push", () => connection.onPush())
    socket.on("session.ready", () => resolve(connection))
  })

const open = async (order: Extract<Order, { _tag: "Open" }>): Promise<void> => {
  const acksPushes = order.server.startsWith("fiberchat")
  const openOne = (login: Login) =>
    order.server === "Socket.IO" ? openSocketIo(order.url, login) : openWebSocket(order.url, login, acksPushes)
  let next = 0
  const worker = async () => {
    while (next < order.count) {
      const login = order.logins[next % order.logins.length]
      next += 1
      if (login !== undefined) connections.push(await openOne(login))
    }
  }
  await Promise.all(Array.from({ length: openingMax }, worker))
}

/** The first of each pair sends to the second; every frame must be acked once and pushed once. */
const relay = ({ frames, pairs, window }: Extract<Order, { _tag: "Relay" }>): Promise<void> =>
  new Promise((resolve, reject) => {
    let started = 0
    let acked = 0
    let pushed = 0
    const settle = () => {
      if (acked > frames || pushed > frames) reject(new Error("a frame was answered twice"))
      if (acked === frames && pushed === frames) resolve()
    }
    for (let pair = 0; pair < pairs; pair++) {
      const [from, to] = [connections[2 * pair], connections[2 * pair + 1]]
      if (from === undefined || to === undefined) return reject(new Error("too few connections"))
      const sendNext = () => {
        if (started >= frames) return
        started += 1
        sent += 1
        from.send(`m${sent}`, to.userId)
      }
      from.onAck = () => {
        acked += 1
        sendNext()
        settle()
      }
      to.onPush = () => {
        pushed += 1
        settle()
      }
      for (let index = 0; index < window; index++) sendNext()
    }
  })

const perform = async (order: Order): Promise<void> => {
  switch (order._tag) {
    case "Open":
      return open(order)
    case "Relay":
      return relay(order)
    case "Close":
      for (const connection of connections.splice(0)) connection.close()
      return
  }
}

const late = (): Promise<never> =>
  new Promise((_, reject) => setTimeout(() => reject(new Error("the load took too long")), orderMillisMax).unref())

process.on("message", async (order: Order) => {
  const since = performance.now()
  await Promise.race([perform(order), late()])
  const done: Done = { millis: performance.now() - since }
  process.send?.(done)
})
process.on("disconnect", () => process.exit())
