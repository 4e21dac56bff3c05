/** The envelope on a bare connection, where Node has no response to write it to (protocol.md section 2.1). */
import { type Server, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { type AnyFailure, failure } from "../../domain/shared/Failure.ts"
import { failureBody, retryHeaders } from "../api/Envelope.ts"

/** Responds with a failure, and closes. */
export const respondRaw = (stream: Duplex, error: AnyFailure): void => {
  if (stream.destroyed) return
  const body = JSON.stringify(failureBody(error))
  const headers = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
    ...retryHeaders(error)
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  // The peer may never close its side: the socket is ours to end.
  stream.end(`HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${lines.join("\r\n")}\r\n\r\n${body}`, () =>
    stream.destroy()
  )
}

/** Responds to what is no request, or has too long a header: Node by itself would send a status alone. */
export const answerBadRequests = (server: Server): void => {
  server.on("clientError", ({ code }: NodeJS.ErrnoException, stream) => {
    if (!stream.writable || code === "ECONNRESET") return void stream.destroy()
    respondRaw(
      stream,
      code === "HPE_HEADER_OVERFLOW"
        ? failure("PayloadTooLarge", { msg: "the address and the headers of a request have at most 16 KiB" })
        : failure("BadParameters", { msg: "this is no HTTP request" })
    )
  })
}
