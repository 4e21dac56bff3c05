/** The same relay on Socket.IO, as its documentation would write it: rooms by user, acks by callback. */
import { createServer } from "node:http"
import { Server } from "socket.io"

interface ChatFrame {
  readonly id: string
  readonly data: {
    readonly receiveId: string
    readonly message: { readonly messageType: number; readonly content: string }
  }
}

const server = createServer()
const io = new Server(server, { transports: ["websocket"], perMessageDeflate: false, serveClient: false })
let seq = 0

io.on("connection", (socket) => {
  const userId = String(socket.handshake.auth["token"])
  socket.join(userId)
  socket.on("conversation.chat", ({ id, data: payload }: ChatFrame, reply: (ack: object) => void) => {
    seq += 1
    const messageId = String(seq)
    const sendTime = Date.now()
    const conversationID = `${userId}_${payload.receiveId}`
    const ack = { messageId, conversationID, seq, sendTime }
    reply({ id, frameType: 2, ackSeq: 1, ackTime: new Date(sendTime).toISOString(), data: ack })
    const message = {
      ...ack,
      clientId: id,
      chatType: 1,
      sendId: userId,
      receiveId: payload.receiveId,
      ...payload.message
    }
    io.to(payload.receiveId).emit("push", {
      id: messageId,
      frameType: 0,
      method: "push",
      fromID: userId,
      data: message
    })
  })
  socket.emit("session.ready", { userId })
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object") process.stdout.write(`Listening on http://127.0.0.1:${address?.port}\n`)
})
