/** A connection of a user, which asks one thing at a time and reads pushes without parsing them. */
import { WebSocket } from "ws"
import type { Login } from "../ServerUnderTest.ts"

/** Longest wait for one answer. */
const answerMillisMax = 30_000

export class Client {
  /** Told of each push, as its text. */
  onPush: (frame: string) => void = () => {}
  private readonly socket: WebSocket
  private onAnswer: ((frame: string) => void) | undefined

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on("message", (data: Buffer) => {
      const frame = data.toString()
      if (frame.includes(pushMark)) return this.onPush(frame)
      this.onAnswer?.(frame)
      this.onAnswer = undefined
    })
  }

  /** `ack` is the mode of the connection (protocol.md section 1.3). */
  static open(url: string, { token }: Login, ack: "none" | "once"): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`${url.replace("http", "ws")}/ws?ack=${ack}`, {
        headers: { authorization: token },
        perMessageDeflate: false,
        // Data of the server is known to be UTF-8.
        skipUTF8Validation: true
      })
      socket.once("error", reject)
      // The first frame is `session.ready`.
      socket.once("message", () => resolve(new Client(socket)))
    })
  }

  send(frame: string): void {
    this.socket.send(frame)
  }

  /** Sends a frame, and answers with the text of the next one that is no push. */
  ask(frame: object): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("the server did not answer")), answerMillisMax)
      this.onAnswer = (answer) => {
        clearTimeout(timer)
        resolve(answer)
      }
      this.send(JSON.stringify(frame))
    })
  }

  close(): void {
    this.socket.terminate()
  }
}

/** Server frames begin with their id, their type and their method. */
const pushMark = '"frameType":0,"method":"push"'
