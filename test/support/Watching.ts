/** Connections that watch presence, on a clock that tests move. */
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { PresenceWatches } from "../../src/actors/presence/PresenceWatches.ts"
import type { PresenceState } from "../../src/domain/contacts/Presence.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { type Started, settle } from "./ActorHarness.ts"

/** Lets time pass, and everybody do what is due. */
export const pass = Effect.fnUntraced(function* (millis: number) {
  for (let passed = 0; passed < millis; passed += 50) {
    yield* TestClock.adjust(50)
    yield* settle
  }
})

export const watch = ({ connection }: Started, ...userIds: ReadonlyArray<string>) =>
  Effect.flatMap(PresenceWatches, (watches) => watches.watch(connection, userIds as ReadonlyArray<string> as UserId[]))

/** The presence changes that a connection got, in order. */
export const told = ({ transport }: Started) =>
  transport.frames.flatMap(({ method, data }) => (method === "presence.changed" ? [data as PresenceState] : []))

/** The end of a connection as its socket would tell it. */
export const leave = ({ connection }: Started) =>
  Effect.andThen(
    Effect.sync(() => connection.tell({ _tag: "SocketClosed" })),
    settle
  )
