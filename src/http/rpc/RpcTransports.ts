/** The RPC group over HTTP and WebSocket, with a bound on the calls that one socket has in flight (protocol.md section 3). */
import { Effect, Layer, Semaphore } from "effect"
import { type Rpc, type RpcGroup, RpcSchema, RpcServer } from "effect/rpc"
import { rpcPath } from "../shared/SharedServer.ts"

type Protocol = RpcServer.Protocol["Service"]

/** Calls are counted until they are answered: so notifications are passed over, and `discard` is ignored. */
const answering = (protocol: Protocol): Protocol => ({
  ...protocol,
  run: (handle) =>
    protocol.run((clientId, message) => {
      if (message._tag !== "Request") return handle(clientId, message)
      if (message.isNotification === true) return Effect.void
      const { discard: _, ...call } = message
      return handle(clientId, call)
    })
})

/** Unanswered calls of one socket. Streams do not count: `ConversationWatchers` limits the followers of a node. */
const callsMax = 64

/** The calls of one socket in flight. */
interface Calls {
  readonly places: Semaphore.Semaphore
  readonly ids: Set<string | number>
}

/**
 * Effect's `concurrency` would be one unbounded queue for all clients together, in which a stream never gives up its place.
 * Here a socket with too many calls in flight is not read until one of them is answered.
 */
const bounded = (protocol: Protocol, isStream: (tag: string) => boolean) => {
  const clients = new Map<number, Calls>()
  const callsOf = (clientId: number): Calls => {
    const known = clients.get(clientId)
    if (known !== undefined) return known
    const calls = { places: Semaphore.makeUnsafe(callsMax), ids: new Set<string | number>() }
    clients.set(clientId, calls)
    return calls
  }
  return {
    protocol: RpcServer.Protocol.of({
      ...protocol,
      run: (handle) =>
        protocol.run((clientId, message) => {
          if (message._tag !== "Request" || isStream(message.tag)) return handle(clientId, message)
          const calls = callsOf(clientId)
          return Effect.andThen(
            calls.places.take(1),
            Effect.suspend(() => {
              calls.ids.add(message.id)
              return handle(clientId, message)
            })
          )
        }),
      send: (clientId, response, transferables) =>
        Effect.suspend(() => {
          const sent = protocol.send(clientId, response, transferables)
          const calls = clients.get(clientId)
          // The place is free when the answer is on its way, the id before: its peer may use it again.
          return response._tag === "Exit" && calls?.ids.delete(response.requestId)
            ? Effect.ensuring(sent, calls.places.release(1))
            : sent
        })
    }),
    forget: (clientId: number) => Effect.sync(() => void clients.delete(clientId))
  }
}

/** Serves the group at a path: one `POST` for some calls. */
export const layerHttp = <Rpcs extends Rpc.Any>(group: RpcGroup.RpcGroup<Rpcs>, path: `/${string}` = rpcPath) =>
  RpcServer.layer(group).pipe(
    Layer.provide(
      Layer.effect(
        RpcServer.Protocol,
        // An unread stream keeps the page that it is about to write, and one more.
        Effect.map(RpcServer.makeProtocolHttp({ path, streamBufferSize: 1 }), answering)
      )
    )
  )

/** Serves the group at {@link rpcPath}: one WebSocket for many calls. */
export const layerWebSocket = <Rpcs extends Rpc.Any>(group: RpcGroup.RpcGroup<Rpcs>) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const isStream = (tag: string): boolean => {
        const rpc = group.requests.get(tag) as Rpc.AnyWithProps | undefined
        return rpc !== undefined && RpcSchema.isStreamSchema(rpc.successSchema)
      }
      const sockets = answering(yield* RpcServer.makeProtocolWebsocket({ path: rpcPath }))
      const { protocol, forget } = bounded(sockets, isStream)
      // Without fatal defects every call has an answer of its own, by which its place becomes free.
      const serving = RpcServer.make(group, { disableFatalDefects: true, onDisconnect: forget })
      yield* Effect.forkScoped(Effect.provideService(serving, RpcServer.Protocol, protocol))
    })
  )
