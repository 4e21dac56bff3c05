/** A client that speaks RPC as JSON separated by newlines, and remembers what it was sent. */
import { openSocket, TestSocket } from "./TestSocket.ts"

/** Messages of the server, as far as tests look into them. */
export interface Sent {
  readonly _tag: string
  readonly requestId?: string
  readonly values?: ReadonlyArray<{ readonly content: string }>
}

/** The line of a call; `more` are further fields of the envelope. */
export const callLine = (id: string, tag: string, payload: unknown, more: object = {}): string =>
  `${JSON.stringify({ _tag: "Request", id, tag, payload, headers: [], ...more })}\n`

export class RpcSocket extends TestSocket {
  /** Every message so far, in order. */
  readonly sent: Array<Sent> = []

  call(...call: Parameters<typeof callLine>): void {
    this.raw(callLine(...call))
  }

  /** Sends one frame as it is. */
  raw(text: string): void {
    this.socket.send(text)
  }

  /** Reads nothing any more, so that what comes waits in the server. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  terminate(): void {
    this.socket.terminate()
  }

  protected receive(text: string): void {
    for (const line of text.split("\n")) if (line !== "") this.sent.push(JSON.parse(line))
  }

  protected received(): unknown {
    return this.sent
  }
}

/** Opens a socket; it is cut when the test's scope ends. */
export const openRpcSocket = (url: string, token = "") => openSocket(RpcSocket, url, `Bearer ${token}`)
