/**
 * The connection actor: one fiber per open socket. It takes events from its mailbox, lets the pure machine decide
 * (`src/domain/Connection.ts`), performs the commands, and keeps one deadline armed. Nothing slow runs in its loop.
 */
import { Cause, Clock, Context, Effect, FiberMap, Layer, Random } from "effect"
import type { Identity } from "../domain/Auth.ts"
import { type CloseName, closeCodes } from "../domain/CloseCode.ts"
import {
  type AckMode,
  type ConnectionCommand,
  type ConnectionEvent,
  type ConnectionState,
  deadline,
  open,
  step
} from "../domain/Connection.ts"
import { dataFrame, type SessionReady } from "../domain/Frame.ts"
import { GatewayPolicy } from "../domain/GatewayPolicy.ts"
import { type ConnectionId, Ids, rootUserId } from "../domain/Ids.ts"
import { type Connection, ConnectionRegistry } from "./ConnectionRegistry.ts"
import { type DeadlineEntry, Deadlines, deadlineEntry } from "./Deadlines.ts"
import { Mailbox } from "./Mailbox.ts"
import { Router } from "./Router.ts"
import type { Transport } from "./Transport.ts"

/** Who connects, and how. */
export interface Opening {
  readonly identity: Identity
  readonly deviceId: string
  readonly platform: string
  readonly ackMode: AckMode
}

/** Runs the connection actors of this node. */
export class Connections extends Context.Service<
  Connections,
  {
    /** Starts the actor of an accepted socket. The socket's driver tells the connection what happens to it. */
    readonly start: (opening: Opening, transport: Transport) => Effect.Effect<Connection>
    /** Asks every connection to go away and waits until they are gone (protocol.md section 1.7, 1001). */
    readonly drain: Effect.Effect<void>
  }
>()("fiberchat/actors/Connections") {
  static readonly layer = Layer.effect(
    Connections,
    Effect.gen(function* () {
      const policy = yield* GatewayPolicy
      const registry = yield* ConnectionRegistry
      const deadlines = yield* Deadlines
      const router = yield* Router
      const ids = yield* Ids
      const clock = yield* Clock.Clock
      const { limits } = policy
      const fibers = yield* FiberMap.make<ConnectionId, void, never>()

      const start = Effect.fnUntraced(function* (opening: Opening, transport: Transport) {
        const mailbox = yield* Mailbox.make(transport)
        const state = open(clock.currentTimeMillisUnsafe(), limits, {
          ackMode: opening.ackMode,
          tokenExpiresAt: opening.identity.expiresAt,
          lifetimeCut: (yield* Random.next) / 10
        })
        const connection: Connection = {
          connectionId: ids.connectionId(),
          kind: opening.identity.kind,
          userId: opening.identity.subject,
          deviceId: opening.deviceId,
          platform: opening.platform,
          sessionId: opening.identity.sessionId,
          ackMode: opening.ackMode,
          tell: mailbox.tell
        }
        const timer = deadlineEntry(() => mailbox.tell({ _tag: "DeadlineReached" }))
        const release = Effect.sync(() => {
          deadlines.cancel(timer)
          registry.remove(connection)
        })
        registry.add(connection)
        yield* FiberMap.run(
          fibers,
          connection.connectionId,
          run(connection, transport, mailbox, timer, state).pipe(crashed(transport), Effect.ensuring(release))
        )
        return connection
      })

      const run = Effect.fnUntraced(function* (
        connection: Connection,
        transport: Transport,
        mailbox: Mailbox,
        timer: DeadlineEntry,
        opened: ConnectionState
      ) {
        let state = opened
        const beside: Array<Effect.Effect<void>> = []

        const handle = (event: ConnectionEvent): void => {
          const [next, commands] = step(state, event, clock.currentTimeMillisUnsafe(), limits)
          state = next
          for (const command of commands) perform(command)
        }
        const perform = (command: ConnectionCommand): void => {
          switch (command._tag) {
            case "SendFrame":
              return send(JSON.stringify(command.frame))
            case "SendEncoded":
              return send(command.encoded)
            case "SendPing":
              return transport.ping()
            case "Dispatch": {
              const effect = router.dispatch(connection, command.request, command.data)
              if (effect !== undefined) beside.push(effect)
              return
            }
            case "Pause":
              return transport.pause()
            case "Resume":
              return transport.resume()
            case "Close":
              return closeTransport(transport, command.close, command.retryAfter)
          }
        }
        const send = (text: string | Uint8Array): void => {
          if (!transport.send(text)) handle({ _tag: "CloseAsked", close: "SlowConsumer" })
        }

        send(JSON.stringify(dataFrame("", "session.ready", rootUserId, ready(connection, state))))
        while (!state.closed) {
          deadlines.arm(timer, deadline(state, limits))
          const events = yield* mailbox.take
          transport.cork()
          for (const event of events) handle(event)
          transport.uncork()
          if (!state.paused) mailbox.release()
          for (const effect of beside.splice(0)) yield* Effect.forkChild(effect)
        }
      })

      const ready = (connection: Connection, state: ConnectionState): SessionReady => {
        const now = clock.currentTimeMillisUnsafe()
        return {
          userId: connection.userId,
          deviceId: connection.deviceId,
          connectionId: connection.connectionId,
          ack: connection.ackMode,
          heartbeatInterval: limits.heartbeatIntervalMillis,
          idleTimeout: limits.idleTimeoutMillis,
          maxLifetime: Number.isFinite(state.lifetimeEndsAt) ? state.lifetimeEndsAt - now : 0,
          serverTime: now
        }
      }

      const drain = Effect.gen(function* () {
        for (const connection of registry.all()) {
          const retryAfter = Math.round((yield* Random.next) * policy.drainWindowMillis)
          connection.tell({ _tag: "CloseAsked", close: "GoingAway", retryAfter })
        }
        yield* FiberMap.awaitEmpty(fibers)
      })

      return Connections.of({ start, drain })
    })
  )
}

const closeTransport = (transport: Transport, name: CloseName, retryAfter: number | undefined): void => {
  const { code, reason } = closeCodes[name]
  transport.close(code, retryAfter === undefined ? reason : `${reason}; retryAfter=${retryAfter}`)
}

/** An actor that fails closes its own socket, says why once in the log, and takes nobody with it. */
const crashed = (transport: Transport) =>
  Effect.catchCause((cause: Cause.Cause<never>) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.sync(() => closeTransport(transport, "GoingAway", undefined))
      : Effect.andThen(
          Effect.logError("a connection actor failed", cause),
          Effect.sync(() => closeTransport(transport, "InternalError", undefined))
        )
  )
