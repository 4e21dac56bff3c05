/**
 * The connection actor: one fiber per open socket. It takes events from its mailbox, lets the pure machine decide
 * (`src/domain/connection/ConnectionMachine.ts`), performs the commands, and keeps one deadline armed. Nothing slow runs in its loop.
 *
 * A class with plain fields rather than closures: there is one for every open socket, and most of them are idle.
 */
import { Cause, type Clock, Effect, Exit, MutableList, type Scheduler } from "effect"
import type { UserIdentity } from "../../domain/accounts/Auth.ts"
import type { StoreIdentity } from "../../domain/cluster/StoreIdentity.ts"
import { type AckService, ackFailureOf } from "../../domain/connection/AckService.ts"
import type { Budgets } from "../../domain/connection/Budgets.ts"
import type { ConnectionLimits } from "../../domain/connection/ConnectionLimits.ts"
import {
  type ConnectionCommand,
  type ConnectionState,
  deadline,
  isReading,
  open,
  step
} from "../../domain/connection/ConnectionMachine.ts"
import { frameUnits } from "../../domain/connection/RateBudget.ts"
import type { Presence } from "../../domain/contacts/Presence.ts"
import type { AckMode } from "../../domain/protocol/AckMode.ts"
import { type CloseName, closeCodes, comingBack, cuttingOff } from "../../domain/protocol/CloseCode.ts"
import type { ServerFrame } from "../../domain/protocol/Frame.ts"
import { events } from "../../domain/protocol/ServerEvents.ts"
import type { SessionReady } from "../../domain/protocol/SessionReady.ts"
import type { ConnectionId, UserId } from "../../domain/shared/Ids.ts"
import { monotonicMillis } from "../../domain/shared/MonotonicTime.ts"
import type { ConnectionHandle, ConnectionRegistry } from "./ConnectionRegistry.ts"
import type { DeadlineEntry, Deadlines } from "./Deadlines.ts"
import { eventOf, isFromPeer, Mailbox, type MailboxEvent } from "./Mailbox.ts"
import type { Router } from "./Router.ts"
import type { Transport } from "./Transport.ts"

/** A connection that was accepted: its user, its device and its options. */
export interface Opening {
  readonly identity: UserIdentity
  readonly deviceId: string
  readonly platform: string
  readonly ackMode: AckMode
  /** The network of the peer (`networkOf`). */
  readonly network: string
}

/** Services and limits that all connection actors of a node share. */
export interface Node {
  readonly limits: ConnectionLimits
  readonly acks: AckService["Service"]
  readonly budgets: Budgets["Service"]
  readonly registry: ConnectionRegistry["Service"]
  readonly presence: Presence["Service"]
  readonly store: StoreIdentity["Service"]
  readonly deadlines: Deadlines["Service"]
  readonly router: Router["Service"]
  /** An id for a frame that has none. */
  readonly newId: () => string
  readonly clock: Clock.Clock
  readonly dispatcher: Scheduler.SchedulerDispatcher
}

export class ConnectionActor implements ConnectionHandle, DeadlineEntry {
  readonly connectionId: ConnectionId
  readonly userId: UserId
  readonly deviceId: string
  readonly platform: string
  readonly sessionId: string
  readonly ackMode: AckMode
  readonly network: string
  /** Its entry among the node's deadlines. */
  at = Number.POSITIVE_INFINITY
  index = -1
  private readonly node: Node
  private readonly limits: ConnectionLimits
  private readonly transport: Transport
  private readonly jitter: number
  private readonly mailbox: Mailbox
  /** Events of the read after which the socket was paused, in order. Most connections never have any. */
  private heldBack: MutableList.MutableList<MailboxEvent> | undefined
  private state: ConnectionState
  /** Whether this side has closed it, and the client will be back if its user is there. */
  private isExpectedBack = false
  /** Units of long responses, and units of the machine's budget that were taken from the user and the network, too. */
  private owed = 0
  private passedOn = 0
  /** Work to be run in the background of the loop. */
  private background: ReadonlyArray<Effect.Effect<void>> | undefined

  /** `jitter`, 0 to 1, is by how much of a tenth the lifetime is shorter, and where in its time a debt is paid. */
  constructor(node: Node, connectionId: ConnectionId, opening: Opening, transport: Transport, jitter: number) {
    this.connectionId = connectionId
    this.userId = opening.identity.userId
    this.deviceId = opening.deviceId
    this.platform = opening.platform
    this.sessionId = opening.identity.sessionId
    this.ackMode = opening.ackMode
    this.network = opening.network
    this.node = node
    this.limits = node.limits
    this.transport = transport
    this.jitter = jitter
    this.mailbox = new Mailbox(transport, node.dispatcher)
    const now = monotonicMillis(node.clock)
    this.state = open(now, this.limits, {
      ackMode: opening.ackMode,
      tokenExpiresAt: now + opening.identity.expiresAt - node.clock.currentTimeMillisUnsafe(),
      lifetimeJitter: jitter / 10
    })
  }

  tell(event: MailboxEvent): void {
    this.mailbox.tell(event)
  }

  onDue(): void {
    this.mailbox.tell({ _tag: "DeadlineReached" })
  }

  /** Makes the connection known, before its actor runs. */
  enter(): void {
    this.node.registry.add(this)
    this.node.presence.opened(this)
  }

  /** The actor's life, from the first frame until the connection is closed. Ends the queries that it started. */
  run(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.send(JSON.stringify(events.sessionReady.frame(this.ready())))
      this.arm()
      return Effect.whileLoop({
        while: () => !this.state.closed,
        body: () =>
          this.transport.isFull() ? this.drained() : Effect.flatMap(this.mailbox.take(), (events) => this.turn(events)),
        step: nothing
      })
    }).pipe(
      Effect.onExit((exit) => this.ended(exit)),
      Effect.exit,
      Effect.asVoid
    )
  }

  /**
   * Handles the waiting events; the frames that they cause leave in few writes. When the peer reads too slowly, the
   * remaining events go back into the mailbox.
   */
  private turn(events: ReadonlyArray<MailboxEvent>): Effect.Effect<void> {
    const { transport } = this
    let handled = 0
    transport.cork()
    try {
      while (handled < events.length) {
        this.receive(events[handled++] as MailboxEvent)
        if (!transport.isFull()) continue
        // Frames that were only held back for one write do not count: write them, and look again.
        transport.uncork()
        transport.cork()
        if (transport.isFull()) break
      }
    } finally {
      transport.uncork()
    }
    this.pay()
    if (handled < events.length) this.mailbox.giveBack(events.slice(handled))
    // The machine pauses the socket for too many requests, the mailbox for too many events; either may still need it.
    else if (isReading(this.state)) this.mailbox.release()
    this.arm()
    if (this.background === undefined) return Effect.void
    const works = this.background
    this.background = undefined
    return Effect.forEach(works, (work) => Effect.forkChild(work), { discard: true })
  }

  /**
   * Takes what was spent from the user and the network, too, whose debts this connection pays as its own. Up to twice as
   * long, so that the connections that pay the same debt are not all read again at the same moment.
   */
  private pay(): void {
    const { spent } = this.state.budget
    const units = spent - this.passedOn + this.owed
    if (units === 0) return
    this.owed = 0
    this.passedOn = spent
    const debtMillis = this.node.budgets.charge(this, units)
    if (debtMillis === 0) return
    const until = monotonicMillis(this.node.clock) + Math.ceil(debtMillis * (1 + this.jitter))
    this.handle({ _tag: "Indebted", until })
  }

  private arm(): void {
    this.node.deadlines.arm(this, deadline(this.state, this.limits))
  }

  /**
   * Handles an event, or holds it back: a peer that is not read does not get around it with what it had sent before. Where
   * the peer has closed the socket, that is handled first, at the cost of its user.
   */
  private receive(event: MailboxEvent): void {
    if (isFromPeer(event) && !isReading(this.state)) {
      this.heldBack ??= MutableList.make()
      return MutableList.append(this.heldBack, event)
    }
    if (event._tag === "SocketClosed") this.catchUp(true)
    this.handle(event)
    this.catchUp(false)
  }

  /** Handles what was held back, in order: all of it where the peer has gone, otherwise as long as the socket is read. */
  private catchUp(isGone: boolean): void {
    const { heldBack } = this
    if (heldBack === undefined) return
    while (heldBack.length > 0 && (isGone || isReading(this.state))) {
      this.handle(MutableList.take(heldBack) as MailboxEvent)
    }
  }

  private handle(received: MailboxEvent): void {
    const event = eventOf(received, this.node.newId)
    const { limits } = this
    const { clock } = this.node
    const [next, commands] = step(this.state, event, monotonicMillis(clock), limits, clock.currentTimeMillisUnsafe())
    this.state = next
    for (const command of commands) this.perform(command)
    if (next.budget.spent - this.passedOn >= unitsPassedOn) this.pay()
  }

  private perform(command: ConnectionCommand): void {
    switch (command._tag) {
      case "SendFrame":
        return this.sendFrame(command.frame)
      case "SendEncoded":
        return this.send(command.encoded)
      case "SendPing":
        return this.transport.ping()
      case "Dispatch": {
        const work = this.node.router.dispatch(this, command.request, command.data)
        if (work !== undefined) this.background = [...(this.background ?? []), work]
        return
      }
      case "Pause":
        return this.transport.pause()
      case "Resume":
        return this.transport.resume()
      case "Close":
        return this.close(command.close, command.retryAfter)
    }
  }

  private sendFrame(frame: ServerFrame): void {
    const failed = ackFailureOf(frame)
    if (failed !== undefined) this.node.acks.count(failed)
    const text = JSON.stringify(frame)
    if (text.length > longResponse) this.owed += frameUnits(text.length)
    this.send(text)
  }

  private send(text: string | Uint8Array): void {
    this.transport.send(text)
  }

  /** Waits until the peer has read; past the limit the connection is closed. */
  private drained(): Effect.Effect<void> {
    return Effect.timeoutOrElse(this.transport.drained(), {
      duration: this.limits.drainMillisMax,
      orElse: () => Effect.sync(() => this.handle({ _tag: "CloseAsked", close: "SlowConsumer" }))
    })
  }

  private close(name: CloseName, retryAfter?: number): void {
    const { code, reason } = closeCodes[name]
    this.isExpectedBack = comingBack.has(name)
    if (cuttingOff.has(name)) this.node.budgets.cutOff(this.userId)
    this.transport.close(code, retryAfter === undefined ? reason : `${reason}; retryAfter=${retryAfter}`)
  }

  /** Removes every trace of the actor. A failure is logged once, and closes this socket only. */
  private ended(exit: Exit.Exit<void>): Effect.Effect<void> {
    this.node.deadlines.cancel(this)
    const fault = Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause) ? exit.cause : undefined
    if (Exit.isFailure(exit)) this.close(fault === undefined ? "GoingAway" : "InternalError")
    this.node.registry.remove(this)
    this.node.presence.closed(this, this.isExpectedBack)
    return fault === undefined ? Effect.void : Effect.logError("a connection actor failed", fault)
  }

  private ready(): SessionReady {
    const { limits } = this
    const { clock } = this.node
    const { lifetimeEndsAt } = this.state
    return {
      userId: this.userId,
      deviceId: this.deviceId,
      connectionId: this.connectionId,
      store: this.node.store.id,
      ack: this.ackMode,
      heartbeatInterval: limits.heartbeatIntervalMillis,
      idleTimeout: limits.idleTimeoutMillis,
      maxLifetime: Number.isFinite(lifetimeEndsAt) ? lifetimeEndsAt - monotonicMillis(clock) : 0,
      ackTimeout: limits.ackTimeoutMillis,
      ackRetry: limits.ackRetryMillis,
      pushRetry: limits.pushRetryMillis,
      pushRetryCount: limits.pushRetryCount,
      pushWindow: limits.unackedMax,
      requestWindow: limits.inFlightMax,
      rateLimit: limits.rateLimit?.count ?? 0,
      rateWindow: limits.rateLimit?.windowMillis ?? 0,
      serverTime: clock.currentTimeMillisUnsafe()
    }
  }
}

/** So many units are passed on at once: a look at two tables for each frame would cost more. */
const unitsPassedOn = 8

/** UTF-16 units of a response above which its length costs something. */
const longResponse = 1_024

const nothing = () => {}
