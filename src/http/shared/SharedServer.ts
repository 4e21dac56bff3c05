/** The one Node HTTP server: requests are Effect's, the chat socket's upgrades are the gateway's. */
import { type IncomingMessage, Server } from "node:http"
import type { Duplex } from "node:stream"
import { Context, Layer } from "effect"

/** Takes over an upgrade request's socket. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** The path of the chat socket (protocol.md section 1.1). */
export const chatPath = "/ws"

/** The path of the RPC groups, over HTTP and WebSocket (protocol.md section 3). */
export const rpcPath = "/rpc"

/** The largest body of a request, and the largest frame of an RPC socket. */
export const bodyBytesMax = 64 * 1024

/** What the sockets of both paths have in common; `closeTimeout` is not in the types of `ws` yet. */
export const socketOptions = {
  perMessageDeflate: false,
  /** Milliseconds after which a peer that does not answer a close is cut off. */
  closeTimeout: 1_000
} as const

const upgraded = new Set<string>([chatPath, rpcPath])

/**
 * `ws` and Effect's own upgrade handler would both answer every upgrade request; this hands those for
 * {@link chatPath} to the gateway only.
 */
export class NodeServer extends Server {
  onChatUpgrade: UpgradeHandler | undefined

  override emit(event: string | symbol, ...args: Array<unknown>): boolean {
    if (event === "upgrade" && this.onChatUpgrade !== undefined) {
      const [request, socket, head] = args as Parameters<UpgradeHandler>
      if (pathOf(request) === chatPath) {
        this.onChatUpgrade(request, socket, head)
        return true
      }
    }
    return super.emit(event, ...args)
  }
}

const pathOf = (request: IncomingMessage): string => (request.url ?? "").split("?", 1)[0] ?? ""

/** A server that gives up on slow headers and bodies, so that half-open requests cannot pile up. */
const makeServer = () =>
  new NodeServer({
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 5_000,
    // Nobody pings the peers of RPC sockets and streams: TCP asks them every second then, ten times.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    // Elsewhere a wish to upgrade is ignored, as HTTP allows, and the request is answered as any other.
    shouldUpgradeCallback: (request) => upgraded.has(pathOf(request))
  })

export class SharedServer extends Context.Service<SharedServer, NodeServer>()("fiberchat/http/SharedServer") {
  static readonly layer = Layer.sync(SharedServer, makeServer)
}
