/** Presence and contacts in memory: what other processes hold, and who knows whom, is what a test says. */
import { Clock, Context, Effect, Layer } from "effect"
import { ConnectionRegistry } from "../../src/actors/connections/ConnectionRegistry.ts"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { Presence } from "../../src/domain/contacts/Presence.ts"
import { type Failure, failure } from "../../src/domain/shared/Failure.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"

export class FakePresence extends Context.Service<FakePresence, State>()("fiberchat/test/FakePresence") {
  static readonly layer = Layer.unwrap(
    Effect.gen(function* () {
      const registry = yield* ConnectionRegistry
      const state = new State(registry, yield* Clock.Clock)
      return Layer.mergeAll(
        Layer.succeed(FakePresence, state),
        Layer.succeed(Presence, state.presence),
        Layer.succeed(Contacts, state.contacts)
      )
    })
  )
}

class State {
  /** Users that are connected elsewhere. */
  private readonly elsewhere = new Set<string>()
  private readonly lastSeen = new Map<string, number>()
  private readonly changes: Array<UserId> = []
  private readonly pairs = new Set<string>()
  /** Whether every question fails, or those for contacts. */
  isAway = false
  areContactsAway = false
  /** Questions so far: who are contacts, for the state of users, and for changes. */
  rights = 0
  states = 0
  polls = 0
  /** The wait before a read returns. */
  before: Effect.Effect<void> = Effect.void
  private readonly registry: ConnectionRegistry["Service"]
  private readonly clock: Clock.Clock

  constructor(registry: ConnectionRegistry["Service"], clock: Clock.Clock) {
    this.registry = registry
    this.clock = clock
  }

  know(a: string, b: string): void {
    this.pairs.add(`${a} ${b}`)
    this.pairs.add(`${b} ${a}`)
  }

  forget(a: string, b: string): void {
    this.pairs.delete(`${a} ${b}`)
    this.pairs.delete(`${b} ${a}`)
  }

  /** Another process gets or loses a connection of this user. */
  setElsewhere(userId: string, online: boolean): void {
    if (online) this.elsewhere.add(userId)
    else this.elsewhere.delete(userId)
    this.seen(userId)
    this.changes.push(userId as UserId)
  }

  private seen(userId: string): void {
    this.lastSeen.set(userId, this.clock.currentTimeMillisUnsafe())
  }

  private ask<A>(read: () => A, isAway = () => this.isAway): Effect.Effect<A, Failure<"DatabaseError">> {
    return Effect.suspend(() => {
      const answer = isAway() ? Effect.fail(failure("DatabaseError")) : Effect.succeed(read())
      return Effect.andThen(this.before, answer)
    })
  }

  private isOnline(userId: string): boolean {
    return this.registry.isOnline(userId as UserId) || this.elsewhere.has(userId)
  }

  private knows(userId: string, otherId: string): boolean {
    return this.pairs.has(`${userId} ${otherId}`)
  }

  /** No question for nothing, as below a store. */
  private askRights<A>(
    asked: ReadonlyArray<A>,
    isContact: (one: A) => boolean
  ): Effect.Effect<ReadonlyArray<A>, Failure<"DatabaseError">> {
    if (asked.length === 0) return Effect.succeed([])
    const isAway = () => this.isAway || this.areContactsAway
    return this.ask(() => {
      this.rights += 1
      return asked.filter(isContact)
    }, isAway)
  }

  get contacts(): Contacts["Service"] {
    return Contacts.of({
      list: () => Effect.die(new Error("nobody's whole list is needed")),
      among: (userId, userIds) => this.askRights([...new Set(userIds)], (otherId) => this.knows(userId, otherId)),
      pairs: (pairs) => this.askRights(pairs, ({ userId, otherId }) => this.knows(userId, otherId)),
      findable: () => Effect.die(new Error("presence looks for nobody")),
      known: () => Effect.die(new Error("presence looks for nobody")),
      blocks: () => Effect.succeed([]),
      block: () => Effect.void,
      unblock: () => Effect.void
    })
  }

  get presence(): Presence["Service"] {
    return Presence.of({
      opened: ({ userId }) => this.seen(userId),
      closed: ({ userId }) => this.seen(userId),
      of: (userIds) =>
        this.ask(() => {
          this.states += 1
          return userIds.map((userId) => {
            const online = this.isOnline(userId)
            const lastSeen = online ? this.clock.currentTimeMillisUnsafe() : (this.lastSeen.get(userId) ?? 0)
            return { userId, online, lastSeen, devices: [] }
          })
        }),
      onlineAmong: (userIds) => this.ask(() => userIds.filter((userId) => this.isOnline(userId))),
      changes: (after) =>
        this.ask(() => {
          this.polls += 1
          return { version: this.changes.length, userIds: this.changes.slice(after ?? this.changes.length) }
        })
    })
  }
}
