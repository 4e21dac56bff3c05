/** A socket that this side closes (`docs/architecture.md`, "Limits"). */
import { PassThrough } from "node:stream"
import { setImmediate } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { type ChatSocket, WebSocketTransport } from "../../src/http/chat/WebSocketTransport.ts"

describe("a closing socket", () => {
  /** Whether the stream is still there after its peer has sent so many KiB more. */
  const survives = async (kibibytes: number, isClosing = true) => {
    const stream = new PassThrough({ highWaterMark: 1024 * 1024 })
    const told: Array<string> = []
    const socket = {
      close: (code: number) => void told.push(`close ${code}`),
      resume: () => void told.push("resume")
    } as unknown as ChatSocket
    const transport = new WebSocketTransport(socket, stream)
    if (isClosing) transport.close(1008, "protocol-abuse")
    else stream.resume()
    assert.deepStrictEqual(told, isClosing ? ["close 1008", "resume"] : [])
    for (let sent = 0; sent < kibibytes; sent += 64) stream.write(Buffer.alloc(64 * 1024))
    await setImmediate()
    return !stream.destroyed
  }

  it("waits for the peer's close frame through 256 KiB, and cuts off a peer that sends on and on", async () => {
    assert.isTrue(await survives(256))
    assert.isFalse(await survives(320))
    assert.isTrue(await survives(640, false))
  })
})
