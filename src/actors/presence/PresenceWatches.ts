/**
 * The presence watches of this node's connections (protocol.md section 1.9). One fiber serves all of them: changes on
 * this node wake it, it polls for changes on other nodes, checks again that each watcher may see the user, and sends
 * `presence.changed`. Without a watch it sleeps.
 */
import { Cause, Clock, Context, Effect, Latch, Layer } from "effect"
import { Contacts } from "../../domain/contacts/Contacts.ts"
import { Presence, type PresenceState } from "../../domain/contacts/Presence.ts"
import { pairKey } from "../../domain/contacts/UserPair.ts"
import { encodeFrame } from "../../domain/protocol/Frame.ts"
import { events } from "../../domain/protocol/ServerEvents.ts"
import { type Failure, failure } from "../../domain/shared/Failure.ts"
import type { UserId } from "../../domain/shared/Ids.ts"
import { monotonicMillis } from "../../domain/shared/MonotonicTime.ts"
import { type ConnectionHandle, ConnectionRegistry } from "../connections/ConnectionRegistry.ts"
import { type Watch, WatchTable } from "./WatchTable.ts"

/** How often changes on other nodes are polled. */
const pollMillis = 500
/** How long the fiber sleeps at most while there are watches. */
const tickMillis = 200
/** Changes within this time are handled together. */
const gatherMillis = 50
/** How long a user is away before watchers are told: many clients reconnect within this time. */
const graceMillis = 700
/** The pause after a failure: the database may be away. */
const afterFailureMillis = 1_000
/** Users in one read of presence. */
const readMax = 500
/** Pairs of watcher and watched user in one check of contacts. */
const pairsMax = 5_000
/** Watched users of all connections of this node together. */
export const entriesMax = 1_000_000

/** A change of which a watcher is told if it may still see the user. */
interface Telling {
  readonly watch: Watch
  readonly state: PresenceState
}

export class PresenceWatches extends Context.Service<
  PresenceWatches,
  {
    /**
     * Returns the state of those `userIds` that are contacts of the connection's user. From then on the connection gets
     * `presence.changed` when one of them comes online or goes offline. Replaces the connection's earlier watch; a call
     * that fails changes nothing. `Overloaded`: more than {@link entriesMax} users would be watched on this node.
     */
    readonly watch: (
      connection: ConnectionHandle,
      userIds: ReadonlyArray<UserId>
    ) => Effect.Effect<ReadonlyArray<PresenceState>, Failure<"DatabaseError" | "Overloaded">>
    /** Watched users of all connections together. */
    readonly size: () => number
  }
>()("fiberchat/actors/PresenceWatches") {
  static readonly layer = Layer.effect(
    PresenceWatches,
    Effect.suspend(() => make)
  )
}

const userOf = ({ connection }: Watch): UserId => connection.userId

const stateOf = ({ userId, online, lastSeen }: PresenceState): PresenceState => ({ userId, online, lastSeen })

const encode = (state: PresenceState): Uint8Array => encodeFrame(events.presenceChanged.frame(stateOf(state)))

const make = Effect.gen(function* () {
  const presence = yield* Presence
  const contacts = yield* Contacts
  const registry = yield* ConnectionRegistry
  const clock = yield* Clock.Clock
  const now = () => monotonicMillis(clock)
  const table = new WatchTable()
  /** Watched users whose state may have changed, and users that were found offline, with the time of that. */
  const dirty = new Set<UserId>()
  const gone = new Map<UserId, number>()
  const somebodyWatches = Latch.makeUnsafe()
  const somethingChanged = Latch.makeUnsafe()
  let calls = 0
  let rounds = 0
  let version: number | undefined
  let polledAt = Number.NEGATIVE_INFINITY

  const mark = (userIds: Iterable<UserId>) => {
    for (const userId of userIds) if (table.byUser.has(userId)) dirty.add(userId)
    if (dirty.size > 0) somethingChanged.openUnsafe()
  }

  /** Without a watch nothing is polled, and changes until the next watch need not be known. */
  const restIfAlone = () => {
    if (table.byUser.size > 0) {
      somebodyWatches.openUnsafe()
      return
    }
    somebodyWatches.closeUnsafe()
    version = undefined
    dirty.clear()
    gone.clear()
  }

  const register = (connection: ConnectionHandle, call: number, states: ReadonlyArray<PresenceState>) => {
    const id = connection.connectionId
    const before = table.byConnection.get(id)
    const isOpen = registry.ofUser(connection.userId).some(({ connectionId }) => connectionId === id)
    if (!isOpen || (before !== undefined && before.call > call)) return Effect.void
    if (table.entries - (before?.told.size ?? 0) + states.length > entriesMax) {
      return Effect.fail(failure("Overloaded", { retryAfter: 5_000 }))
    }
    const told = new Map(states.map(({ userId, online }) => [userId, online]))
    // An empty watch is kept, too: an earlier call of this connection may end after this one.
    table.put({ connection, call, since: rounds, told })
    restIfAlone()
    // Read once more: a change since the read above may be older than the version from which changes are polled.
    mark(told.keys())
    return Effect.void
  }

  const watch = (connection: ConnectionHandle, userIds: ReadonlyArray<UserId>) => {
    calls += 1
    const call = calls
    return Effect.gen(function* () {
      const allowed = yield* contacts.among(connection.userId, userIds, "showPresence")
      const states = allowed.length === 0 ? [] : yield* presence.of(allowed)
      yield* register(connection, call, states)
      return states.map(stateOf)
    })
  }

  const poll = Effect.gen(function* () {
    if (now() < polledAt + pollMillis) return
    polledAt = now()
    const changes = yield* presence.changes(version)
    version = changes.version
    mark(changes.userIds)
  })

  /** The watchers to tell of this state now. A user that is found offline is looked at again after the grace. */
  const tellingsOf = (state: PresenceState, round: number): ReadonlyArray<Telling> => {
    const tellings = [...(table.byUser.get(state.userId) ?? [])].flatMap((watch) =>
      watch.since < round && watch.told.get(state.userId) !== state.online ? [{ watch, state }] : []
    )
    if (state.online || tellings.length === 0) {
      gone.delete(state.userId)
      return tellings
    }
    const goneAt = gone.get(state.userId)
    if (goneAt === undefined) gone.set(state.userId, now())
    if (goneAt === undefined || now() < goneAt + graceMillis) return []
    gone.delete(state.userId)
    return tellings
  }

  /** Tells the watchers that may still see the user. The check is per pair of users, not per connection. */
  const tell = Effect.fnUntraced(function* (tellings: ReadonlyArray<Telling>) {
    const encoded = new Map<PresenceState, Uint8Array>()
    const byPair = Map.groupBy(tellings, ({ watch, state }) => pairKey(userOf(watch), state.userId))
    const pairs = [...byPair.values()].flatMap(([first]) =>
      first === undefined ? [] : [{ userId: userOf(first.watch), otherId: first.state.userId }]
    )
    for (let start = 0; start < pairs.length; start += pairsMax) {
      const allowed = yield* contacts.pairs(pairs.slice(start, start + pairsMax), "showPresence")
      const told = allowed.flatMap(({ userId, otherId }) => byPair.get(pairKey(userId, otherId)) ?? [])
      for (const { watch, state } of told) {
        if (!table.isCurrent(watch)) continue
        const bytes = encoded.get(state) ?? encode(state)
        encoded.set(state, bytes)
        watch.told.set(state.userId, state.online)
        watch.connection.tell({ _tag: "Notified", encoded: bytes })
      }
    }
  })

  const tellOf = (userIds: ReadonlyArray<UserId>) =>
    Effect.gen(function* () {
      rounds += 1
      const round = rounds
      const states = yield* presence.of(userIds)
      yield* tell(states.flatMap((state) => tellingsOf(state, round)))
    }).pipe(Effect.onError(() => Effect.sync(() => mark(userIds))))

  const round = Effect.gen(function* () {
    // The last watch may have ended meanwhile.
    if (table.byUser.size === 0) return
    yield* poll
    for (const [userId, goneAt] of gone) {
      if (!table.byUser.has(userId)) gone.delete(userId)
      else if (now() >= goneAt + graceMillis) dirty.add(userId)
    }
    const due = [...dirty]
    dirty.clear()
    for (let start = 0; start < due.length; start += readMax) {
      yield* Effect.onError(tellOf(due.slice(start, start + readMax)), () =>
        Effect.sync(() => mark(due.slice(start + readMax)))
      )
    }
  })

  const turn = Effect.gen(function* () {
    yield* somebodyWatches.await
    yield* Effect.raceFirst(Effect.sleep(tickMillis), somethingChanged.await)
    yield* Effect.sleep(gatherMillis)
    somethingChanged.closeUnsafe()
    yield* round
  }).pipe(
    Effect.catchCause((cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
      const unexpected = cause.reasons.some(({ _tag }) => _tag === "Die")
      const said = unexpected ? Effect.logError("changes of presence could not be told", cause) : Effect.void
      return Effect.andThen(said, Effect.sleep(afterFailureMillis))
    })
  )
  yield* Effect.forkScoped(Effect.forever(turn))

  const changed = (userId: UserId) => mark([userId])
  registry.observe({
    opened: ({ userId }) => changed(userId),
    closed: ({ connectionId, userId }) => {
      if (table.byConnection.has(connectionId)) {
        table.remove(connectionId)
        restIfAlone()
      }
      changed(userId)
    }
  })

  return PresenceWatches.of({
    watch,
    size: () => table.entries
  })
})
