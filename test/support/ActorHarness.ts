/** Connection actors around a transport that writes down what it is told: no socket, no real time. */
import { Clock, Effect, Layer, Result, Schema } from "effect"
import { type ConnectionHandle, ConnectionRegistry } from "../../src/actors/connections/ConnectionRegistry.ts"
import { Connections } from "../../src/actors/connections/Connections.ts"
import { Deadlines } from "../../src/actors/connections/Deadlines.ts"
import { answered, handedOver, type Route, Router, routerOf } from "../../src/actors/connections/Router.ts"
import type { Transport } from "../../src/actors/connections/Transport.ts"
import { PresenceWatches } from "../../src/actors/presence/PresenceWatches.ts"
import { StoreIdentity } from "../../src/domain/cluster/StoreIdentity.ts"
import { type AckFailure, AckService, fixedAckLimits } from "../../src/domain/connection/AckService.ts"
import { Budgets } from "../../src/domain/connection/Budgets.ts"
import { type ConnectionLimits, fixedLimits } from "../../src/domain/connection/ConnectionLimits.ts"
import type { ConnectionEvent } from "../../src/domain/connection/ConnectionMachine.ts"
import { GatewayPolicy, type LoginPolicy } from "../../src/domain/connection/GatewayPolicy.ts"
import type { Message } from "../../src/domain/messages/Message.ts"
import type { AckMode } from "../../src/domain/protocol/AckMode.ts"
import { methods } from "../../src/domain/protocol/ClientMethods.ts"
import { type Frame, FrameType, ServerFrame } from "../../src/domain/protocol/Frame.ts"
import { command, query } from "../../src/domain/protocol/Method.ts"
import { pushFrame } from "../../src/domain/protocol/ServerEvents.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import * as BudgetsMemory from "../../src/layers/auth/BudgetsMemory.ts"
import * as IdsSnowflake from "../../src/layers/sql/cluster/IdsSnowflake.ts"
import { FakePresence } from "./FakePresence.ts"

/** Limits without any clock or rate; tests switch on what they test. */
export const quiet: ConnectionLimits = {
  ...fixedLimits,
  ...fixedAckLimits,
  heartbeatIntervalMillis: 0,
  idleTimeoutMillis: 0,
  maxLifetimeMillis: 0,
  rateLimit: undefined,
  ackTimeoutMillis: 30_000,
  ackRetryMillis: 1_000,
  pushRetryMillis: 2_000,
  pushRetryCount: 5
}

const decodeFrame = Schema.decodeUnknownSync(Schema.fromJsonString(ServerFrame))

/** A transport's memory. */
export class Recorder implements Transport {
  readonly frames: Array<ServerFrame> = []
  readonly pingTimes: Array<number> = []
  paused = false
  closed: { readonly code: number; readonly reason: string; readonly at: number } | undefined
  /** Frames after which it says that too much is waiting. */
  room = Number.POSITIVE_INFINITY
  /** Ends the wait for the peer to read. */
  drain = () => {}
  /** How often frames have left: those that were held back together leave in one write. */
  writes = 0
  /** Frames that wait for `uncork`. */
  private readonly held: Array<ServerFrame> = []
  private corked = false
  private readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  send(text: string | Uint8Array): void {
    const frame = decodeFrame(typeof text === "string" ? text : new TextDecoder().decode(text))
    ;(this.corked ? this.held : this.frames).push(frame)
    if (!this.corked) this.writes += 1
  }
  isFull(): boolean {
    return this.frames.length + this.held.length >= this.room
  }
  drained(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.drain = () => resume(Effect.void)
    })
  }
  ping(): void {
    this.pingTimes.push(this.now())
  }
  close(code: number, reason: string): void {
    this.closed ??= { code, reason, at: this.now() }
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  cork(): void {
    this.corked = true
  }
  uncork(): void {
    this.corked = false
    if (this.held.length > 0) this.writes += 1
    this.frames.push(...this.held.splice(0))
  }
}

const anything = { summary: "", payload: Schema.Unknown, success: Schema.Unknown, errors: [] }

/** Routes that need nothing: `conversation.chat` is done at once with its payload, so is `do` is a command that is done at once, `later` one that is never done, `ask` a query. */
const routes: ReadonlyArray<Route> = [
  handedOver(command(methods.chat.name, anything), ({ payload }, settle) => settle(Result.succeed(payload))),
  handedOver(command("do", anything), ({ payload }, settle) => settle(Result.succeed(payload))),
  handedOver(command("later", anything), () => {}),
  answered(query("ask", anything), ({ payload }) => Effect.succeed(payload)),
  answered(query("fail", anything), () => Effect.die(new Error("a bug"))),
  handedOver(command("crash", anything), () => {
    throw new Error("a bug in the actor's own loop")
  })
]

/** Budgets that nothing uses up; `charge` is told what is charged. */
export const freeBudgets = (charge: (userId: UserId | undefined, units: number) => void = () => {}) =>
  Layer.succeed(Budgets, {
    charge: ({ userId }, units) => {
      charge(userId, units)
      return 0
    },
    cutOff: () => {},
    waitMillis: () => 0
  })

/** The policy of a node for few connections. */
export const policyOf = (
  limits: Partial<ConnectionLimits> = {},
  loginPolicy: LoginPolicy = "multi",
  shared: Partial<Pick<GatewayPolicy["Service"], "userRateLimit" | "networkRateLimit">> = {}
) =>
  Layer.succeed(GatewayPolicy, {
    limits: { ...quiet, ...limits },
    userRateLimit: undefined,
    networkRateLimit: undefined,
    ...shared,
    loginPolicy,
    connectionsMax: 100,
    userConnectionsMax: 5,
    networkConnectionsMax: 100,
    drainWindowMillis: 1_000
  })

export const layer = (
  limits: Partial<ConnectionLimits>,
  loginPolicy: LoginPolicy = "multi",
  count: (failed: AckFailure) => void = () => {},
  shared: Parameters<typeof policyOf>[2] = {}
) =>
  Connections.layer.pipe(
    Layer.provide(Layer.succeed(Router, routerOf(routes))),
    Layer.provideMerge(PresenceWatches.layer),
    Layer.provideMerge(FakePresence.layer),
    Layer.provideMerge(ConnectionRegistry.layer),
    Layer.provideMerge(Layer.merge(Deadlines.layer, BudgetsMemory.layer)),
    Layer.provide(IdsSnowflake.layer),
    Layer.provide(Layer.succeed(StoreIdentity, { id: "a store" })),
    Layer.provide(Layer.succeed(AckService, { mode: "once", limits: { ...quiet, ...limits }, count })),
    Layer.provide(policyOf(limits, loginPolicy, shared))
  )

export interface Started {
  readonly connection: ConnectionHandle
  readonly transport: Recorder
}

/** Starts an actor and lets it send its first frame. */
export const start = (
  options: {
    readonly userId?: string
    readonly deviceId?: string
    readonly platform?: string
    readonly network?: string
    readonly ackMode?: AckMode
    readonly expiresAt?: number
  } = {}
) =>
  Effect.gen(function* () {
    const connections = yield* Connections
    const clock = yield* Clock.Clock
    const transport = new Recorder(() => clock.currentTimeMillisUnsafe())
    const connection = yield* connections.start(
      {
        identity: {
          kind: "user",
          userId: (options.userId ?? "1") as UserId,
          deviceId: undefined,
          platform: undefined,
          sessionId: "1",
          expiresAt: options.expiresAt ?? Number.POSITIVE_INFINITY
        },
        deviceId: options.deviceId ?? "default",
        platform: options.platform ?? "cli",
        ackMode: options.ackMode ?? "once",
        network: options.network ?? "127.0.0.1"
      },
      transport
    )
    yield* settle
    const started: Started = { connection, transport }
    return started
  })

/** Lets every fiber that can run do so: each turn of the event loop runs what the one before it made ready. */
export const settle = Effect.promise(async () => {
  for (let turn = 0; turn < 4; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
})

export const frame = (changes: Partial<Frame>): Frame => ({
  id: "",
  frameType: FrameType.data,
  method: "do",
  data: undefined,
  ackSeq: 0,
  size: 0,
  ...changes
})

/** A message of user 2 in the conversation with user 1, and the event that pushes it. */
export const message = (seq: number, conversationId = "1_2"): Message =>
  ({
    messageId: `${conversationId}#${seq}`,
    clientId: `c${seq}`,
    conversationId,
    seq,
    chatType: 1,
    senderId: "2",
    receiveId: "1",
    sendTime: 0,
    messageType: 0,
    content: `message ${seq}`
  }) as unknown as Message

export const pushOf = (pushed: Message): ConnectionEvent => ({
  _tag: "MessagePushed",
  message: pushed,
  encoded: new TextEncoder().encode(JSON.stringify(pushFrame(pushed)))
})
