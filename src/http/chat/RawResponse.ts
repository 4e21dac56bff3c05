/** The envelope on a bare connection, where Node has no response to write it to (protocol.md section 2.1). */
import { type Server, STATUS_CODES } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { type AnyFailure, failure } from "../../domain/shared/Failure.ts"
import { failureBody, retryHeaders } from "../api/Envelope.ts"
import { isAnswering } from "../shared/HttpConnections.ts"

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
    // A response that is under way must not have this one in its middle.
    if (!stream.writable || code === "ECONNRESET" || isAnswering(stream as Socket)) return void stream.destroy()
    respondRaw(stream, problems[code ?? ""] ?? failure("BadParameters", { msg: "this is no HTTP request" }))
  })
}

const problems: Readonly<Record<string, AnyFailure>> = {
  HPE_HEADER_OVERFLOW: failure("PayloadTooLarge", {
    msg: "the address and the headers of a request have at most 16 KiB"
  }),
  ERR_HTTP_REQUEST_TIMEOUT: failure("BadParameters", { msg: "the request did not come in time" })
}
