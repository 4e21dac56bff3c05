/** The public Node HTTP server: requests are Effect's, upgrades are the gateway's. */
import { type IncomingMessage, Server, type ServerOptions, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Context, Effect, Layer } from "effect"
import { networkOf } from "../../domain/accounts/Network.ts"
import { Settings } from "../../layers/settings/Settings.ts"
import { isTrustedProxy } from "./Proxies.ts"

/** Takes over an upgrade request's socket. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** The path of the chat socket (protocol.md section 1.1). */
export const chatPath = "/ws"

/** The path of the RPC groups, over HTTP and WebSocket (protocol.md section 3). */
export const rpcPath = "/rpc"

/** The largest body of a request, and the largest frame of an RPC socket. */
export const bodyBytesMax = 64 * 1024

/** Options of the sockets of both paths; `closeTimeout` is not in the types of `ws` yet. */
export const socketOptions = {
  perMessageDeflate: false,
  /** Milliseconds after which a peer that does not answer a close is cut off. */
  closeTimeout: 1_000
} as const

/** The path of a request as routes see it: slashes too many are forgiven. */
export const tidyPath = (url: string): string =>
  (url.split("?", 1)[0] ?? "").replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "")

/**
 * Options of a server that gives up on slow headers and bodies, so that half-open requests cannot pile up. Only this path
 * can be upgraded; elsewhere the wish to upgrade is ignored, as HTTP allows.
 */
export const serverOptions = (upgradePath: string): ServerOptions => ({
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  // Longer than proxies keep idle connections, usually a minute: they would use one that is being closed.
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5_000,
  // RPC sockets and streams have no pings: TCP probes their peers every second then, ten times.
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
  shouldUpgradeCallback: ({ url = "" }) => tidyPath(url) === upgradePath
})

/** `ws` and Effect's own handler would both answer upgrades: they go to the gateway only. */
export class NodeServer extends Server {
  onChatUpgrade: UpgradeHandler | undefined

  override emit(event: string | symbol, ...args: Array<unknown>): boolean {
    if (event === "upgrade" && this.onChatUpgrade !== undefined) {
      const [request, socket, head] = args as Parameters<UpgradeHandler>
      this.onChatUpgrade(request, socket, head)
      return true
    }
    if (event === "request") {
      const [{ socket }, response] = args as [IncomingMessage, ServerResponse]
      if (!isTaken(socket, response)) return true
    }
    return super.emit(event, ...args)
  }
}

/** Requests of one connection that may wait for their responses; no client in use sends more than one. */
const pipelinedMax = 16
/** A response of which the peer reads nothing is cut off after this time, or after twice as long: Node looks that often. */
const unreadMillis = 10_000

/** The responses that each connection waits for. */
const unanswered = new WeakMap<Socket, number>()

/** Whether a request is served. A connection that asks on and on, or does not read what it asked for, is cut off. */
const isTaken = (socket: Socket, response: ServerResponse): boolean => {
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

/** Cuts off connections of networks that have too many, before they send anything. Proxies that are trusted have as many as they like. */
const limitNetworks = (server: Server, { gateway, trustedProxies }: Settings): void => {
  const counts = new Map<string, number>()
  server.on("connection", (socket) => {
    const address = socket.remoteAddress ?? ""
    if (isTrustedProxy(trustedProxies, address)) return
    const network = networkOf(address)
    const count = (counts.get(network) ?? 0) + 1
    counts.set(network, count)
    socket.once("close", () => {
      const left = (counts.get(network) ?? 1) - 1
      if (left > 0) counts.set(network, left)
      else counts.delete(network)
    })
    if (count > gateway.networkConnectionsMax + idleConnectionsMax) socket.destroy()
  })
}

export class SharedServer extends Context.Service<SharedServer, NodeServer>()("fiberchat/http/SharedServer") {
  static readonly layer = Layer.effect(
    SharedServer,
    Effect.map(Settings, (settings) => {
      const server = new NodeServer(serverOptions(chatPath))
      limitNetworks(server, settings)
      return server
    })
  )
}
