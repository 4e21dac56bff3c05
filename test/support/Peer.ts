/** A chat client for tests: remembers the frames that it was sent, and waits for those that it expects. */
import { Effect, Schema } from "effect"
import { type ClientOptions, WebSocket } from "ws"
import { ServerFrame } from "../../src/domain/protocol/Frame.ts"
import { openSocket, TestSocket } from "./TestSocket.ts"

const decodeFrame = Schema.decodeUnknownSync(ServerFrame)

export class Peer extends TestSocket {
  /** Every frame so far, in order; each fits the schema of the server's frames. */
  readonly frames: Array<ServerFrame> = []

  send(frame: unknown): void {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame))
  }

  /** The first frame, past or coming, that meets the condition. */
  find(condition: (frame: ServerFrame) => boolean): Effect.Effect<ServerFrame> {
    return this.when(() => this.frames.find(condition))
  }

  /** Waits for at least so many frames that meet the condition. */
  count(condition: (frame: ServerFrame) => boolean, least: number): Effect.Effect<ReadonlyArray<ServerFrame>> {
    return this.when(() => {
      const found = this.frames.filter(condition)
      return found.length >= least ? found : undefined
    })
  }

  /** The answer to the frame of this id: ack, err or data. */
  answer(id: string): Effect.Effect<ServerFrame> {
    return this.find((frame) => frame.id === id)
  }

  protected receive(text: string): void {
    this.frames.push(decodeFrame(JSON.parse(text)))
  }

  protected received(): unknown {
    return this.frames
  }
}

/** Opens a socket; it is cut when the test's scope ends. */
export const connect = (url: string, token: string, options?: ClientOptions) => openSocket(Peer, url, token, options)

/** An upgrade that is refused: its status, headers and parsed body. */
export const refused = (url: string, options: ClientOptions = {}, protocols: ReadonlyArray<string> = []) =>
  Effect.callback<{ status: number; headers: Record<string, unknown>; body: unknown }, Error>((resume) => {
    const socket = new WebSocket(url, [...protocols], options)
    socket.on("error", () => {})
    socket.once("open", () => {
      socket.terminate()
      resume(Effect.fail(new Error("the upgrade was not refused")))
    })
    socket.once("unexpected-response", (_request, response) => {
      let text = ""
      response.on("data", (chunk) => {
        text += chunk
      })
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) }))
      )
    })
  })
