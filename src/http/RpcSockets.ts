/** The RPC group over WebSockets, with a bound on the calls that one socket has in flight (protocol.md section 3). */
import { Effect, Layer, Semaphore } from "effect"
import { type Rpc, type RpcGroup, RpcSchema, RpcServer } from "effect/rpc"
import { rpcPath } from "./SharedServer.ts"

/** Calls of one socket that are not answered; streams are counted where they cost something, by conversation. */
const callsMax = 64

/** What one socket has in flight. */
interface Calls {
  readonly places: Semaphore.Semaphore
  readonly ids: Set<string | number>
}

/**
 * Effect's `concurrency` would be one queue without an end for all clients together, in which streams keep their place
 * for ever. Here a socket whose calls are too many is not read any further until one of them is answered.
 */
const bounded = (protocol: RpcServer.Protocol["Service"], isStream: (tag: string) => boolean) => {
  const clients = new Map<number, Calls>()
  const callsOf = (clientId: number): Calls => {
    const known = clients.get(clientId)
    if (known !== undefined) return known
    const calls = { places: Semaphore.makeUnsafe(callsMax), ids: new Set<string | number>() }
    clients.set(clientId, calls)
    return calls
  }
  const answered = (clientId: number, id: string | number) =>
    Effect.suspend(() => {
      const calls = clients.get(clientId)
      return calls?.ids.delete(id) ? calls.places.release(1) : Effect.void
    })

  return {
    protocol: RpcServer.Protocol.of({
      ...protocol,
      run: (handle) =>
        protocol.run((clientId, message) => {
          if (message._tag !== "Request" || isStream(message.tag)) return handle(clientId, message)
          // What is not answered, or before it is done, could not be counted.
          if (message.isNotification === true) return Effect.void
          const { discard: _, ...call } = message
          const calls = callsOf(clientId)
          return Effect.andThen(
            calls.places.take(1),
            Effect.suspend(() => {
              calls.ids.add(call.id)
              return handle(clientId, call)
            })
          )
        }),
      send: (clientId, response, transferables) =>
        Effect.andThen(
          response._tag === "Exit" ? answered(clientId, response.requestId) : Effect.void,
          protocol.send(clientId, response, transferables)
        )
    }),
    forget: (clientId: number) => Effect.sync(() => void clients.delete(clientId))
  }
}

/** Serves the group at {@link rpcPath}. */
export const layer = <Rpcs extends Rpc.Any>(group: RpcGroup.RpcGroup<Rpcs>) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const isStream = (tag: string): boolean => {
        const rpc = group.requests.get(tag) as Rpc.AnyWithProps | undefined
        return rpc !== undefined && RpcSchema.isStreamSchema(rpc.successSchema)
      }
      const { protocol, forget } = bounded(yield* RpcServer.makeProtocolWebsocket({ path: rpcPath }), isStream)
      // Without fatal defects every call has an answer of its own, by which its place becomes free.
      const serving = RpcServer.make(group, { disableFatalDefects: true, onDisconnect: forget })
      yield* Effect.forkScoped(Effect.provideService(serving, RpcServer.Protocol, protocol))
    })
  )
