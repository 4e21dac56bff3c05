/** The least that a chat server on `ws` can do: parse, ack, push. No token, no clock, no limit, no store. */
import { createServer } from "node:http"
import { type WebSocket, WebSocketServer } from "ws"

interface ChatFrame {
  readonly id: string
  readonly frameType?: number
  readonly data: {
    readonly chatType: number
    readonly receiveId: string
    readonly message: { readonly messageType: number; readonly content: string }
  }
}

const server = createServer()
const sockets = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false })
const byUser = new Map<string, WebSocket>()
let seq = 0

server.on("upgrade", (request, stream, head) => {
  const userId = request.headers.authorization ?? ""
  sockets.handleUpgrade(request, stream, head, (socket) => {
    byUser.set(userId, socket)
    socket.on("error", () => {})
    socket.on("message", (data) => {
      const { id, frameType, data: payload } = JSON.parse(String(data)) as ChatFrame
      // The ack of a push.
      if (frameType === 2) return
      seq += 1
      const messageId = String(seq)
      const sendTime = Date.now()
      const conversationID = `${userId}_${payload.receiveId}`
      const ack = { messageId, conversationID, seq, sendTime }
      socket.send(JSON.stringify({ id, frameType: 2, ackSeq: 1, ackTime: new Date(sendTime).toISOString(), data: ack }))
      const message = {
        ...ack,
        clientId: id,
        chatType: payload.chatType,
        sendId: userId,
        receiveId: payload.receiveId,
        ...payload.message
      }
      const push = Buffer.from(
        JSON.stringify({ id: messageId, frameType: 0, method: "push", fromID: userId, data: message })
      )
      // A group has everybody in it.
      const receivers = payload.chatType === 0 ? byUser.values() : [byUser.get(payload.receiveId)]
      for (const receiver of receivers) if (receiver !== socket) receiver?.send(push, { binary: false })
    })
    socket.send(JSON.stringify({ id: "", frameType: 0, method: "session.ready", data: { userId } }))
  })
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object") process.stdout.write(`Listening on http://127.0.0.1:${address?.port}\n`)
})
