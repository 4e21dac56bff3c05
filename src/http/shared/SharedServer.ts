/** The public Node HTTP server: requests are Effect's, upgrades are the gateway's. */
import { type IncomingMessage, Server, type ServerOptions, type ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { Context, Effect, Layer } from "effect"
import { Settings } from "../../layers/settings/Settings.ts"
import { isTaken, limitNetworks } from "./HttpConnections.ts"

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
