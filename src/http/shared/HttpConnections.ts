/** The limits of connections before anything on them is looked at (protocol.md section 2.1). */
import type { Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { networkOf } from "../../domain/accounts/Network.ts"
import type { Settings } from "../../layers/settings/Settings.ts"
import { isTrustedProxy } from "./Proxies.ts"

/** Requests of one connection that may wait for their responses; no client in use sends more than one. */
const pipelinedMax = 16
/** A response of which the peer reads nothing is cut off after this time, or after twice as long: Node looks that often. */
const unreadMillis = 10_000

/** The responses that each connection waits for. */
const unanswered = new WeakMap<Socket, number>()

/** Whether a response is under way on a connection. */
export const isAnswering = (socket: Socket): boolean => (unanswered.get(socket) ?? 0) > 0

/** Whether a request is served. A connection that asks on and on, or does not read what it asked for, is cut off. */
export const isTaken = (socket: Socket, response: ServerResponse): boolean => {
  const count = (unanswered.get(socket) ?? 0) + 1
  unanswered.set(socket, count)
  if (count > pipelinedMax) {
    socket.destroy()
    return false
  }
  response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1))
  // From here on the socket's own timer runs, which any progress restarts, and Node ends the socket when it fires.
  response.once("prefinish", () => socket.setTimeout(unreadMillis))
  return true
}

/** TCP connections of a network beside its chat sockets. */
const idleConnectionsMax = 256

/** A connection that knows its network, by which it is counted. */
interface CountedSocket extends Socket {
  [counted]?: string
}
const counted = Symbol("network")

/**
 * Cuts off connections of networks that have too many, before they send anything. Proxies that are trusted have as many as
 * they like.
 */
export const limitNetworks = (server: Server, { gateway, trustedProxies }: Settings): void => {
  const counts = new Map<string, number>()
  // One listener for all connections: most of them are idle, and a closure for each would cost them half a kilobyte.
  function forget(this: CountedSocket): void {
    const network = this[counted] ?? ""
    const left = (counts.get(network) ?? 1) - 1
    if (left > 0) counts.set(network, left)
    else counts.delete(network)
  }
  server.on("connection", (socket: CountedSocket) => {
    const address = socket.remoteAddress ?? ""
    if (isTrustedProxy(trustedProxies, address)) return
    const network = networkOf(address)
    const count = (counts.get(network) ?? 0) + 1
    counts.set(network, count)
    socket[counted] = network
    socket.on("close", forget)
    if (count > gateway.networkConnectionsMax + idleConnectionsMax) socket.destroy()
  })
}
